"""The laws of merging: any order, any repetition, one state; the later stamp wins, and what it did not know of is told."""

import copy
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.base.errors import BadInput
from app.engine.sync import covered, join, merge
from app.engine.sync.join import STAYS, WHOLE
from app.engine.sync.merge import State
from app.engine.sync.ops import BY, Op
from tests.engine.sync.memory import DEFAULTS, THINGS

REPLICAS = ("aa", "bb", "cc")


def fresh():
    return copy.deepcopy({"id": "", **DEFAULTS})


def made(replica, hlc, fields, *, new=False, seen=None, row="r"):
    return Op(replica, hlc, f"t{hlc}", 0, "things", row, new, hlc, fields, seen or {}, actor=f"user-{replica}")


def added(*items):
    return {"add": {f'["{item}"]': item for item in items}, "seen": {}, "del": {}, "list": True}


def merged(ops, **how):
    state, losses, verdicts = State(), [], {}
    for op in ops:
        outcome = merge.apply(state, op, THINGS, fresh, **how)
        losses += outcome.losses
        verdicts |= outcome.verdicts
    return state, losses, verdicts


def told(state):
    row = dict(state.row)
    return {**row, "tags": sorted(row["tags"])}


stamps = st.lists(st.tuples(st.integers(1, 60), st.sampled_from(REPLICAS)), min_size=1, max_size=9, unique=True)
sets = st.builds(
    lambda add, gone: {"add": {f'["{key}"]': key for key in add}, "seen": {}, "del": gone, "list": True},
    st.sets(st.sampled_from("xyz")),
    st.dictionaries(st.sampled_from(['["x"]', '["y"]', '["z"]']), st.tuples(st.integers(1, 60), st.sampled_from(REPLICAS)).map(list)),
)  # fmt: skip
fields = st.fixed_dictionaries({}, optional={
    "a": st.text(max_size=3), "created_us": st.integers(0, 9), "tags": sets,
    "hits": st.integers(-5, 5).map(lambda total: {"total": total, "by": 1}), "deleted_us": st.none() | st.integers(1, 9),
})  # fmt: skip


@st.composite
def histories(draw):
    return [made(replica, hlc, draw(fields)) for hlc, replica in draw(stamps)]


@settings(max_examples=150)
@given(histories(), st.randoms(use_true_random=False))
def test_the_same_operations_in_any_order_and_number_end_in_the_same_row(ops, draw):
    shuffled = ops + draw.sample(ops, draw.randrange(len(ops) + 1))
    draw.shuffle(shuffled)
    one, other = merged(ops)[0], merged(shuffled)[0]
    assert told(one) == told(other)
    assert one.cells == other.cells


@settings(max_examples=100)
@given(histories())
def test_the_value_is_that_of_the_greatest_stamp(ops):
    state = merged(ops)[0]
    best = max((op for op in ops if "a" in op.fields), key=lambda op: op.stamp, default=None)
    if best is not None:
        assert state.row["a"] == best.fields["a"]


def test_who_did_not_know_of_a_value_and_covers_it_has_it_told_whichever_comes_first():
    base = made("aa", 1, {"a": "old"}, new=True)
    ann, bob = (made(name, hlc, {"a": value}, seen={"a": (1, "aa")}) for name, hlc, value in (("aa", 5, "x"), ("bb", 6, "y")))
    for order in ((base, ann, bob), (base, bob, ann)):
        state, losses, _ = merged(order)
        assert state.row["a"] == "y"
        assert [(loss.kept, loss.lost, loss.lost_stamp) for loss in losses] == [("y", "x", (5, "aa"))]


def test_who_knew_of_a_value_covers_it_in_silence():
    first, then = made("aa", 1, {"a": "old"}, new=True), made("bb", 2, {"a": "new"}, seen={"a": (1, "aa")})
    assert merged([first, then])[1] == []


def judged(ops):
    return merged(ops, judge=lambda *_how: "")[1]


