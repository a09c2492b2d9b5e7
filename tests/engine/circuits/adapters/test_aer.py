import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate
from qiskit.quantum_info import Statevector
from scipy.stats import chi2

from app.engine.base.errors import BadInput, Limit
from app.engine.circuits.adapters import aer
from app.engine.circuits.adapters.qiskit_read import read
from app.engine.circuits.records import Choice
from app.engine.circuits.selection import Ask

GIB = 1 << 30


def counts_of(circuit, shots=2000, seed=1, method=""):
    low, choice = aer.plan(aer.measured(circuit)[0], "c", 2 * GIB)
    choice = Choice(method, 0, "") if method else choice
    return aer.run(low, choice, Ask(shots), seed=seed, name="c").counts


def random_circuit(seed, qubits=4):
    rng, circuit = np.random.default_rng(seed), QuantumCircuit(qubits)
    for _ in range(12):
        a, b = (int(q) for q in rng.choice(qubits, 2, replace=False))
        circuit.u(*rng.uniform(0, 6, 3), a)
        circuit.cx(a, b)
    return circuit


@pytest.mark.parametrize("method", ["statevector", "matrix_product_state"])
@pytest.mark.parametrize("seed", [1, 2])
def test_counts_follow_the_exact_distribution(seed, method):
    circuit, shots = random_circuit(seed), 8000
    exact = Statevector(circuit).probabilities_dict()
    counts = counts_of(circuit, shots, seed, method)
    statistic = sum((counts.get(key, 0) - shots * p) ** 2 / (shots * p) for key, p in exact.items() if p > 1e-9)
    assert statistic < chi2.ppf(0.9999, len(exact) - 1)


def test_a_wide_entangled_chain_runs_as_a_matrix_product_state():
    wide = QuantumCircuit(80)
    wide.h(0)
    for i in range(79):
        wide.cx(i, i + 1)
    wide.t(0)
    low, choice = aer.plan(aer.measured(wide)[0], "c", GIB)
    assert choice.method == "matrix_product_state"
    outcome = aer.run(low, choice, Ask(50), seed=1, name="c")
    assert set(outcome.counts) == {"0" * 80, "1" * 80}


def test_registers_stay_apart_and_the_first_qubit_is_rightmost():
    text = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[3];\ncreg a[1];\ncreg b[2];\nx q[0];\nmeasure q[0] -> a[0];\n'
    assert counts_of(read(text, "c"), 10) == {"00 1": 10}


def test_unused_bits_do_not_pad_outcomes_when_the_measurement_is_added():
    text = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[2];\nx q[1];\n'
    circuit, note = aer.measured(read(text, "c"))
    assert note
    assert counts_of(circuit, 10) == {"10": 10}


def test_a_measurement_within_a_condition_is_one():
    text = 'OPENQASM 3;\ninclude "stdgates.inc";\nqubit q;\nbit c;\nif (!c) { c = measure q; }'
    circuit = read(text, "c")
    assert aer.measured(circuit) == (circuit, "")


def test_definitions_of_the_files_own_are_opened():
    text = 'OPENQASM 2.0;\ninclude "qelib1.inc";\ngate flip a { x a; }\nqreg q[1];\ncreg c[1];\nflip q[0];\nmeasure q -> c;'
    assert counts_of(read(text, "c"), 5) == {"1": 5}


def test_what_cannot_be_simulated_is_told():
    opaque = QuantumCircuit(1)
    opaque.append(Gate("magic", 1, []), [0])
    with pytest.raises(BadInput, match=r"o.qasm: cannot be simulated"):
        aer.plan(aer.measured(opaque)[0], "o.qasm", GIB)
    free = "OPENQASM 3;\ninput float theta;\nqubit q;\nU(theta, 0, 0) q;"
    with pytest.raises(BadInput, match="free parameters theta"):
        aer.plan(aer.measured(read(free, "p.qasm"))[0], "p.qasm", GIB)


def test_what_does_not_fit_is_refused_before_anything_is_allocated():
    circuit = QuantumCircuit(45)
    circuit.h(range(45))
    for i in range(45):
        for j in range(i):
            circuit.cp(0.1, j, i)
    circuit.t(0)
    with pytest.raises(Limit, match="45 qubits need"):
        aer.plan(aer.measured(circuit)[0], "c", 8 * GIB)


def test_rare_outcomes_past_the_limit_are_summed_up():
    counts, other = aer.trimmed({"00": 5, "01": 9, "10": 1, "11": 2}, most_bytes=36)
    assert (counts, other) == ({"01": 9, "00": 5}, 3)


def test_free_memory_is_a_positive_number_of_bytes():
    assert aer.free_bytes() > 1 << 20


def test_a_capped_bond_tells_what_was_cut_off_and_an_uncapped_one_cuts_nothing():
    low = aer.lowered(aer.measured(random_circuit(3, 8))[0], "c")
    product = Choice("matrix_product_state", 0, "")
    rough = aer.run(low, product, Ask(50, bond=2), seed=1, name="c").bonds
    exact = aer.run(low, product, Ask(50), seed=1, name="c").bonds
    assert rough.largest == 2
    assert 0.01 < rough.cut < 1
    assert 2 < exact.largest <= 16
    assert exact.cut < 1e-12


def test_the_truncation_error_is_the_weight_of_the_levels_left_out():
    pair = QuantumCircuit(2)
    pair.ry(0.6, 0)
    pair.cx(0, 1)  # cos(0.3)|00> + sin(0.3)|11>
    low = aer.lowered(aer.measured(pair)[0], "c")
    bonds = aer.run(low, Choice("matrix_product_state", 0, ""), Ask(10, bond=1), seed=1, name="c").bonds
    assert bonds.cut == pytest.approx(np.sin(0.3) ** 2, abs=1e-4)


def test_each_run_of_a_process_tells_its_own_bonds_only():
    product = Choice("matrix_product_state", 0, "")
    wild, calm = random_circuit(5, 6), QuantumCircuit(3)
    calm.h(0)
    largest = [
        aer.run(aer.lowered(aer.measured(one)[0], "c"), product, Ask(5), seed=1, name="c").bonds.largest for one in (wild, calm)
    ]
    assert largest[0] > 2
    assert largest[1] == 1


def test_the_pace_of_this_machine_is_a_bounded_ratio():
    assert 0.1 <= aer.pace() <= 10
    assert aer.threads() >= 1
