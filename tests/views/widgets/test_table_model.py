"""The one table model: order, filter, coalescing, and Qt's own model tester set to fatal."""

import random
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QItemSelectionModel, QPersistentModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy

from app.engine.base.records import Records
from app.views.widgets.columns import Column
from app.views.widgets.table_model import RecordsModel


@dataclass(frozen=True)
class Row:
    key: str
    number: float | None
    word: str


COLUMNS = [
    Column("key", "Key", lambda row: row.key),
    Column("number", "Number", lambda row: row.number, lambda value: f"{value:g}", right=True),
    Column("word", "Word", lambda row: row.word, token=lambda _row: "ok", mono=True),
]


@pytest.fixture
def records():
    rows = Records(lambda row: row.key, "row")
    rows.put(Row("a", 3, "pear"), Row("b", None, "Apple"), Row("c", 1, "fig"))
    return rows


@pytest.fixture
def model(qapp, records):
    made = RecordsModel(records, COLUMNS)
    QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Fatal, made)
    yield made
    made._later.stop()


def keys(model):
    return [model.key_at(row) for row in range(model.rowCount())]


def test_shows_records_in_the_order_they_came(model):
    assert keys(model) == ["a", "b", "c"]
    assert model.data(model.index(1, 1)) == "–"
    assert model.headerData(1, Qt.Orientation.Horizontal) == "Number"


def test_sorts_numbers_with_unknown_last_in_both_directions(model):
    model.sort(1)
    assert keys(model) == ["c", "a", "b"]
    model.sort(1, Qt.SortOrder.DescendingOrder)
    assert keys(model) == ["a", "c", "b"]
    assert model.headerData(1, Qt.Orientation.Horizontal) == "Number ↓"
    model.sort(-1)
    assert keys(model) == ["a", "b", "c"]


def test_sorts_words_without_regard_to_case(model):
    model.sort(2)
    assert keys(model) == ["b", "c", "a"]


def test_filters_by_words_and_by_column(model):
    model.set_filter("PEA")
    assert keys(model) == ["a"]
    model.set_filter("word==fig")
    assert keys(model) == ["c"]
    model.set_filter("word==fi")
    assert keys(model) == []
    model.set_filter("")
    assert keys(model) == ["a", "b", "c"]
    assert model.total == 3


def test_many_changes_are_told_as_one_ranged_signal(qtbot, model, records):
    spy = QSignalSpy(model.dataChanged)
    for number in range(50):
        records.put(Row("a", number, "pear"), Row("c", number, "fig"))
    assert spy.count() == 0
    qtbot.waitUntil(lambda: spy.count() > 0)
    assert spy.count() == 1
    first, last = spy.at(0)[0], spy.at(0)[1]
    assert (first.row(), last.row()) == (0, 2)
    assert model.data(model.index(0, 1)) == "49"


def test_added_rows_find_their_place_and_their_filter(model, records):
    model.sort(1)
    model.set_filter("p")
    records.put(Row("d", 2, "plum"), Row("e", 0, "date"))
    model.flush()
    assert keys(model) == ["d", "a", "b"]
    assert model.total == 5


def test_a_changed_row_moves_when_its_sort_value_changes(model, records):
    model.sort(1)
    held = QPersistentModelIndex(model.index(0, 0))
    records.put(Row("c", 9, "fig"))
    model.flush()
    assert keys(model) == ["a", "c", "b"]
    assert held.row() == 1


def test_a_changed_row_leaves_and_enters_a_filter(model, records):
    model.set_filter("fig")
    records.put(Row("c", 1, "kiwi"), Row("a", 3, "fig tree"))
    model.flush()
    assert keys(model) == ["a"]


def test_removed_and_added_again_before_it_is_told_is_one_changed_row(model, records):
    records.discard("b")
    records.put(Row("b", 7, "back"))
    model.flush()
    assert keys(model) == ["a", "b", "c"]
    assert model.data(model.index(1, 1)) == "7"


def test_unused_roles_answer_at_once(model):
    assert model.data(model.index(0, 0), Qt.ItemDataRole.DecorationRole) is None
    assert model.data(model.index(0, 2), Qt.ItemDataRole.ForegroundRole).isValid()
    assert model.data(model.index(0, 2), Qt.ItemDataRole.FontRole) is not None
    assert model.data(model.index(0, 1), Qt.ItemDataRole.TextAlignmentRole) & int(Qt.AlignmentFlag.AlignRight)


def test_live_columns_alone_are_told_each_second(qapp, records):
    model = RecordsModel(records, [*COLUMNS, Column("age", "Age", lambda row: row.number, live=True)])
    spy = QSignalSpy(model.dataChanged)
    model.tell_live()
    assert spy.count() == 1
    assert {spy.at(0)[0].column(), spy.at(0)[1].column()} == {3}


def test_thousands_of_rows_sort_filter_change_and_shrink(qapp):
    rng = random.Random(7)
    rows = Records(lambda row: row.key, "row")
    rows.put(*(Row(f"k{at:05d}", rng.random(), rng.choice(["north", "south"])) for at in range(2_400)))
    model = RecordsModel(rows, COLUMNS)
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)
    model.sort(1)
    numbers = [model.record_at(row).number for row in range(model.rowCount())]
    assert numbers == sorted(numbers)
    model.set_filter("word==north")
    assert {model.record_at(row).word for row in range(model.rowCount())} == {"north"}
    rows.discard(*[f"k{at:05d}" for at in range(0, 2_400, 2)])
    model.flush()
    assert model.total == 1_200
    expected = [row.key for row in sorted((r for r in rows if r.word == "north"), key=lambda row: row.number)]
    assert keys(model) == expected
    model.deleteLater()  # with what it still waits for


STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "drop", "sort", "filter", "flush"]), st.integers(0, 9), st.integers(-3, 3)), max_size=40
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_any_course_of_changes_ends_with_what_the_records_hold(qapp, steps):
    rows = Records(lambda row: row.key, "row")
    model = RecordsModel(rows, COLUMNS)
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)
    selection = QItemSelectionModel(model)
    for what, at, value in steps:
        if what == "put":
            old = rows.get(f"k{at}")
            rows.put(replace(old, number=value) if old else Row(f"k{at}", value, "even" if at % 2 == 0 else "odd"))
        elif what == "drop":
            rows.discard(f"k{at}")
        elif what == "sort":
            model.sort(at % 3, Qt.SortOrder.DescendingOrder if value < 0 else Qt.SortOrder.AscendingOrder)
        elif what == "filter":
            model.set_filter("" if value < 0 else "odd")
        else:
            model.flush()
    model.flush()
    shown = [model.record_at(row) for row in range(model.rowCount())]
    wanted = [row for row in rows if not model.needle or model.needle in row.word]
    assert sorted(row.key for row in shown) == sorted(row.key for row in wanted)
    assert all(rows.get(row.key) == row for row in shown)
    model._later.stop()
    del selection
