"""A run from what was asked: noise compiled for its device, and a cheap trial before what takes long."""

import math

import numpy as np
import pytest
from qiskit import QuantumCircuit

from app.engine.base.errors import Limit
from app.engine.circuits import devices, selection
from app.engine.circuits.adapters import aer, simulation

GIB = 1 << 30


def ready(circuit, **spec):
    return simulation.prepared(aer.measured(circuit)[0], "c", spec, 1)


def run(circuit, free=4 * GIB, simulator="auto", **spec):
    made = ready(circuit, **spec)
    plan = simulation.planned(made, free, simulator)
    return simulation.done(made, plan, seed=1, name="c"), plan


def fourier_of_a_number(qubits):
    circuit = QuantumCircuit(qubits)
    circuit.x(range(0, qubits, 2))
    for high in reversed(range(qubits)):
        circuit.h(high)
        for low in range(high):
            circuit.cp(math.pi / 2 ** (high - low), low, high)
    return circuit


def scrambled(qubits, layers, seed=1):
    rng, circuit = np.random.default_rng(seed), QuantumCircuit(qubits)
    for _ in range(layers):
        for qubit in range(qubits):
            circuit.u(*rng.uniform(0, 6, 3), qubit)
        order = rng.permutation(qubits).tolist()
        for a, b in zip(order[::2], order[1::2], strict=False):
            circuit.cx(a, b)
    return circuit


def test_quarter_turns_are_seen_as_clifford_gates():
    circuit = QuantumCircuit(2)
    circuit.rz(math.pi / 2, 0)
    circuit.ry(math.pi / 2, 0)
    circuit.cx(0, 1)
    outcome, _ = run(circuit, shots=400)
    assert outcome.simulator in selection.FRAMES
    assert set(outcome.counts) == {"00", "11"}


def test_a_transform_of_forty_qubits_is_seen_to_entangle_nothing():
    _, plan = run(fourier_of_a_number(40), shots=5)
    assert plan.trial == 0
    assert plan.choice.method == "matrix_product_state"
    assert plan.predicted.memory_bytes < 10_000


def test_small_bonds_that_only_a_trial_can_find_are_found():
    circuit = QuantumCircuit(40)
    circuit.ry(0.7, range(40))
    for qubit in range(20):  # there and back again
        circuit.cp(0.3, qubit, qubit + 20)
        circuit.cp(-0.3, qubit, qubit + 20)
    outcome, plan = run(circuit, shots=5)
    assert plan.trial > 0
    assert outcome.simulator == "matrix_product_state"
    assert outcome.bonds.cut < simulation.NOTHING
    assert "nothing had to be cut off" in outcome.why


def test_what_entangles_everything_and_does_not_fit_is_refused_with_the_share_that_would_be_lost(monkeypatch):
    monkeypatch.setattr(simulation.selection, "_TRIALS", (8,))
    with pytest.raises(Limit, match="cuts off"):
        run(scrambled(36, 3), free=GIB, shots=1)


def test_a_trial_that_has_to_cut_falls_back_to_the_state_vector(monkeypatch):
    monkeypatch.setattr(simulation.selection, "trial_bond", lambda *_: 2)
    outcome, plan = run(scrambled(8, 4), shots=20)
    assert plan.trial == 2
    assert outcome.simulator in ("qsim", "statevector")


def test_the_noise_of_a_device_is_told_and_spoils_the_outcomes_about_as_much_as_estimated():
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    file = str(devices.known()["ibm_manila"])
    made = ready(circuit, shots=4000, noise="ibm_manila", noise_file=file)
    assert (made.noise["device"], made.noise["kind"], len(made.noise["places"])) == ("ibm_manila", "simulated", 3)
    outcome = simulation.done(made, simulation.planned(made, GIB, "auto"), seed=1, name="c")
    right = (outcome.counts["000"] + outcome.counts["111"]) / 4000
    assert outcome.simulator == "density_matrix"
    # Some errors lead from one right outcome to the other, so the estimate is a lower bound.
    assert made.noise["success"] - 0.03 < right < 1


@pytest.mark.parametrize("simulator", ["density_matrix", "trajectories"])
def test_figures_for_all_qubits_give_the_closed_form(simulator):
    circuit = QuantumCircuit(1)
    circuit.x(0)
    outcome, _ = run(circuit, simulator=simulator, shots=8000, noise="one=0.1")
    # Average infidelity 0.1 is depolarising with 0.2: the wrong outcome comes in half of those.
    assert abs(outcome.counts["0"] - 800) < 4 * math.sqrt(720)


