"""The law every simulator keeps, ours and each adapter: the distribution, the seed, the order of bits, and a clear refusal."""

import math

import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.quantum_info import Statevector

from app.engine.base.errors import BadInput
from app.engine.circuits import selection
from app.engine.circuits.adapters import simulation

GIB = 1 << 30
INSTALLED = simulation.extras()
ABSENT = {"stim", "qsim"} - INSTALLED


def marked(names):
    return [pytest.param(name, marks=pytest.mark.skipif(name in ABSENT, reason="is not installed")) for name in names]


every = pytest.mark.parametrize("simulator", marked(selection.SIMULATORS))
of_any_gate = pytest.mark.parametrize("simulator", marked(("qsim", "statevector", "matrix_product_state")))
under_noise = pytest.mark.parametrize("simulator", marked(selection.NOISY))


def run(circuit, simulator, seed=1, shots=4000, noise="none"):
    ready = simulation.prepared(circuit, "c", {"shots": shots, "noise": noise}, 1)
    plan = simulation.planned(ready, 4 * GIB, simulator)
    outcome = simulation.done(ready, plan, seed=seed, name="c")
    assert outcome.simulator == simulator  # a name by which it can be asked for again
    assert sum(outcome.counts.values()) == shots
    assert plan.predicted.memory_bytes > 0
    assert plan.predicted.wall_s > 0
    return outcome.counts


def entangled():
    """Return a Clifford circuit of three qubits with four outcomes that are equally likely, in two registers."""
    low, high = ClassicalRegister(2, "low"), ClassicalRegister(2, "high")
    circuit = QuantumCircuit(QuantumRegister(3), low, high)
    circuit.h([0, 1])
    circuit.sx(1)
    circuit.cx(0, 2)
    circuit.x(2)
    circuit.s(0)
    circuit.ecr(1, 0)
    circuit.measure([0, 2, 1], [low[0], low[1], high[1]])
    return circuit


def turned():
    """Return a circuit that is no Clifford circuit, with an outcome for each of its three qubits."""
    circuit = QuantumCircuit(3, 3)
    circuit.ry(0.7, 0)
    circuit.u(1.1, 0.3, -0.4, 1)
    circuit.cp(1.3, 0, 1)
    circuit.csx(1, 2)
    circuit.t(2)
    circuit.rzx(0.9, 2, 0)
    circuit.ccx(0, 1, 2)
    circuit.measure(range(3), range(3))
    return circuit


def oracle(circuit, write):
    """Return Qiskit's own probabilities by the text that `write` makes of an outcome of all qubits."""
    bare = circuit.remove_final_measurements(inplace=False)
    made = {}
    for bits, share in Statevector(bare).probabilities_dict().items():
        made[write(bits)] = made.get(write(bits), 0.0) + share
    return made


def too_far(counts, expected):
    """Return whether chi-square of `counts` passes its millionth point (Wilson and Hilferty, 1931)."""
    shots = sum(counts.values())
    assert {key for key in counts if expected.get(key, 0) < 1e-12} == set()
    likely = {key: shots * share for key, share in expected.items() if share > 1e-12}
    found = sum((counts.get(key, 0) - mean) ** 2 / mean for key, mean in likely.items())
    free = max(1, len(likely) - 1)
    third = 2 / (9 * free)
    return found > free * (1 - third + 4.75 * math.sqrt(third)) ** 3


@every
def test_outcomes_come_as_often_as_they_should_and_bits_stand_where_they_should(simulator):
    counts = run(entangled(), simulator)
    assert not too_far(counts, oracle(entangled(), lambda bits: f"{bits[1]}0 {bits[0]}{bits[2]}"))


@of_any_gate
def test_gates_of_any_angle_come_out_as_they_should(simulator):
    assert not too_far(run(turned(), simulator, shots=8000), oracle(turned(), str))


@every
def test_equal_seeds_give_equal_counts_and_others_others(simulator):
    first, again, other = (run(entangled(), simulator, seed) for seed in (7, 7, 2**64 - 1))
    assert first == again
    assert first != other


@every
def test_one_qubit_and_one_shot_are_enough(simulator):
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    if simulator != "stabilizer":  # Aer's needs two
        assert run(circuit, simulator, shots=1) == {"1": 1}


@pytest.mark.parametrize("simulator", marked(("stim", "stabilizer", "statevector", "matrix_product_state")))
def test_what_is_measured_on_the_way_stays_what_it_was(simulator):
    circuit = QuantumCircuit(2, 3)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.cx(0, 1)
    circuit.reset(0)
    circuit.measure(1, 1)
    circuit.x(0)
    circuit.measure(0, 2)
    assert not too_far(run(circuit, simulator), {"100": 0.5, "111": 0.5})


@pytest.mark.parametrize("simulator", [*selection.FRAMES, "stabilizer"])
def test_what_a_simulator_cannot_do_is_refused_before_anything_runs(simulator):
    with pytest.raises(BadInput, match=r"cannot run this: (only for|stim is not)"):
        run(turned(), simulator)


@pytest.mark.parametrize("simulator", ["qsim", "clifford"])
def test_those_that_draw_at_the_end_refuse_what_measures_on_its_way(simulator):
    circuit = QuantumCircuit(1, 2)
    circuit.measure(0, 0)
    circuit.h(0)
    circuit.measure(0, 1)
    with pytest.raises(BadInput, match="cannot run this"):
        run(circuit, simulator)


@under_noise
def test_an_error_of_a_gate_of_two_qubits_shows_as_often_as_its_figure(simulator):
    circuit = QuantumCircuit(2, 2)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    counts = run(circuit, simulator, shots=8000, noise="two=0.12")
    # Average infidelity 0.12 is depolarising with 0.16; of that, three of four outcomes are wrong.
    assert not too_far(counts, {"00": 0.88, "01": 0.04, "10": 0.04, "11": 0.04})


@under_noise
def test_readouts_err_by_their_figure(simulator):
    circuit = QuantumCircuit(2, 2)
    circuit.x(1)
    circuit.measure([0, 1], [0, 1])
    counts = run(circuit, simulator, shots=8000, noise="readout=0.1")
    assert not too_far(counts, {"10": 0.81, "11": 0.09, "00": 0.09, "01": 0.01})


def test_without_the_extras_auto_runs_on_what_there_always_is(monkeypatch):
    monkeypatch.setattr(simulation, "extras", frozenset)
    ready = simulation.prepared(entangled(), "c", {"shots": 10}, 1)
    plan = simulation.planned(ready, GIB, "auto")
    assert plan.choice.method == "clifford"
    whys = {one.simulator: one.reason for one in plan.others}
    assert whys["stim"] == "stim is not installed (extra stim)"
    assert whys["qsim"] == "qsim is not installed (extra qsim)"
