import math

import numpy as np
import pytest

from app.engine.circuits.layers import angle_of, folded, layered
from app.engine.circuits.records import Circuit, Op


def circuit(qubits, *ops):
    return Circuit("c", tuple(map(str, range(qubits))), ("c0",), ops)


def state(qubits, ops):
    from qiskit.quantum_info import Statevector

    from app.engine.circuits.adapters.compiler import built

    start = [Op("ry", (at,), (0.3 + at,)) for at in range(qubits)]
    return Statevector(built([*start, *ops], qubits))


def ops_of(found):
    return [
        op
        for layer in found.layers
        for op in (*layer.turns, *(Op("rzz", pair, (angle,)) for pair, angle in layer.pairs.items()))
    ]


@pytest.mark.parametrize("seed", range(8))
def test_layers_do_what_the_circuit_does(seed):
    rng = np.random.default_rng(seed)
    ops = []
    for _ in range(30):
        a, b = (int(q) for q in rng.choice(4, 2, replace=False))
        kind = rng.choice(["rzz", "cz", "cp", "crz", "rz", "h", "t", "rx", "s"])
        if kind in ("rzz", "cp", "crz"):
            ops.append(Op(str(kind), (a, b), (float(rng.uniform(-3, 3)),)))
        elif kind == "cz":
            ops.append(Op("cz", (a, b)))
        else:
            ops.append(Op(str(kind), (a,), (float(rng.uniform(-3, 3)),) if kind in ("rz", "rx") else ()))
    found = layered(circuit(4, *ops))
    if found is not None:
        assert state(4, ops_of(found)).equiv(state(4, ops))


def test_a_layer_of_commuting_pairs_stays_one_layer():
    pairs = [(a, b) for a in range(6) for b in range(a)]
    mixer = [Op("rx", (at,), (0.4,)) for at in range(6)]
    cost = [Op("rzz", pair, (0.7,)) for pair in pairs]
    found = layered(circuit(6, *cost, *mixer, *cost, *mixer, Op("measure", (0,), (), (0,))))
    assert [len(layer.pairs) for layer in found.layers] == [15, 15, 0]
    assert len(found.measures) == 1


@pytest.mark.parametrize(
    "op", [Op("cx", (0, 1)), Op("rzz", (0, 1), ("a",)), Op("h", (0,), condition="c0"), Op("reset", (0,)), Op("ccx", (0, 1, 2))]
)
def test_what_does_not_commute_is_not_made_into_layers(op):
    assert layered(circuit(3, Op("cz", (0, 1)), op)) is None


def test_nothing_but_turns_has_no_layers_and_gates_after_a_measurement_none_either():
    assert layered(circuit(1, Op("h", (0,)))) is None
    assert layered(circuit(2, Op("cz", (0, 1)), Op("measure", (0,), (), (0,)), Op("h", (0,)))) is None


def test_two_cx_around_a_turn_are_one_pair():
    ops = [Op("cx", (0, 1)), Op("rz", (1,), (0.3,)), Op("t", (0,)), Op("s", (1,)), Op("cx", (0, 1))]
    made = folded(circuit(2, *ops))
    assert [op.name for op in made.ops] == ["t", "rzz"]
    assert made.ops[1].params[0] == pytest.approx(0.3 + math.pi / 2)
    assert state(2, made.ops).equiv(state(2, ops))


def test_cx_that_something_else_parts_stay():
    for between in (Op("h", (1,)), Op("h", (0,)), Op("cx", (1, 0)), Op("rz", (1,), ("a",))):
        ops = [Op("cx", (0, 1)), Op("rz", (1,), (0.3,)), between, Op("cx", (0, 1))]
        assert folded(circuit(2, *ops)).ops == tuple(ops)
    plain = [Op("cx", (0, 1)), Op("cx", (0, 1))]
    assert folded(circuit(2, *plain)).ops == tuple(plain)


def test_angles_of_named_turns():
    assert angle_of(Op("z", (0,))) == pytest.approx(math.pi)
    assert angle_of(Op("tdg", (0,))) == pytest.approx(-math.pi / 4)
    assert angle_of(Op("rz", (0,), (0.2,))) == 0.2
