"""Joining rows as they stand: what it ends in is what the operations end in, in any order, any number of times."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.base.errors import BadInput
from app.engine.sync import join, merge, restamp
from app.engine.sync.conflicts import id_of
from app.engine.sync.join import STAYS, WHOLE
from app.engine.sync.merge import State
from app.engine.sync.ops import Op
from tests.engine.sync.memory import THINGS
from tests.engine.sync.test_merge import fresh, histories, made, merged, told


def handed(state, **more):
    return made("zz", 99, {WHOLE: json.loads(json.dumps(join.told_of(state, THINGS)))}, **more)


@settings(max_examples=60, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_two_who_saw_different_parts_of_a_history_end_where_its_operations_end(ops, draw):
    whole, mine, theirs = merged(ops)[0], *(merged([op for op in ops if draw.random() < 0.7])[0] for _ in range(2))
    if whole.row is None or mine.row is None or theirs.row is None:
        return
    known = merged([op for op in ops if draw.random() < 0.5] or ops[:1])[0]
    join.apply(known, handed(whole), THINGS, fresh)
    assert told(known) == told(whole)
    one, other = copy.deepcopy(mine), copy.deepcopy(theirs)
    for _ in range(2):
        join.join(one, theirs, THINGS, fresh)
        join.join(other, mine, THINGS, fresh)
    assert told(one) == told(other)
    assert join.beyond(one, other, THINGS, fresh) is None
    assert join.beyond(one, theirs, THINGS, fresh) is None


def test_letters_of_both_stay_where_the_operations_would_have_put_them():
    base = made("aa", 1, {"note": {"ins": [[[1, "aa", 0], None, "ab"]], "del": []}}, new=True)
    ann = made("bb", 5, {"note": {"ins": [[[5, "bb", 0], [1, "aa", 0], "XY"]], "del": []}})
    bob = made("cc", 6, {"note": {"ins": [[[6, "cc", 0], [1, "aa", 0], "12"]], "del": [[1, "aa", 1]]}})
    late = made("bb", 8, {"note": {"ins": [[[8, "bb", 0], [6, "cc", 1], "!"]], "del": []}})
    mine, theirs, whole = merged([base, ann])[0], merged([base, bob, late])[0], merged([base, ann, bob, late])[0]
    join.join(mine, theirs, THINGS, fresh)
    assert mine.row["note"] == whole.row["note"] == "a12!XY"


def test_what_is_gone_on_either_side_is_gone_and_what_was_edited_since_is_told():
    living = merged([made("aa", 1, {"a": "x"}, new=True), made("aa", 9, {"a": "later", "updated_us": 9})])[0]
    outcome = join.join(living, State(None, {"gone": [5, "hub"]}), THINGS, fresh)
    assert (living.row, living.cells) == (None, {"gone": [5, "hub"]})
    assert [(loss.reason, loss.lost["a"]) for loss in outcome.losses] == [("deleted", "later")]
    assert join.join(living, State(None, {"gone": [5, "hub"], "erased": True}), THINGS, fresh).erased
    assert join.beyond(living, merged([made("aa", 1, {"a": "x"}, new=True)])[0], THINGS, fresh) is None


@pytest.mark.parametrize("whole", [True, False])
def test_a_value_that_meets_a_deletion_in_a_row_handed_over_is_told_with_its_stamp(whole):
    base = made("aa", 1, {"a": "x", "b": "y"}, new=True)
    edit = made("bb", 4, {"a": "edit", "updated_us": 4}, seen={"a": (1, "aa")})
    living = merged([base, edit, made("bb", 2, {"b": "early"}, seen={"b": (1, "aa")})])[0]
    dead = merged([base, made("aa", 6, {"deleted_us": 6, "updated_us": 6}, seen={"updated_us": (1, "aa")})])[0]
    for here, there in ((living, dead), (dead, living)):
        told, state = [], copy.deepcopy(here)
        column = json.loads(json.dumps(join.told_of(there, THINGS) if whole else join.beyond(here, there, THINGS, fresh)))
        for _ in range(2):
            told += join.apply(state, made("zz", 99, {WHOLE: column}), THINGS, fresh).losses
        assert [(loss.lost_stamp, loss.lost, loss.kept_stamp) for loss in told if loss.reason == "deleted"] == [
            ((2, "bb"), {"b": "early"}, (6, "aa")), ((4, "bb"), {"a": "edit"}, (6, "aa")),
        ]  # fmt: skip


@pytest.mark.parametrize("gone", [5, 50])
def test_what_stayed_in_a_row_that_goes_for_good_is_told_apart_however_it_is_heard_of(gone):
    mark = {STAYS: {"a": [9, "aa"], "updated_us": [9, "aa"]}}
    edits = [made("aa", 1, {"a": "x", "b": "y"}, new=True), made("aa", 9, {"a": "stays", "updated_us": 9})]

    def row():
        state = merged(edits)[0]
        state.cells |= mark
        return state

    at, tombstone, theirs = {"gone": [gone, "hub"]}, State(None, {"gone": [gone, "hub"]}), made("bb", 60, {"b": "z"})
    told = [
        join.join(row(), tombstone, THINGS, fresh), join.join(State(None, dict(at)), row(), THINGS, fresh),
        merge.apply(row(), theirs, THINGS, fresh, verdicts=at), join.apply(row(), handed(row()), THINGS, fresh, verdicts=at),
    ]  # fmt: skip
    for outcome in told:
        assert [(loss.lost, loss.is_apart(())) for loss in outcome.losses] == [({"a": "stays"}, True)]
    for deleted_at, count in (([8, "bb"], 1), ([9, "aa"], 0)):  # by another, by whoever wrote it
        deleted = row()
        deleted.row["deleted_us"], deleted.cells["deleted_us"] = 9, deleted_at
        deleted.cells[STAYS] = {**deleted.cells[STAYS], "deleted_us": [9, "aa"]}
        assert len(merge.apply(deleted, theirs, THINGS, fresh, verdicts=at).losses) == count


def test_what_stays_is_told_to_nobody():
    state = merged([made("aa", 1, {"a": "x", "b": "y"}, new=True)])[0]
    state.cells |= {"a": [7, "aa"], STAYS: {"a": None}}
    there = merged([made("aa", 1, {"a": "x", "b": "y"}, new=True)])[0]
    assert join.beyond(there, state, THINGS, fresh) is None
    line = json.loads(join.line_of(("things", "r"), json.dumps({"a": "secret", "b": "y"}), json.dumps(state.cells)))
    assert line == ["things", "r", {"b": "y"}, {"": [1, "aa"]}]
    alone = {"": [1, "aa"], STAYS: {"a": None, "b": None}}
    assert join.line_of(("things", "r"), json.dumps({"a": "secret", "b": "y"}), json.dumps(alone)) == ""


@pytest.mark.parametrize("said", [
    5, {}, {"row": 5, "cells": {}}, {"row": {}, "cells": []}, {"row": {"a": "x"}, "cells": {"a": ["1", "aa"]}},
    {"row": {"tags": ["x"]}, "cells": {"tags": {"s": [1, "aa"], "e": {"x": [1]}}}},
    {"row": {"hits": 1}, "cells": {"hits": {"s": [1, "aa"], "c": {"aa": 5}}}},
])  # fmt: skip
def test_a_row_that_is_none_is_refused(said):
    state = merged([made("aa", 1, {"a": "x"}, new=True)])[0]
    with pytest.raises(BadInput, match="values and cells"):
        join.apply(state, made("zz", 9, {WHOLE: said}), THINGS, fresh)


def test_the_latest_time_in_a_row_that_is_handed_over_counts_as_its_own():
    op = Op("zz", 1, "t", 0, "things", "r", False, 5, {WHOLE: {"row": {"a": "x"}, "cells": {"a": [77, "aa", 3, "bb"]}}})
    assert (join.last_of(op, None), join.last_of(made("zz", 6, {"a": [99, "x"]}), {"a": "lww"})) == (77, 6)
    change = {"add": {"k": [88, "x"]}, "seen": {"k": [7, "x"]}, "del": {"l": [9, "x"]}, "list": False}
    assert [join.last_of(made("zz", 6, {"a": change}), {"a": kind}) for kind in ("set", "lww")] == [9, 6]


def test_the_times_in_a_counters_cell_are_stamps_like_any_other():
    cell = {"s": [5, "a"], "c": {"a": [9, 1], "b": [9, 2], "c": "no total"}}
    assert set(join.stamps_in({"hits": cell})) == {(5, "a"), (9, "a"), (9, "b")}
    moved = restamp.moved_in({"hits": cell}, lambda at: (7, "a") if at == (9, "a") else at)
    assert moved["hits"] == {"s": [5, "a"], "c": {"a": [7, 1], "b": [9, 2], "c": "no total"}}
    under_another_name = restamp.moved_in(cell, lambda at: (at[0], "z") if at[1] == "a" else at)
    assert under_another_name == {"s": [5, "z"], "c": {"a": [9, 1], "b": [9, 2], "c": "no total"}}


def test_what_stayed_and_what_others_know_of_a_row_that_goes_are_two_conflicts():
    state = merged(
        [made("aa", 1, {"a": "x", "b": "y"}, new=True), made("aa", 8, {"b": "late"}), made("aa", 9, {"a": "stays"})]
    )[0]
    state.cells |= {"updated_us": [9, "aa"], STAYS: {"a": [9, "aa"], "updated_us": [9, "aa"]}}
    losses = join.join(state, State(None, {"gone": [5, "hub"]}), THINGS, fresh).losses
    assert [loss.lost for loss in losses] == [{"b": "late"}, {"a": "stays"}]
    assert len({id_of(("things", "r"), loss.column, loss.kept_stamp, loss.lost_stamp) for loss in losses}) == 2
