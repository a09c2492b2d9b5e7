from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import Missing
from app.engine.base.records import Change, Records


@dataclass(frozen=True)
class Row:
    id: str
    value: int = 0


def test_a_step_tells_added_and_changed_together_and_equal_rows_not_at_all():
    rows, told = Records[Row](lambda row: row.id, "row"), []
    rows.put(Row("a"))
    undo = rows.watch(told.append)
    rows.put(Row("a"), Row("b"), Row("a", 2))
    rows.put(Row("b"))
    rows.discard("nobody", "b")
    undo()
    rows.put(Row("c"))
    assert told == [Change((Row("b"),), (Row("a", 2),)), Change(removed=("b",))]


def test_a_missing_row_is_named():
    with pytest.raises(Missing, match="no row x"):
        Records[Row](lambda row: row.id, "row").need("x")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "discard", "replace"]), st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3)))
        )
    )
)
def test_replaying_the_changes_gives_the_same_collection(steps):
    rows, mirror = Records[Row](lambda row: row.id), {}

    def follow(change):
        mirror.update((row.id, row) for row in change.added + change.changed)
        for key in change.removed:
            del mirror[key]

    rows.watch(follow)
    for verb, pairs in steps:
        fresh = [Row(key, value) for key, value in pairs]
        if verb == "put":
            rows.put(*fresh)
        elif verb == "discard":
            rows.discard(*(row.id for row in fresh))
        else:
            rows.replace_all(fresh)
            assert {row.id for row in rows} == {row.id for row in fresh}
        assert {row.id: row for row in rows} == mirror
