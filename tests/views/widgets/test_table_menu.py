"""What can be done with a table: several sort keys, groups, columns, files of what is shown."""

import csv
import json
from dataclasses import dataclass

import pytest
from PySide6.QtCore import Qt

from app.engine.base.errors import BadInput, Missing
from app.engine.base.records import Records
from app.views.widgets import table_export, table_menu
from app.views.widgets.columns import Column
from app.views.widgets.table import TablePanel


@dataclass(frozen=True)
class Row:
    key: str
    site: str
    size: float | None


@pytest.fixture
def panel(qtbot):
    records = Records(lambda row: row.key, "row")
    columns = [
        Column("key", "Key", lambda row: row.key),
        Column("site", "Site", lambda row: row.site),
        Column("size", "Size", lambda row: row.size, lambda size: f"{size:g} B", right=True),
    ]
    made = TablePanel(records, columns, name="Rows")
    made.resize(600, 300)
    qtbot.addWidget(made)
    made.show()
    records.put(Row("a", "north", 3.0), Row("b", "south", 1.0), Row("c", "north", 1.5), Row("d", "south", None))
    made.model.flush()
    made.records = records
    yield made
    made.model._later.stop()


def keys(panel):
    return [panel.model.key_at(row) for row in range(panel.model.rowCount())]


def test_menu_sorts_by_one_column_then_by_another(panel):
    panel.view.sort_only(1, descending=True)
    panel.view.sort_also(2, descending=False)
    assert keys(panel) == ["b", "d", "c", "a"]
    assert panel.model.headerData(1, Qt.Orientation.Horizontal) == "Site ↓1"
    assert panel.model.headerData(2, Qt.Orientation.Horizontal) == "Size ↑2"


def test_a_group_names_itself_once_with_its_number_and_follows_changes(panel):
    panel.view.group_by(1)
    assert [panel.model.data(panel.model.index(row, 1)) for row in range(4)] == ["▾ north (2)", "", "▾ south (2)", ""]
    panel.records.put(Row("b", "north", 1.0))
    panel.model.flush()
    assert [panel.model.data(panel.model.index(row, 1)) for row in range(4)] == ["▾ north (3)", "", "", "▾ south (1)"]
    panel.records.discard("a")
    panel.model.flush()
    assert panel.model.data(panel.model.index(0, 1)) == "▾ north (2)"


def shown(panel):
    model = panel.model
    return [tuple(model.data(model.index(row, column)) for column in range(3)) for row in range(model.rowCount())]


def test_a_folded_group_is_one_row_that_stands_for_all_of_it(qtbot, panel):
    panel.view.group_by(1)
    panel.view.selectRow(1)
    qtbot.keyClick(panel.view, Qt.Key.Key_Left)
    assert shown(panel)[0] == ("", "▸ north (2)", "")
    assert panel.model.rowCount() == 3
    assert panel.count.text() == "4"
    assert sorted(panel.view.picked_keys()) == sorted(record.key for record in panel.records if record.site == "north")
    assert len(panel.view.as_text().splitlines()) == 3
    assert len(panel.model.members(range(3))) == 4
    panel.records.put(Row("e", "north", 1.0), Row("f", "east", 1.0))
    panel.records.discard("a")
    panel.model.flush()
    assert [row[1] for row in shown(panel)] == ["▾ east (1)", "▸ north (2)", "▾ south (2)", ""]
    assert panel.model.matching == 5
    panel.view.selectRow(1)
    qtbot.keyClick(panel.view, Qt.Key.Key_Right)
    assert [row[1] for row in shown(panel)] == ["▾ east (1)", "▾ north (2)", "", "▾ south (2)", ""]


def test_all_groups_fold_and_unfold_and_are_kept_with_the_layout(panel):
    panel.view.group_by(1)
    actions = {action.text(): action for action in table_menu.build(panel.view, 1).actions()}
    actions["Fold all groups"].trigger()
    assert [row[1] for row in shown(panel)] == ["▸ north (2)", "▸ south (2)"]
    held = panel.view.arrangement()
    assert held["folded"] == ["north", "south"]
    panel.view.group_by(-1)
    assert panel.model.rowCount() == 4
    panel.view.arrange(held)
    assert panel.model.rowCount() == 2
    panel.model.set_filter("south")
    assert [row[1] for row in shown(panel)] == ["▸ south (2)"]


def test_the_last_column_cannot_be_hidden(panel):
    for at in range(3):
        panel.view.show_column(at, shown=False)
    assert [column.key for column in panel.view.shown_columns()] == ["size"]


def test_a_file_holds_what_is_shown_in_its_order(panel, tmp_path):
    panel.model.set_filter("north")
    panel.view.sort_only(2, descending=False)
    panel.view.show_column(1, shown=False)
    told = []
    panel.view.told.connect(told.append)
    table_menu.write(panel.view, tmp_path / "rows.csv")
    table_menu.write(panel.view, tmp_path / "rows.json")
    assert list(csv.reader((tmp_path / "rows.csv").read_text().splitlines())) == [["key", "size"], ["c", "1.5"], ["a", "3.0"]]
    assert json.loads((tmp_path / "rows.json").read_text()) == [{"key": "c", "size": 1.5}, {"key": "a", "size": 3.0}]
    assert told[0].startswith("2 rows written")
    table_menu.write(panel.view, tmp_path / "rows.xyz")
    assert "rows.xyz" in told[-1]


def test_an_unknown_ending_and_a_missing_library_are_told(tmp_path, monkeypatch):
    with pytest.raises(BadInput, match="a table is written as"):
        table_export.write(tmp_path / "x.doc", {"a": [1]})
    monkeypatch.setattr(table_export, "formats", lambda: ("csv", "json"))
    with pytest.raises(Missing, match="pyarrow"):
        table_export.write(tmp_path / "x.parquet", {"a": [1]})


def test_a_csv_reads_back_with_separators_and_line_ends_in_its_texts():
    found = {"a": ['say "so"', "two\nlines"], "b": ["x,y", None]}
    lines = list(csv.reader(table_export.as_csv(found).decode().splitlines(keepends=True)))
    assert lines == [["a", "b"], ['say "so"', "x,y"], ["two\nlines", ""]]


def test_the_menu_names_its_column_and_all_columns(panel):
    menu = table_menu.build(panel.view, 1)
    texts = [action.text() for action in menu.actions() if action.text()]
    assert "Group by Site" in texts
    assert "Hide Site" in texts
    assert any(text.startswith("Write 4 rows") for text in texts)


def test_a_column_moves_and_fits_its_content_without_a_mouse(panel):
    view = panel.view
    titles = [column.key for column in view.shown_columns()]
    view.show_column(1, shown=False)
    menu = {one.text(): one for one in table_menu.build(view, 0).actions()}
    view.resizeColumnToContents(0)
    fitting = view.columnWidth(0)
    view.horizontalHeader().resizeSection(0, fitting + 77)
    title = view.columns[0].title
    menu[f"Move {title} to the left"].trigger()  # it is the first one
    assert [column.key for column in view.shown_columns()] == [titles[0], *titles[2:]]
    menu[f"Move {title} to the right"].trigger()
    assert [column.key for column in view.shown_columns()] == [titles[2], titles[0], *titles[3:]]
    menu[f"Move {title} to the left"].trigger()
    menu[f"As wide as what is in {title}"].trigger()
    assert view.columnWidth(0) == fitting
