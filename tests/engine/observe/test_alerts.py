"""Alarms: many signs of one trouble are one problem, and the wider cause wins."""

from hypothesis import given
from hypothesis import strategies as st

from app.engine.observe.alerts import FLAP_S, Sign, flapping, problems


def node(id_, place="north", state="offline", reason="", since=1):
    return Sign("node", id_, f"name {id_}", state, since, place, reason)


def job(id_, reason, kind="qubo"):
    return Sign("job", id_, id_, "failed", 1, kind, reason)


def shapes(found):
    return [(one.scope, one.count) for one in found]


def test_when_no_node_answers_the_link_of_this_machine_is_the_one_problem():
    found = problems([node(str(n), f"s{n % 7}") for n in range(500)], per_place={f"s{n}": 72 for n in range(6)} | {"s6": 68})
    assert shapes(found) == [("fleet", 500)]


def test_a_silent_site_is_one_problem_and_a_part_of_a_site_is_not():
    signs = [node("a"), node("b"), node("c", "south")]
    assert shapes(problems(signs, per_place={"north": 2, "south": 5})) == [("site", 2), ("node", 1)]
    assert shapes(problems(signs, per_place={"north": 9, "south": 5})) == [("node", 1)] * 3


def test_three_nodes_with_one_reason_are_one_problem_whatever_the_figures_in_it():
    signs = [node(str(n), f"s{n}", reason=f"10.0.0.{n}:80 refused the connection") for n in range(3)]
    found = problems(signs, per_place={f"s{n}": 4 for n in range(3)})
    assert shapes(found) == [("reason", 3)]
    assert found[0].reason == "10.0.0.0:80 refused the connection"


def test_jobs_that_failed_alike_are_one_problem_and_others_are_not():
    signs = [job("a", "G1.txt, line 7: expected two"), job("b", "G2.txt, line 99: expected two"), job("c", "The disk is full")]
    assert shapes(problems(signs)) == [("job", 2), ("job", 1)]


def test_nodes_that_come_and_go_are_named_so():
    minute = 60_000_000
    changes = [("a", n * minute) for n in range(4)] + [("b", n * minute) for n in range(3)]
    assert flapping(changes, 4 * minute) == {"a"}
    assert flapping(changes, round(FLAP_S * 1e6) + 2 * minute) == set()
    found = problems([node("a", state="suspect")], per_place={"north": 3}, flapping={"a"})
    assert found[0].scope == "flapping"


def test_the_worst_comes_first_and_a_problem_is_as_old_as_its_first_sign():
    found = problems(
        [job("j", "x"), node("a", since=9), node("b", since=4), node("c", "south", "suspect", since=2)],
        per_place={"north": 2, "south": 8},
    )
    assert [one.scope for one in found] == ["site", "node", "job"]
    assert (found[0].since_us, found[0].first.id, found[0].state) == (4, "b", "offline")


signs = st.lists(
    st.builds(Sign, st.sampled_from(["node", "job"]), st.uuids().map(str), st.text(max_size=3), st.sampled_from(["offline", "suspect"]),
              st.integers(0, 9), st.sampled_from(["", "n", "s"]), st.sampled_from(["", "x 1", "x 2", "y"])),
    max_size=30, unique_by=lambda sign: sign.id,
)  # fmt: skip


@given(signs, st.dictionaries(st.sampled_from(["n", "s"]), st.integers(0, 40)))
def test_every_sign_is_in_exactly_one_problem_and_causes_are_unique(given_signs, per_place):
    found = problems(given_signs, per_place=per_place)
    assert sorted(sign.id for one in found for sign in one.signs) == sorted(sign.id for sign in given_signs)
    assert len({one.cause for one in found}) == len(found)
