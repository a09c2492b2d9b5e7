import networkx as nx
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.quantum_info import Operator

from app.engine.base.errors import BadInput
from app.engine.circuits import devices
from app.engine.circuits.adapters import compiler
from app.engine.circuits.records import Op

KOLKATA = devices.read(devices.known()["ibm_kolkata"])


def qaoa(qubits=12, seed=1):
    circuit = QuantumCircuit(qubits)
    circuit.h(range(qubits))
    for a, b in nx.random_regular_graph(3, qubits, seed=seed).edges:
        circuit.cx(a, b)
        circuit.rz(0.8, b)
        circuit.cx(a, b)
    circuit.rx(0.4, range(qubits))
    circuit.measure_all()
    return circuit


def compiled(circuit, device=KOLKATA, router="auto", level=3):
    return compiler.compiled(circuit, "c.qasm", device, level=level, router=router, seed=1)


@pytest.mark.parametrize("name", ["ibm_kolkata", "ibm_torino", "iqm_garnet", "ibm_brisbane"])
@pytest.mark.parametrize("router", ["qiskit", "commuting"])
def test_what_is_compiled_uses_only_what_the_device_has(name, router):
    device = devices.read(devices.known()[name])
    made = compiled(qaoa(8), device, router)
    allowed = {(pair.first, pair.second) for pair in device.working}
    if device.pair_gate == "cz":
        allowed |= {(b, a) for a, b in allowed}
    places = {bit: at for at, bit in enumerate(made.circuit.qubits)}
    for item in made.circuit.data:
        assert item.operation.name in {*device.basis, device.pair_gate, "measure", "barrier"}
        if len(item.qubits) == 2:
            assert tuple(places[bit] for bit in item.qubits) in allowed
    assert made.router == router
    assert len(set(made.start)) == len(set(made.end)) == 8


def test_commuting_pairs_take_fewer_gates_than_the_general_router_and_it_says_so():
    plain, auto = compiled(qaoa(), router="qiskit"), compiled(qaoa())
    assert auto.router == "commuting"
    assert compiler.pairs_in(auto.circuit) < compiler.pairs_in(plain.circuit)
    assert str(compiler.pairs_in(plain.circuit)) in auto.why


def test_a_circuit_without_commuting_layers_goes_to_qiskit():
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    made = compiled(circuit)
    assert (made.router, made.why) == ("qiskit", "Qiskit's level 3")
    with pytest.raises(BadInput, match=r"c\.qasm: is not made of gates of one qubit and commuting pairs alone"):
        compiled(circuit, router="commuting")


def test_what_does_not_fit_or_has_no_value_is_refused():
    with pytest.raises(BadInput, match="28 qubits do not fit on ibm_kolkata, which has 27"):
        compiled(QuantumCircuit(28))
    free = QuantumCircuit(1)
    free.rx(Parameter("theta"), 0)
    with pytest.raises(BadInput, match="the free parameters theta have no value"):
        compiled(free)


def test_plain_operations_become_qiskits():
    ops = [Op("h", (0,)), Op("rzz", (0, 1), (0.3,)), Op("swap", (0, 1)), Op("id", (1,))]
    expected = QuantumCircuit(2)
    expected.h(0)
    expected.rzz(0.3, 0, 1)
    expected.swap(0, 1)
    assert Operator(compiler.built(ops, 2)) == Operator(expected)


def test_a_swap_and_the_pair_it_takes_along_are_three_gates():
    circuit = compiler.built([Op("rzz", (0, 1), (0.7,)), Op("swap", (0, 1))], 2)
    made = transpile(circuit, target=compiler.target_of(devices.line(2)), initial_layout=[0, 1], optimization_level=3)
    assert compiler.pairs_in(made) <= 3
