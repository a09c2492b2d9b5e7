"""The choice of a simulator, with its prediction and what the others would need."""

import pytest

from app.engine.base.errors import BadInput, Limit
from app.engine.circuits import selection
from app.engine.circuits.records import Circuit, Op

GIB = 2**30


def circuit(qubits, *ops):
    names = tuple(f"q[{q}]" for q in range(qubits))
    return Circuit("c", names, names, (*ops, *(Op("measure", (q,), clbits=(q,)) for q in range(qubits))))


def brick(qubits, layers, gate):
    ops = [op for layer in range(layers) for q in range(layer % 2, qubits - 1, 2)
           for op in (Op(gate, (q,)), Op("cx", (q, q + 1)))]  # fmt: skip
    return circuit(qubits, *ops)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (brick(500, 20, "h"), "clifford"),
        (circuit(2, Op("h", (0,)), Op("reset", (0,)), Op("x", (1,))), "stabilizer"),
        (brick(20, 8, "t"), "statevector"),
        (brick(60, 2, "t"), "matrix_product_state"),
    ],
)
def test_auto_takes_what_suits_the_circuit_and_tells_of_the_others(asked, name):
    choice, predicted, others = selection.select(asked, 8 * GIB, 1000)
    assert choice.method == predicted.simulator == name
    assert choice.why
    assert {one.simulator for one in others} == set(selection.SIMULATORS) - {name}
    assert all(one.told()["wall_s"] > 0 and one.told()["memory_bytes"] < 2**63 for one in others)


def test_a_simulator_that_cannot_is_refused_with_the_reason():
    with pytest.raises(BadInput, match="only for Clifford"):
        selection.select(brick(4, 2, "t"), GIB, 10, "clifford")
    with pytest.raises(Limit, match=r"needs 16\sGiB"):
        selection.select(brick(30, 2, "t"), GIB, 10, "statevector")
    with pytest.raises(BadInput, match="no simulator"):
        selection.select(brick(4, 2, "t"), GIB, 10, "abacus")


def test_shots_repeat_what_measures_on_its_way():
    once = circuit(2, Op("t", (0,)))
    again = circuit(2, Op("t", (0,)), Op("measure", (0,), clbits=(0,)), Op("x", (0,)))
    short, long = (selection.offers(one, GIB, 1000)[2].wall_s for one in (once, again))
    assert long > short