def test_a_value_covered_by_who_saw_one_that_has_not_come_here_is_told_where_operations_are_numbered():
    base = made("aa", 1, {"a": "old"}, new=True)
    here = made("aa", 3, {"a": "here"}, seen={"a": (1, "aa")})
    passed_on = made("bb", 5, {"a": "passed on"}, seen={"a": (1, "aa")})  # by a stick, from bb to cc
    then = made("cc", 7, {"a": "then"}, seen={"a": (5, "bb")})
    assert [(loss.kept, loss.lost) for loss in judged([base, here, then, passed_on])] == [("then", "here")]
    assert merged([base, here, then])[1] == []  # a console leaves it to whoever numbers them
    assert judged([base, here, passed_on, then])[0].lost == "here"


def test_a_member_of_a_map_covered_by_who_saw_one_that_has_not_come_here_is_told_too():
    def put(replica, hlc, value, seen):
        return made(replica, hlc, {"marks": {"add": {"k": value}, "seen": {"k": list(seen)} if seen else {}, "del": {}}})

    base = made("aa", 1, {"marks": {"add": {"k": "old"}, "seen": {}, "del": {}}}, new=True)
    ops = [base, put("aa", 3, "here", (1, "aa")), put("cc", 7, "then", (5, "bb"))]
    assert [loss.lost for loss in judged(ops)] == [{"k": "here"}]
    assert merged(ops)[1] == []


