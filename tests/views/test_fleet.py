"""Fleet: one selection in table, map and Inspector; the demo is one press away."""

from dataclasses import replace

from PySide6.QtCore import Qt

from app.engine.fleet.health import Health


def test_the_empty_state_starts_the_demo_fleet(window, start):
    window.open_page("fleet")
    assert window.page.table.empty_shown
    assert not window.page.demo.isVisible()
    from app.views.widgets.empty import EmptyState

    window.page.findChild(EmptyState).button.click()
    assert start.asked[-1] == ("fleet.demo", {"nodes": 6})


def test_table_and_map_share_one_selection_and_the_inspector_follows(qtbot, full_window):
    full_window.open_page("fleet")
    page = full_window.page
    full_window.settle()
    at = page.map.point_of(46.64, 8.59).toPoint()
    qtbot.mouseClick(page.map, Qt.MouseButton.LeftButton, pos=at)
    assert page.table.view.picked_key == "n2"
    assert page.map._picked == "n2"
    assert page.node._name.text() == "node-03"
    assert full_window.inspector.isVisible()


def test_worst_nodes_sort_first_by_state_and_filter_by_site(full_window):
    full_window.open_page("fleet")
    table = full_window.page.table
    table.view.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert [table.model.record_at(row).state for row in range(2)] == [Health.OFFLINE, Health.SUSPECT]
    table.model.set_filter("site==Kiruna")
    assert [table.model.record_at(row).name for row in range(table.model.rowCount())] == ["node-06"]


def test_a_state_change_reaches_table_heading_and_map(qtbot, full_window, full):
    full_window.open_page("fleet")
    page = full_window.page
    node = full.fleet.records.need("n0")
    full.fleet.records.put(replace(node, state=Health.OFFLINE))
    qtbot.waitUntil(lambda: page.subtitle.text() == "3 of 6 online")
    assert "node-01 ■ offline" in page.map.accessibleDescription()


def test_pairing_opens_its_form(window):
    window.open_page("fleet")
    window.page.pair.click()
    assert window.inspector.isVisible()
