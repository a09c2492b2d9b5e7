"""Fleet: one selection in table, map and Inspector; the demo is one press away."""

from dataclasses import replace

from PySide6.QtCore import Qt

from app.engine.fleet.health import Health
from app.engine.fleet.saved import SavedView
from app.views.fleet_bulk import deeds


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


def test_tiers_and_labels_are_columns_to_be_chosen_also_beside_an_older_layout(full_window, full):
    full_window.open_page("fleet")
    table = full_window.page.table
    assert "tier" not in keys_of(full_window.page)
    held = table.view.arrangement()
    table.view.arrange({**held, "hidden": [key for key in held["hidden"] if key != "measured"]})
    assert keys_of(full_window.page)[-1] == "measured"
    table.view.arrange({"order": ["name", "state"], "hidden": []})
    assert "measured" not in keys_of(full_window.page)
    full.fleet.records.put(replace(full.fleet.records.need("n0"), tier="tier-1", round_trip_s=4e-3))
    column = next(each for each in table.model.columns if each.key == "measured")
    slow = full.fleet.records.need("n0")
    assert (column.write(slow), column.token(slow)) == ("tier-2", "warn")


def test_pairing_opens_its_form(window):
    window.open_page("fleet")
    window.page.pair.click()
    assert window.inspector.isVisible()


def keys_of(page):
    return [column.key for column in page.table.view.shown_columns()]


def test_a_saved_view_filters_sorts_groups_and_picks_columns(full_window, full, start):
    full_window.open_page("fleet")
    page = full_window.page
    full.fleet.views.records.put(SavedView("v1", "the north", "fleet", "lat > 60", ("name", "site", "cpu"), "-cpu", "site"))
    assert [page.bar.views.itemText(at) for at in range(page.bar.views.count())] == ["All nodes", "the north"]
    page.bar.apply("the north")
    assert (page.table.model.rowCount(), page.table.field.text()) == (2, "lat > 60")
    assert keys_of(page) == ["name", "site", "cpu"]
    held = page.table.view.arrangement()
    assert (held["sort"], held["group"]) == ([["cpu", True]], "site")
    assert page.bar.act.text() == "Act on 2 matching"
    page.bar.views.setEditText("mine")
    page.bar.keep.click()
    assert start.asked[-1] == (
        "view.save",
        {"name": "mine", "query": "lat > 60", "page": "fleet", "columns": "name,site,cpu", "sort": "-cpu", "grouping": "site"},
    )
    page.bar.apply("All nodes")
    assert page.table.model.rowCount() == 6
    page.bar.views.setEditText("the north")
    page.bar.drop.click()
    assert start.asked[-1] == ("view.remove", {"view": "the north"})


def test_a_deed_over_all_matching_waits_and_can_be_taken_back(full_window, full, start):
    full_window.open_page("fleet")
    bar = full_window.page.bar
    bar.apply("All nodes")
    full_window.page.table.model.set_filter("lat > 60")
    maintenance = deeds()[0]
    bar.begin(maintenance)
    assert bar.pending.texts == ["Maintenance begins in 5 s"]
    assert "fleet.maintenance" not in start.names()
    assert bar.pending.take_back()
    bar.begin(maintenance)
    bar.pending.pass_s(5.1)
    assert start.asked[-1] == ("fleet.maintenance", {"nodes": "lat > 60"})
    full_window.page.table.model.set_filter("node-0")
    assert bar.words() == "n0,n1,n2,n3,n4,n5"


def test_taking_nodes_out_of_service_asks_for_their_count(full_window, full, start):
    full_window.open_page("fleet")
    bar = full_window.page.bar
    full.fleet.records.put(replace(full.fleet.records.need("n0"), state=Health.DECOMMISSIONED))
    bar.begin(next(deed for deed in deeds() if deed.final))
    assert bar.said.text() == "Take out of service: 5 nodes; already so: 1"
    assert not bar.go.isEnabled()
    bar.line.setText("5")
    assert not bar.go.isEnabled()
    bar.line.setText("6")
    bar.go.click()
    bar.pending.pass_s(5.1)
    assert start.asked[-1] == ("fleet.decommission", {"nodes": "n0,n1,n2,n3,n4,n5"})
    label = next(deed for deed in deeds() if deed.ask == "add")
    bar.begin(label)
    bar.line.setText("ring=canary")
    bar.line.returnPressed.emit()
    bar.pending.pass_s(5.1)
    assert start.asked[-1] == ("fleet.label", {"nodes": "all", "add": "ring=canary"})