@pytest.mark.parametrize("stays", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_what_stays_here_is_told_when_it_is_covered_by_who_saw_one_that_has_not_come_here(stays, whole):
    at = [3, "aa"]
    then = made("cc", 7, {"a": "then"}, seen={"a": (5, "bb")})
    if whole:
        then = replace(then, fields={WHOLE: {"row": {"a": "then"}, "cells": {"a": [7, "cc", 5, "bb"]}}}, seen={})
    state = merged([made("aa", 3, {"a": "here"}, new=True)])[0]
    state.cells |= {STAYS: {"a": at}} if stays else {}
    outcome = join.apply(state, then, THINGS, fresh) if whole else merge.apply(state, then, THINGS, fresh)
    assert [(loss.kept, loss.lost) for loss in outcome.losses] == ([("then", "here")] if stays else [])
    again = merge.apply(state, made("cc", 8, {"a": "last"}, seen={"a": (7, "cc")}), THINGS, fresh)
    assert again.losses == []


def test_a_member_of_a_map_that_stays_here_is_told_too():
    state = merged([made("aa", 3, {"marks": {"add": {"k": "here"}, "seen": {}, "del": {}}}, new=True)])[0]
    state.cells[STAYS] = {"marks": [3, "aa"]}
    then = made("cc", 7, {"marks": {"add": {"k": "then"}, "seen": {"k": [5, "bb"]}, "del": {}}})
    assert [loss.lost for loss in merge.apply(state, then, THINGS, fresh).losses] == [{"k": "here"}]


def test_a_log_begun_anew_behind_what_was_let_go_of_tells_of_no_conflict_for_what_is_missing():
    base = made("aa", 1, {"a": "old"}, new=True)
    later = replace(made("dd", 7, {"a": "then"}, seen={"a": (5, "cc")}), extra={BY: "cc"})
    assert judged([base, later]) == []


def test_two_who_wrote_the_same_have_no_conflict():
    base = made("aa", 1, {"a": "old"}, new=True)
    both = [made(name, hlc, {"a": "same"}, seen={"a": (1, "aa")}) for name, hlc in (("aa", 5), ("bb", 6))]
    assert merged([base, *both])[1] == []


def test_a_member_added_while_another_removed_it_stays():
    base = made("aa", 1, {"tags": {"add": {'["x"]': "x"}, "seen": {}, "del": {}, "list": True}}, new=True)
    gone = made("aa", 5, {"tags": {"add": {}, "seen": {}, "del": {'["x"]': [1, "aa"]}, "list": True}})
    again = made("bb", 4, {"tags": {"add": {'["x"]': "x"}, "seen": {'["x"]': [1, "aa"]}, "del": {}, "list": True}})
    for order in ((base, gone, again), (base, again, gone)):
        assert merged(order)[0].row["tags"] == ["x"]
    assert merged([base, gone])[0].row["tags"] == []


def test_counts_of_several_add_up_each_once():
    ops = [made("aa", 3, {"hits": {"total": 2, "by": 2}}), made("bb", 4, {"hits": {"total": 5, "by": 5}}),
           made("aa", 6, {"hits": {"total": 3, "by": 1}})]  # fmt: skip
    assert merged([ops[2], ops[1], ops[0], ops[1]])[0].row["hits"] == 8


def test_an_edit_that_met_a_deletion_is_kept_beside_it_whichever_came_first():
    base = made("aa", 1, {"a": "old"}, new=True)
    gone = made("aa", 5, {"deleted_us": 5, "updated_us": 5}, seen={"updated_us": (1, "aa")})
    edit = made("bb", 4, {"a": "late", "updated_us": 4}, seen={"a": (1, "aa"), "updated_us": (1, "aa")})
    told = []
    for order in ((base, gone, edit), (base, edit, gone)):
        state, losses, _ = merged(order)
        assert state.row["deleted_us"] == 5
        told.append([(loss.reason, loss.lost, loss.kept_stamp, loss.lost_stamp, loss.lost_seen) for loss in losses])
    assert told[0] == told[1] == [("deleted", {"a": "late"}, (5, "aa"), (4, "bb"), (1, "aa"))]


def test_a_deletion_tells_of_every_value_that_its_writer_had_not_seen_and_of_no_other():
    base = made("aa", 1, {"a": "old", "b": "old", "tags": added("x")}, new=True)
    early = made("bb", 2, {"b": "early", "updated_us": 2}, seen={"b": (1, "aa"), "updated_us": (1, "aa")})
    own = made("aa", 4, {"a": "own", "updated_us": 4}, seen={"a": (1, "aa"), "updated_us": (1, "aa")})
    member = made("cc", 3, {"tags": added("y"), "updated_us": 3}, seen={"updated_us": (1, "aa")})
    seen = covered.known_in(merged([base, own])[0].cells)
    gone = made("aa", 5, {"deleted_us": 5, "updated_us": 5}, seen={**seen, "updated_us": (4, "aa")})
    later = made("cc", 9, {"a": "later", "updated_us": 9}, seen={"a": (1, "aa"), "updated_us": (3, "cc")})
    _, losses, _ = merged([base, own, early, member, gone, later])
    assert [(loss.lost_stamp, loss.lost) for loss in losses if loss.reason == "deleted"] == [
        ((2, "bb"), {"b": "early"}), ((3, "cc"), {"tags": {**added("y"), "list": True}}), ((9, "cc"), {"a": "later"}),
    ]  # fmt: skip
    assert merged([base, own, gone])[1] == []
    _, late, _ = merged([base, own, gone, made("bb", 3, {"a": "back", "deleted_us": None}, seen={"a": (1, "aa")})])
    assert {"a": "back"} in [loss.lost for loss in late]


def test_of_a_deletion_by_an_earlier_version_it_is_told_what_is_later_than_what_it_had_seen():
    base, gone = made("aa", 1, {"a": "x", "b": "y"}, new=True), made("aa", 5, {"deleted_us": 5}, seen={"updated_us": (3, "aa")})
    for at, lost in ((2, []), (4, [{"b": "z"}])):
        edit = made("bb", at, {"b": "z", "updated_us": at}, seen={"b": (1, "aa"), "updated_us": (1, "aa")})
        assert [loss.lost for loss in merged([base, edit, gone])[1]] == lost


def test_a_row_whose_tombstone_was_let_go_of_never_comes_back():
    state = State(None, {merge.GONE: [9, "aa"]})
    outcome = merge.apply(state, made("bb", 50, {"a": "zombie"}), THINGS, fresh)
    assert state.row is None
    assert [loss.lost for loss in outcome.losses] == [{"a": "zombie"}]


def test_a_guarded_state_is_decided_once_and_for_all_by_whoever_has_the_authority():
    def judge(_column, now, before, _after):
        return "" if now == before else "guarded"

    base = made("aa", 1, {"stage": {"from": "", "to": "open"}}, new=True)
    shut = made("aa", 5, {"stage": {"from": "open", "to": "shut"}})
    done = made("bb", 4, {"stage": {"from": "open", "to": "done"}})
    hub, losses, _ = merged([base, shut], judge=judge, decided_hlc=10)
    outcome = merge.apply(hub, done, THINGS, fresh, judge=judge, decided_hlc=11)
    assert hub.row["stage"] == "shut"
    assert (outcome.verdicts["stage"]["ok"], outcome.losses[0].lost, losses) == (False, "done", [])
    console = merged([base, done])[0]
    assert console.row["stage"] == "open"  # nothing was decided yet
    merge.apply(console, done, THINGS, fresh, verdicts=outcome.verdicts)
    assert console.row["stage"] == "shut"


def test_columns_nobody_here_knows_are_handed_back_and_local_ones_left_alone():
    state = State()
    outcome = merge.apply(state, made("aa", 1, {"later": 7, "here": 3, "a": "x"}, new=True), THINGS, fresh)
    assert outcome.unknown == {"later": 7}
    assert (state.row["here"], state.row["a"]) == (0, "x")


@pytest.mark.parametrize("change", [
    {"tags": 5}, {"tags": {"add": [], "seen": {}, "del": {}}}, {"hits": "many"}, {"hits": {"total": True}},
    {"note": {"ins": [[1]], "del": []}}, {"note": 5},
])  # fmt: skip
def test_a_change_that_does_not_fit_its_column_is_bad_input(change):
    with pytest.raises(BadInput):
        merged([made("aa", 1, {"a": "x"}, new=True), made("bb", 2, change)])


def test_a_first_write_that_comes_behind_what_a_stick_brought_of_its_row_brings_its_state_too():
    first, edit = made("aa", 1, {"a": "x", "stage": {"from": None, "to": "shut"}}, new=True), made("bb", 5, {"a": "y"})
    in_order, behind = merged([first, edit])[0], merged([edit, first])[0]
    assert told(behind) == told(in_order)
    assert behind.row["stage"] == "shut"
    assert behind.stamp("stage") == in_order.stamp("stage")
    decided = {"stage": {"at": 9, "ok": True, "value": "done", "reason": ""}}
    merge.apply(behind, made("cc", 7, {"stage": {"from": "shut", "to": "done"}}), THINGS, fresh, verdicts=decided)
    merge.apply(behind, first, THINGS, fresh)
    assert behind.row["stage"] == "done"


@pytest.mark.parametrize("names", [("aa", "bb"), ("bb", "aa")])
def test_what_one_write_under_two_names_put_into_a_set_goes_with_either(names):
    added = {"add": {'["x"]': "x"}, "seen": {}, "del": {}, "list": True}
    one, other = (made(name, 5, {"tags": added}) for name in names)  # a stick brought it by the name that a copy has
    out = made("cc", 9, {"tags": {"add": {}, "seen": {}, "del": {'["x"]': [5, names[1]]}, "list": True}})
    for ops in ([one, other, out], [one, out, other], [out, other, one]):
        assert merged(ops)[0].row["tags"] == []
    there = merged([one])[0]
    join.join(there, merged([other, out])[0], THINGS, fresh)
    assert there.row["tags"] == []
    again = made("cc", 12, {"tags": added})
    assert merged([one, out, again])[0].row["tags"] == ["x"]


def test_an_operation_that_names_another_row_among_its_values_changes_its_own_alone():
    cells = {"": [1, "a"]}
    first = made("a", 1, {"id": "other", "a": "x"}, new=True)
    handed = made("a", 1, {WHOLE: {"row": {"id": "other", "a": "x"}, "cells": cells}})
    for state in (merged([first])[0], joined(handed)):
        assert (state.row["id"], state.row["a"], state.cells) == ("r", "x", cells)


def joined(op):
    state = State()
    join.apply(state, op, THINGS, fresh)
    return state
