"""The choice of a simulator, with its prediction and what the others would need."""

import pytest

from app.engine.base.errors import BadInput, Limit
from app.engine.circuits import noise, selection
from app.engine.circuits.records import Circuit, Op
from app.engine.circuits.selection import Ask

GIB = 2**30


def circuit(qubits, *ops):
    names = tuple(f"q[{q}]" for q in range(qubits))
    return Circuit("c", names, names, (*ops, *(Op("measure", (q,), clbits=(q,)) for q in range(qubits))))


def brick(qubits, layers, gate):
    ops = [op for layer in range(layers) for q in range(layer % 2, qubits - 1, 2)
           for op in (Op("h", (q,)), Op(gate, (q,)), Op("cx", (q, q + 1)))]  # fmt: skip
    return circuit(qubits, *ops)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (brick(500, 20, "h"), "clifford"),
        (circuit(2, Op("h", (0,)), Op("reset", (0,)), Op("x", (1,))), "stabilizer"),
        (brick(16, 24, "t"), "statevector"),
        (brick(60, 2, "t"), "matrix_product_state"),
    ],
)
def test_auto_takes_what_suits_the_circuit_and_tells_of_the_others(asked, name):
    choice, predicted, others = selection.select(asked, 8 * GIB, Ask(1000))
    assert choice.method == predicted.simulator == name
    assert choice.why
    assert {one.simulator for one in others} == set(selection.SIMULATORS) - {name}
    assert all(one.told()["wall_s"] > 0 and one.told()["memory_bytes"] < 2**63 for one in others)


def test_a_simulator_that_cannot_is_refused_with_the_reason():
    with pytest.raises(BadInput, match="only for Clifford"):
        selection.select(brick(4, 2, "t"), GIB, Ask(10), "clifford")
    with pytest.raises(Limit, match=r"needs 8\.0\sGiB"):
        selection.select(brick(30, 2, "t"), GIB, Ask(10), "statevector")
    with pytest.raises(BadInput, match="no simulator"):
        selection.select(brick(4, 2, "t"), GIB, Ask(10), "abacus")


def offer(asked, name, free=8 * GIB, ask=None):
    return next(one for one in selection.offers(asked, free, ask or Ask(1000)) if one.simulator == name)


def test_shots_repeat_what_measures_on_its_way():
    once = circuit(2, Op("t", (0,)))
    again = circuit(2, Op("t", (0,)), Op("measure", (0,), clbits=(0,)), Op("x", (0,)))
    short, long = (offer(one, "statevector").wall_s for one in (once, again))
    assert long > short


def test_under_noise_few_qubits_take_the_density_matrix_and_many_take_trajectories():
    decay = noise.read("one=0.001 two=0.01 t1_us=100 t2_us=80", 4)
    assert selection.select(brick(4, 4, "t"), GIB, Ask(1000, decay))[0].method == "density_matrix"
    decay = noise.read("two=0.01 t1_us=100", 14)
    choice, predicted, others = selection.select(brick(14, 2, "t"), 8 * GIB, Ask(10, decay))
    assert (choice.method, predicted.simulator) == ("trajectories", "trajectories")
    assert {one.simulator for one in others} == {"stim", "stabilizer", "density_matrix"}


def test_clifford_gates_under_pauli_errors_stay_stabilizers_and_relaxation_rules_them_out():
    wide = brick(60, 3, "h")
    assert selection.select(wide, GIB, Ask(100, noise.read("two=0.01 readout=0.02", 60)))[0].method == "stabilizer"
    with pytest.raises(Limit, match="60 qubits under noise"):
        selection.select(wide, GIB, Ask(100, noise.read("two=0.01 t1_us=50", 60)))
    with pytest.raises(BadInput, match="without T1 and T2"):
        selection.select(brick(4, 2, "h"), GIB, Ask(10, noise.read("t1_us=50", 4)), "stabilizer")


def test_a_state_vector_is_in_single_precision_until_its_counts_would_show_it():
    few, many = brick(10, 4, "t"), brick(10, 400, "t")
    assert selection.single(few, 1000)
    assert not selection.single(many, 1_000_000)
    assert offer(few, "statevector").memory_bytes == 8 * 2**10


def test_a_cheap_trial_is_offered_before_a_long_state_vector_only():
    long, short = brick(24, 40, "t"), brick(6, 2, "t")
    bonds = [selection.trial_bond(one, Ask(100), offer(one, "statevector", ask=Ask(100))) for one in (long, short)]
    assert bonds[0] >= 8
    assert bonds[1] == 0
    exponents = selection.method.bond_exponents(long)
    assert selection.trial_s(long, Ask(100), 4, exponents) < selection.trial_s(long, Ask(100), 64, exponents)


def test_a_largest_bond_bounds_memory_and_is_told_as_the_reason():
    choice, predicted, _ = selection.select(brick(60, 40, "t"), GIB, Ask(100, bond=16))
    assert choice.method == "matrix_product_state"
    assert "16" in choice.why
    assert predicted.memory_bytes <= 2 * 16 * 60 * 16**2


BOTH = frozenset({"stim", "qsim"})


@pytest.mark.parametrize(
    ("asked", "decay", "name"),
    [
        (brick(500, 20, "h"), None, "stim"),
        (circuit(2, Op("h", (0,)), Op("reset", (0,)), Op("x", (1,))), None, "stim"),
        (brick(60, 3, "h"), "two=0.01 readout=0.02", "stim"),
        (brick(20, 24, "t"), None, "qsim"),
    ],
)
def test_what_is_installed_is_taken_where_it_is_quicker(asked, decay, name):
    ask = Ask(1000, noise.read(decay, len(asked.qubits)) if decay else None, extras=BOTH)
    assert selection.select(asked, 8 * GIB, ask)[0].method == name


def test_qsim_is_not_taken_where_single_precision_could_show_or_a_measurement_is_on_the_way():
    ask = Ask(1_000_000, extras=BOTH)
    assert "single precision" in offer(brick(10, 400, "t"), "qsim", ask=ask).reason
    again = circuit(2, Op("t", (0,)), Op("measure", (0,), clbits=(0,)), Op("x", (0,)))
    assert "measured at the end" in offer(again, "qsim", ask=Ask(10, extras=BOTH)).reason
    assert offer(brick(20, 4, "t"), "qsim", ask=Ask(10, extras=BOTH)).memory_bytes == 8 * 2**20


def test_a_bond_that_needs_more_than_there_is_is_refused_with_the_numbers():
    with pytest.raises(Limit, match=r"bonds of up to 4[^ ]*096: needs 50\sGiB, and 2\.4\sGiB may be used"):
        selection.select(brick(100, 200, "t"), 4 * GIB, Ask(10, bond=4096))


@pytest.mark.parametrize(("decay", "simulator"), [("t1_us=50", "auto"), (None, "statevector"), (None, "stabilizer")])
def test_a_bond_is_refused_where_there_is_none(decay, simulator):
    asked = brick(4, 2, "h")
    with pytest.raises(BadInput, match="only for a matrix product state"):
        selection.select(asked, GIB, Ask(10, noise.read(decay, 4) if decay else None, bond=8), simulator)
    assert selection.select(asked, GIB, Ask(10, bond=8), "matrix_product_state")[0].method == "matrix_product_state"
