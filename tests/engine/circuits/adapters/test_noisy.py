"""Circuits with errors: what Aer makes of them is what the channels of `channels` make of the state."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import DensityMatrix
from qiskit_aer import AerSimulator

from app.engine.base.errors import BadInput
from app.engine.circuits import channels, devices, noise
from app.engine.circuits.adapters import compiler, noisy


def density_after(circuit, told):
    full, model = noisy.with_errors(circuit, told)
    full.save_density_matrix()
    result = AerSimulator(method="density_matrix", noise_model=model).run(full).result()
    return np.asarray(result.data(0)["density_matrix"])


def test_relaxation_and_depolarising_are_those_of_the_channels():
    circuit = QuantumCircuit(1)
    circuit.sx(0)
    told = noise.read("one=0.05 t1_us=2 t2_us=3 gate_ns=100", 1)
    rho = DensityMatrix(circuit).data
    rho = channels.apply(rho, channels.waiting(0.1, 2.0, 3.0), 0)
    rho = channels.apply(rho, channels.depolarising(noise.depolarised(0.05, 1e-7, told.places)), 0)
    assert np.abs(density_after(circuit, told) - rho).max() < 1e-9


def test_depolarised_pairs_lose_what_the_share_tells():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    told = noise.read("two=0.1", 2)
    share = noise.depolarised(0.1, 0.0, told.places)
    expected = (1 - share) * DensityMatrix(circuit).data + share * np.eye(4) / 4
    assert np.abs(density_after(circuit, told) - expected).max() < 1e-9


def test_readout_errors_turn_a_zero_into_a_one_as_often_as_told():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    full, model = noisy.with_errors(circuit, noise.read("readout=0.1", 1))
    counts = AerSimulator(noise_model=model).run(full, shots=20_000, seed_simulator=1).result().get_counts()
    assert abs(counts["1"] - 2000) < 4 * np.sqrt(1800)


def test_a_compiled_circuit_is_narrowed_to_the_places_it_uses():
    circuit = QuantumCircuit(3, 3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    circuit.measure(range(3), range(3))
    device = devices.read(devices.known()["ibm_kolkata"])
    made = compiler.compiled(circuit, "c", device, level=3, router="qiskit", seed=1)
    low, places = noisy.narrowed(made.circuit)
    assert low.num_qubits == len(places) == 3
    assert set(places) == set(made.start)
    counts = AerSimulator(method="statevector").run(low, shots=200, seed_simulator=1).result().get_counts()
    assert set(counts) == {"000", "111"}


def test_conditions_are_refused():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(0)
        circuit.h(0)
    with pytest.raises(BadInput, match="conditions"):
        noisy.with_errors(circuit, noise.read("one=0.1", 1))
