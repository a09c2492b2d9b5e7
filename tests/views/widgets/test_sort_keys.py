"""Sorting by several columns, against Python's own sort."""

import math
import random
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from app.views.widgets.columns import Column
from app.views.widgets.sort_keys import SortKeys


@dataclass(frozen=True)
class Row:
    name: str | None
    size: float | None


COLUMNS = [Column("name", "Name", lambda row: row.name), Column("size", "Size", lambda row: row.size)]


def order(rows, *keys):
    return list(SortKeys(COLUMNS).order(rows, keys))


def test_numbers_sort_with_none_and_nan_last():
    rows = [Row("", size) for size in (2.0, None, -1, math.nan, 0)]
    assert order(rows, (1, False))[:3] == [2, 4, 0]
    assert order(rows, (1, True))[:3] == [0, 4, 2]


def test_texts_sort_stably_and_without_case():
    rows = [Row(name, 0) for name in ("b", "A", "a", None)]
    assert order(rows, (0, False)) == [1, 2, 0, 3]
    assert order(rows, (0, True)) == [0, 1, 2, 3]


def test_several_columns_sort_as_python_sorts_tuples():
    rng = random.Random(7)
    rows = [Row(rng.choice("abc"), rng.randrange(5)) for _ in range(300)]
    expected = sorted(range(300), key=lambda at: (rows[at].name, -rows[at].size))
    assert order(rows, (0, False), (1, True)) == expected


def test_a_changed_value_is_seen_and_an_unchanged_one_moves_nothing():
    keys = SortKeys(COLUMNS)
    rows = [Row("a", 1), Row("b", 2)]
    assert list(keys.order(rows, ((1, False),))) == [0, 1]
    assert not keys.moved(rows[0], Row("z", 1), ((1, False),))
    assert keys.moved(rows[0], Row("a", 9), ((1, False),))
    rows[0] = Row("a", 9)
    assert list(keys.order(rows, ((1, False),))) == [1, 0]


@given(st.lists(st.text("aAbßé\n\x00\U0001f600z", max_size=70), min_size=1, max_size=40))
def test_any_texts_sort_as_python_sorts_them_without_case(names):
    names = [name.rstrip("\x00") for name in names]
    rows = [Row(name, at) for at, name in enumerate(names)]
    assert order(rows, (0, False)) == sorted(range(len(names)), key=lambda at: names[at].casefold())


@given(st.lists(st.sampled_from([0.0, 1.0, 2.5, -1.0, None, math.nan]), max_size=40))
def test_equal_and_unknown_numbers_stay_as_they_came(sizes):
    rows = [Row("", size) for size in sizes]
    known = [at for at, size in enumerate(sizes) if size is not None and not math.isnan(size)]
    unknown = [at for at in range(len(sizes)) if at not in known]
    assert order(rows, (1, False)) == [*sorted(known, key=lambda at: sizes[at]), *unknown]
    assert order(rows, (1, True)) == [*sorted(known, key=lambda at: -sizes[at]), *unknown]


def test_a_column_is_prepared_a_few_rows_at_a_time_and_read_again_after_a_change():
    read = []
    keys = SortKeys([Column("name", "Name", lambda row: read.append(row) or row.name)])
    rows = [Row(name, 0) for name in ("b", "c", "a")]
    assert [keys.warm(0, rows, 2) for _ in range(4)] == [True, True, False, False]
    assert len(read) == 3
    assert list(keys.order(rows, ((0, False),))) == [2, 0, 1]
    assert len(read) == 3
    keys.moved(rows[0], Row("z", 0), ())
    rows[0] = Row("z", 0)
    assert keys.warm(0, rows, 5)
    assert list(keys.order(rows, ((0, False),))) == [2, 1, 0]
    keys.forget()
    assert keys.warm(0, rows, 5)
