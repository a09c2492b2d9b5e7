"""The search among nodes: blocks, the oracle against the query node by node, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.base.errors import BadInput, Limit
from app.engine.circuits import states
from app.engine.circuits.records import Circuit
from app.engine.circuits.tasks import fleet, work


def data(formula, held, names=None):
    held = np.array(held, bool)
    matched = fleet.holds(formula, held)
    return {
        "formula": formula, "held": held.tolist(), "conditions": [f"c{at}" for at in range(len(held))],
        "names": names or [f"node-{at}" for at in range(held.shape[1])], "matched": matched.tolist(),
    }  # fmt: skip


def signs(asked):
    """Return the sign of each number after the oracle, and whether all other wires are clean again."""
    wires = asked.variables + len(asked.labels)
    start = states.zero(wires)
    start[: 1 << asked.variables] = (1 << asked.variables) ** -0.5
    end, _ = states.evolve(Circuit("o", tuple(map(str, range(wires))), (), tuple(asked.ops)), state=start)
    return end[: 1 << asked.variables] * (1 << asked.variables) ** 0.5, np.abs(end[1 << asked.variables :]).max()


def run(told, seed=0):
    return work.run({"task": "fleet", "options": {"query": "q"}, "data": told}, seed)


@given(st.lists(st.booleans(), min_size=16, max_size=16))
def test_blocks_part_the_set(flags):
    numbers = np.array(flags)
    inside = [number for start, free in fleet.blocks(numbers) for number in range(start, start + (1 << free))]
    assert sorted(inside) == np.flatnonzero(numbers).tolist()
    assert len(set(inside)) == len(inside)


FORMULAS = [
    ["condition", 0],
    ["not", ["condition", 1]],
    ["all", ["condition", 0], ["not", ["condition", 1]], ["condition", 2]],
    ["any", ["condition", 0], ["not", ["all", ["condition", 1], ["condition", 2]]]],
    ["not", ["any", ["not", ["not", ["condition", 2]]], ["condition", 0]]],
    ["all", ["condition", 0], ["not", ["condition", 0]]],
    ["any", ["condition", 0], ["not", ["condition", 0]]],
    ["all", ["condition", 1], ["condition", 1]],
]


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_the_oracle_turns_the_sign_of_exactly_the_nodes_that_match(formula):
    held = np.random.default_rng(3).random((3, 11)) < 0.5
    asked = fleet.oracle(formula, held)
    assert asked.variables == 8
    turned, rest = signs(asked)
    wanted = np.zeros(256, bool)
    wanted[:11] = fleet.holds(formula, held)
    assert turned == pytest.approx(np.where(wanted, -1, 1), abs=1e-4)  # wide states are in single precision
    assert rest < 1e-6


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 40), st.integers(0, 1000))
def test_what_is_found_matches_and_nothing_is_found_where_nothing_does(nodes, seed):
    held = np.random.default_rng(seed).random((2, nodes)) < 0.3
    told = run(data(["all", ["condition", 0], ["condition", 1]], held), seed)
    hits = int((held[0] & held[1]).sum())
    assert told["classical_baseline"]["solutions"] == hits
    assert told["solution"]["found"] == (hits > 0)
    assert told["solution"]["verified"]
    assert not hits or told["solution"]["node"] in told["classical_baseline"]["matching"]


def test_more_than_256_nodes_take_more_bits():
    held = np.zeros((1, 300), bool)
    held[0, 299] = True
    told = run(data(["condition", 0], held), 1)
    assert (told["solution"]["variables"], told["solution"]["node"]) == (9, "node-299")
    assert told["quantum_advantage"] == "no"
    assert told["classical_baseline"]["expected_calls"] == 301 / 2


def test_no_query_no_nodes_and_too_much_are_refused():
    with pytest.raises(BadInput, match="Give a query"):
        work.run({"task": "fleet", "options": {}}, 0)
    with pytest.raises(Limit, match="1 to 1024 nodes"):
        run(data(["condition", 0], np.zeros((1, 0))))
    with pytest.raises(Limit, match="1 to 1024 nodes"):
        run(data(["condition", 0], np.zeros((1, 1025))))
    with pytest.raises(Limit, match="more than the 20 qubits"):
        run(data(["any", *(["condition", at] for at in range(12))], np.zeros((12, 4))))


def test_a_query_that_disagrees_with_its_formula_is_told():
    told = data(["condition", 0], [[True, False]])
    told["matched"] = [False, True]
    assert run(told)["solution"]["verified"] is False
