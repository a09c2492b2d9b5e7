import random

import pytest

from app.engine.sync import merge, sets
from app.engine.sync.merge import State
from app.engine.sync.ops import Op
from app.engine.sync.sets import Held, members_of

KINDS = {"tags": "set"}


def adding(at, *items, new=False):
    change = {"add": {key: item for item in items for key in members_of([item])}, "seen": {}, "del": {}, "list": True}
    return Op("r", at, f"t{at}", 0, "things", "x", new, at, {"tags": change})


def apply(state, op):
    return merge.apply(state, op, KINDS, dict)


@pytest.mark.parametrize("as_list", [True, False])
def test_a_set_that_is_changed_in_place_reads_as_if_it_were_made_anew_each_time(as_list):
    chance, plain = random.Random(as_list), {}
    begun = ["m", "b"] if as_list else {"m": 1, "b": 2}
    plain |= members_of(begun)
    held = Held.of(begun, {}, as_list=as_list)
    for turn in range(500):
        letter = chance.choice("abcdefghijklm")
        [key] = members_of([letter]) if as_list else [letter]
        if chance.random() < 0.5:
            held.put(key, turn)
            plain[key] = turn
        else:
            held.pop(key)
            plain.pop(key, None)
        assert held.value == ([plain[key] for key in sorted(plain)] if as_list else plain)
    assert begun == (["m", "b"] if as_list else {"m": 1, "b": 2})


def test_of_many_changes_of_one_set_none_goes_through_all_of_it(monkeypatch):
    state, counted = State(), []
    apply(state, adding(1, *range(500), new=True))
    monkeypatch.setattr(sets, "canonical", lambda value, real=sets.canonical: counted.append(value) or real(value))
    for at in range(500):
        apply(state, adding(2 + at, 1000 + at))
    assert len(state.row["tags"]) == len(state.cells["tags"]["e"]) + 500 == 1000
    assert len(counted) == 500 + 500  # those that stood in it once, and those that the operations above are made of


def test_what_was_read_or_copied_before_stays_as_it_was():
    state = State({"id": "x", "tags": ["a"]}, {"": [1, "r"]})
    before, cells = state.row["tags"], dict(state.cells)
    apply(state, adding(2, "b"))
    copy = state.copy()
    apply(state, adding(3, "c"))
    assert (before, cells) == (["a"], {"": [1, "r"]})
    assert copy.row["tags"] == ["a", "b"]
    assert len(copy.cells["tags"]["e"]) == 1
    assert state.row["tags"] == ["a", "b", "c"]
