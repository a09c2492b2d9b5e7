"""The table view and its panel: selection by key, copying, filter field, empty state."""

from dataclasses import dataclass

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from app.engine.base.records import Records
from app.views.widgets.columns import Column
from app.views.widgets.empty import EmptyState
from app.views.widgets.table import TablePanel


@dataclass(frozen=True)
class Row:
    key: str
    number: int


@pytest.fixture
def records():
    return Records(lambda row: row.key, "row")


@pytest.fixture
def panel(qtbot, records):
    columns = [Column("key", "Key", lambda row: row.key), Column("number", "Number", lambda row: row.number, right=True)]
    made = TablePanel(records, columns, name="Rows", empty=EmptyState("server", "No rows", "Rows appear here."))
    qtbot.addWidget(made)
    made.show()
    yield made
    made.model._later.stop()


def fill(panel, records, count=3):
    records.put(*(Row(f"k{at}", at) for at in range(count)))
    panel.model.flush()


def test_the_empty_state_stands_until_there_is_a_record(panel, records):
    assert panel.empty_shown
    fill(panel, records)
    assert not panel.empty_shown
    records.discard("k0", "k1", "k2")
    panel.model.flush()
    assert panel.empty_shown


def test_picking_tells_the_key_and_survives_sort_and_filter(qtbot, panel, records):
    fill(panel, records)
    picked = []
    panel.on_picked(picked.append)
    panel.view.pick("k1")
    panel.view.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    assert panel.view.picked_key == "k1"
    panel.field.setText("k1")
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)
    assert (panel.model.rowCount(), panel.view.picked_key) == (1, "k1")
    panel.field.setText("k2")
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)
    assert panel.view.picked_key == ""
    assert picked == ["k1", ""]
    assert panel.count.text() == "1 of 3"


def test_typing_filters_by_itself_after_a_moment(qtbot, panel, records):
    fill(panel, records)
    qtbot.keyClicks(panel.field, "k2")
    qtbot.waitUntil(lambda: panel.model.rowCount() == 1)


def test_selected_rows_are_copied_with_their_header(qtbot, panel, records):
    fill(panel, records)
    panel.view.selectAll()
    qtbot.keyClick(panel.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "Key\tNumber\nk0\t0\nk1\t1\nk2\t2"
    assert panel.view.picked_keys() == ["k0", "k1", "k2"]


def test_return_opens_and_delete_asks_to_remove(qtbot, panel, records):
    fill(panel, records)
    panel.view.pick("k2")
    with qtbot.waitSignal(panel.view.opened) as opened:
        qtbot.keyClick(panel.view, Qt.Key.Key_Return)
    with qtbot.waitSignal(panel.view.pressed_delete) as removed:
        qtbot.keyClick(panel.view, Qt.Key.Key_Delete)
    assert opened.args == removed.args == ["k2"]


def test_a_click_on_the_header_sorts_up_down_and_back(qtbot, panel, records):
    fill(panel, records)
    header = panel.view.horizontalHeader()
    for expected in ("k0", "k2", "k0"):
        at = header.sectionViewportPosition(1) + 10
        qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=header.rect().center().__class__(at, 10))
        assert panel.model.key_at(0) == expected


def test_the_filter_takes_the_keyboard_on_request(qtbot, panel, records):
    fill(panel, records)
    panel.activateWindow()
    panel.focus_filter()
    qtbot.waitUntil(panel.field.hasFocus)
