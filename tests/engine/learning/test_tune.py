import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import BadInput
from app.engine.learning.tune import Trial, halve, ladder, settings_of


def trial(quality):
    return Trial({"q": quality}, ((quality * at, 1.0) for at in itertools.count(1)))


@given(st.integers(2, 200), st.integers(1, 500), st.integers(2, 10))
def test_the_ladder_narrows_and_climbs_to_the_whole(count, rounds, keep):
    stages = ladder(count, rounds, keep)
    assert stages[0][0] == count
    assert stages[-1][1] == rounds
    assert all(a[0] > b[0] and a[1] <= b[1] for a, b in itertools.pairwise(stages))


def test_the_best_of_27_is_found_in_a_fraction_of_the_rounds():
    qualities = [(7 * at) % 27 for at in range(27)]
    trials = [trial(quality) for quality in qualities]
    ranked, stages = halve(trials, 9, 3, lambda _done, _total: False)
    assert ranked[0].setting == {"q": 26}
    assert [stage["settings"] for stage in stages] == [27, 9, 3]
    # 27 settings hold 1 round, 9 of them 2 more, 3 of them 6 more.
    assert sum(len(one.told) for one in trials) == 27 + 18 + 18
    assert len(ranked) == 27


def test_who_began_well_and_fell_behind_does_not_go_on():
    hare, tortoise = (
        Trial({"q": name}, ((float(a), 1.0) for a in course))
        for name, course in (("hare", [5, 4, 3, 3]), ("tortoise", range(9)))
    )
    idle = [Trial({"q": at}, iter([(0.0, 1.0)] * 9)) for at in range(2)]
    ranked, stages = halve([hare, tortoise, *idle], 8, 2, lambda _done, _total: False)
    assert [(stage["settings"], stage["rounds"], stage["best"]["q"]) for stage in stages] == [
        (4, 4, "hare"),
        (2, 8, "tortoise"),
    ]
    assert [one.setting["q"] for one in ranked[:2]] == ["tortoise", "hare"]


def test_ties_go_to_what_was_named_first():
    ranked, _ = halve([trial(1), trial(1)], 3, 3, lambda _done, _total: False)
    assert ranked[0].to_json() == {"q": 1, "rounds": 3, "accuracy": 3, "loss": 1.0}


def test_all_combinations_are_tried_and_too_many_refused():
    assert len(settings_of({"a": [1, 2], "b": [3, 4, 5]})) == 6
    for choices in ({"a": []}, {"a": [1]}, {"a": range(201)}):
        with pytest.raises(BadInput):
            settings_of(choices)