def test_pauli_errors_on_clifford_gates_run_as_stabilizers():
    circuit = QuantumCircuit(30)
    circuit.h(0)
    for qubit in range(29):
        circuit.cx(qubit, qubit + 1)
    outcome, _ = run(circuit, shots=50, noise="two=0.001")
    assert outcome.simulator in ("stim", "stabilizer")
    assert sum(outcome.counts.values()) == 50


def waiting(circuit):
    """Return `circuit` with a turn, a wait of 200 microseconds and a measurement on its first qubit."""
    circuit.x(0)
    circuit.delay(200, 0, unit="us")
    circuit.measure(0, 0)
    return circuit


@pytest.mark.parametrize("simulator", ["density_matrix", "trajectories"])
def test_a_wait_that_is_written_relaxes_as_long_as_it_says(simulator):
    outcome, _ = run(waiting(QuantumCircuit(1, 1)), simulator=simulator, shots=4000, noise="t1_us=100 gate_ns=0 read_ns=0")
    kept = math.exp(-2)
    assert abs(outcome.counts["1"] - 4000 * kept) < 4 * math.sqrt(4000 * kept * (1 - kept))


def test_a_wait_that_is_written_relaxes_on_a_device_too():
    spec = {"shots": 4000, "noise": "ibm_manila", "noise_file": str(devices.known()["ibm_manila"])}
    made = ready(waiting(QuantumCircuit(1, 1)), **spec)
    (place,) = made.ask.noise.places
    outcome = simulation.done(made, simulation.planned(made, GIB, "auto"), seed=1, name="c")
    kept = math.exp(-2e-4 / place.t1_s)
    seen = kept * (1 - place.read_1_as_0) + (1 - kept) * place.read_0_as_1
    assert abs(outcome.counts["1"] / 4000 - seen) < 0.03
    assert kept < 0.9


@pytest.mark.parametrize("on_device", [False, True])
def test_a_barrier_lets_a_qubit_wait_for_another(on_device):
    circuit = QuantumCircuit(2, 1)
    circuit.x(1)
    circuit.barrier()
    circuit.delay(200, 0, unit="us")
    circuit.barrier()
    circuit.measure(1, 0)
    manila = {"noise": "ibm_manila", "noise_file": str(devices.known()["ibm_manila"])}
    made = ready(circuit, shots=4000, **(manila if on_device else {"noise": "t1_us=100 gate_ns=0 read_ns=0"}))
    place = made.ask.noise.places[next(op.qubits[0] for op in made.plain.ops if op.name == "measure")]
    outcome = simulation.done(made, simulation.planned(made, GIB, "auto"), seed=1, name="c")
    kept = math.exp(-2e-4 / place.t1_s)
    seen = kept * (1 - place.read_1_as_0) + (1 - kept) * place.read_0_as_1
    assert abs(outcome.counts["1"] / 4000 - seen) < 0.03
    assert kept < (0.9 if on_device else 0.14)


def test_what_ran_after_a_trial_is_what_is_told_as_predicted(monkeypatch):
    monkeypatch.setattr(simulation.selection, "trial_bond", lambda *_: 4)
    circuit = QuantumCircuit(18)
    circuit.ry(0.7, range(18))
    for qubit in range(9):  # there and back again
        for _ in range(3):
            circuit.cp(0.3, qubit, qubit + 9)
            circuit.cp(-0.3, qubit, qubit + 9)
    made = ready(circuit, shots=5)
    plan = simulation.planned(made, 4 * GIB, "auto")
    assert plan.predicted.simulator in simulation.ALL_AMPLITUDES
    monkeypatch.setattr(simulation, "_pays", lambda *_: True)
    outcome = simulation.done(made, plan, seed=1, name="c")
    told = simulation.followed(made, plan, outcome)
    assert outcome.simulator == "matrix_product_state"
    assert told.predicted.simulator == "matrix_product_state"
    assert outcome.memory_bytes == told.predicted.memory_bytes < plan.predicted.memory_bytes
    names = [one.simulator for one in told.others]
    assert plan.predicted.simulator in names
    assert "matrix_product_state" not in names
    assert len(names) == len(plan.others)


def test_a_plan_that_was_followed_stays_as_it_is():
    made = ready(scrambled(5, 2), shots=5)
    plan = simulation.planned(made, GIB, "auto")
    assert simulation.followed(made, plan, simulation.done(made, plan, seed=1, name="c")) is plan
