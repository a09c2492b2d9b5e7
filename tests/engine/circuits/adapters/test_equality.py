import networkx as nx
import numpy as np
import pytest
from qiskit import QuantumCircuit

from app.engine.circuits import devices
from app.engine.circuits.adapters import compiler, equality
from app.engine.circuits.adapters.compiler import Compiled

LINE = devices.line(5)


def compiled(circuit, device=LINE, router="auto"):
    return compiler.compiled(circuit, "c", device, level=3, router=router, seed=1)


def mixed(qubits=4, *, measure=False):
    circuit = QuantumCircuit(qubits)
    for at in range(qubits):
        circuit.u(0.3 + at, 0.2, 0.9, at)
    for a, b in ((0, 3), (1, 2), (0, 2), (3, 1)):
        circuit.cx(a, b)
        circuit.ry(0.4 + a, b)
    if measure:
        circuit.measure_all()
    return circuit


def without(made, name, which):
    """Return `made` with one gate left out."""
    circuit, seen = made.circuit.copy_empty_like(), 0
    for item in made.circuit.data:
        seen += item.operation.name == name
        if item.operation.name != name or seen != which:
            circuit.append(item)
    assert seen >= which
    return Compiled(circuit, made.start, made.end, made.router, made.why)


@pytest.mark.parametrize("measure", [False, True])
def test_a_compiled_circuit_is_equal_and_one_with_a_gate_left_out_is_not(measure):
    circuit = mixed(measure=measure)
    made = compiled(circuit)
    found = equality.compare(circuit, made, 1)
    assert found["verdict"] == "equal"
    assert found["how"].startswith("exactly")
    assert found["difference"] < 1e-9
    assert equality.compare(circuit, without(made, "cx", 3), 1)["verdict"] == "different"
    assert equality.compare(circuit, without(made, "sx", 5), 1)["verdict"] == "different"


def test_a_wrong_place_at_the_end_is_found():
    circuit = mixed()
    made = compiled(circuit)
    wrong = Compiled(made.circuit, made.start, (made.end[1], made.end[0], *made.end[2:]), "", "")
    assert equality.compare(circuit, wrong, 1)["verdict"] == "different"


def test_states_are_sampled_when_the_map_is_too_large():
    circuit = mixed(10)
    circuit.cx(4, 9)
    made = compiled(circuit, devices.line(10))
    found = equality.compare(circuit, made, 1)
    assert (found["verdict"], found["how"][:11]) == ("equal", "by sampling")
    assert equality.compare(circuit, without(made, "cx", 2), 1)["verdict"] == "different"


def qaoa(qubits):
    circuit = QuantumCircuit(qubits)
    circuit.h(range(qubits))
    for a, b in nx.random_regular_graph(3, qubits, seed=1).edges:
        circuit.rzz(0.7, a, b)
    circuit.rx(0.3, range(qubits))
    circuit.measure_all()
    return circuit


def test_local_observables_are_sampled_when_states_are_too_large():
    circuit = qaoa(60)
    made = compiled(circuit, devices.read(devices.known()["ibm_brisbane"]), "commuting")
    found = equality.compare(circuit, made, 1)
    assert found["verdict"] == "equal"
    assert "local observables" in found["how"]
    assert found["difference"] < 1e-9
    assert equality.compare(circuit, without(made, "rz", 90), 1)["verdict"] == "different"


def test_clifford_circuits_of_any_width_are_compared_exactly():
    circuit = QuantumCircuit(40)
    circuit.h(0)
    for at in range(39):
        circuit.cx(0, at + 1)
    circuit.x(7)
    circuit.measure_all()
    same = circuit.copy()
    places = tuple(range(40))
    assert equality.compare(circuit, Compiled(same, places, places, "", ""), 1)["verdict"] == "equal"
    for change in ("x", "cx"):
        other = without(Compiled(same, places, places, "", ""), change, 1)
        found = equality.compare(circuit, other, 1)
        assert (found["verdict"], found["how"]) == ("different", "exactly: the outcomes of both span the same space")


def test_a_circuit_that_measures_on_its_way_is_not_checked():
    circuit = QuantumCircuit(2, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    found = equality.compare(circuit, compiled(circuit), 1)
    assert (found["verdict"], found["how"]) == ("not checked", "the circuit measures or resets on its way")


def test_bits_that_are_not_measured_any_more_are_found():
    circuit = mixed(measure=True)
    found = equality.compare(circuit, without(compiled(circuit), "measure", 1), 1)
    assert (found["verdict"], found["how"]) == ("different", "not the same bits are measured")


@pytest.mark.parametrize("turn, verdict", [(1e-8, "equal"), (1e-3, "close"), (4e-3, "different"), (0.05, "different")])
def test_close_is_a_distance_of_a_thousandth_and_no_overlap_of_one_less_that(turn, verdict):
    circuit, off = QuantumCircuit(1), QuantumCircuit(1)
    circuit.h(0)
    off.h(0)
    off.rz(turn, 0)  # the maps' own states are sin(turn / 2) apart
    found = equality.compare(circuit, Compiled(off, (0,), (0,), "", ""), 1)
    assert found["verdict"] == verdict
    assert found["difference"] == pytest.approx(np.sin(turn / 2), rel=1e-3, abs=1e-8)
