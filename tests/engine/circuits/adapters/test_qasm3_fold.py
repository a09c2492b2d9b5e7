import numpy as np
import openqasm3
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator

from app.engine.base.errors import Limit
from app.engine.circuits.adapters import qasm3_fold
from app.engine.circuits.adapters.qasm3_fold import Folder
from app.engine.circuits.adapters.qiskit_read import describe, read

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


def names(body):
    return [(op.name, op.qubits) for op in describe(read(HEAD + body, "c")).ops]


@pytest.mark.parametrize(
    "loop, qubits",
    [
        ("for int i in [0:3] { h q[i]; }", [0, 1, 2, 3]),
        ("for uint i in [0:2:4] { h q[i]; }", [0, 2, 4]),
        ("for int i in [3:-1:0] { h q[i]; }", [3, 2, 1, 0]),
        ("for int i in {4, 0, 2} { h q[i]; }", [4, 0, 2]),
        ("for int i in [1:0] { h q[i]; }", []),
        ("for int i in [0:1] { for int j in [0:1] { h q[2 * i + j]; } }", [0, 1, 2, 3]),
        ("const int n = 2; for int i in [0:n] { h q[n * i % 5]; }", [0, 2, 4]),
        ("for int i in [0:1] { const int j = i + 3; h q[j]; }", [3, 4]),
    ],
)
def test_counted_loops_become_the_statements_they_stand_for(loop, qubits):
    assert names(f"qubit[5] q;\n{loop}") == [("h", (qubit,)) for qubit in qubits]


def test_a_chain_written_with_a_loop_is_the_chain_written_out():
    looped = read(HEAD + "const int n = 4;\nqubit[n] q;\nh q[0];\nfor int i in [0:n - 2] { cx q[i], q[i + 1]; }", "c")
    plain = QuantumCircuit(4)
    plain.h(0)
    for i in range(3):
        plain.cx(i, i + 1)
    assert np.allclose(Operator(looped).data, Operator(plain).data)


def test_constants_reach_angles_and_conditions():
    circuit = read(HEAD + "const float a = pi / 4;\nqubit q;\nbit[2] c;\nrx(2 * a) q;\nif (c == 1) { x q; }", "c")
    rx, x = describe(circuit).ops
    assert rx.params == (pytest.approx(np.pi / 2),)
    assert x.condition == "c=1"


def test_a_gate_may_have_parameters_named_like_a_constant():
    text = HEAD + "const int a = 3;\ngate twist(t) a { rz(t) a; }\nqubit[4] q;\ntwist(pi) q[a];"
    assert [(op.name, op.qubits) for op in describe(read(text, "c")).ops] == [("twist", (3,))]


def test_loops_that_make_too_much_are_refused(monkeypatch):
    monkeypatch.setattr(qasm3_fold, "MOST_STATEMENTS", 500)
    text = HEAD + "qubit[2] q;\nfor int i in [0:99999] { for int j in [0:99999] { h q[j - j + i - i]; } }"
    with pytest.raises(Limit, match=r"c.qasm, line 4, column 51: with its loops written out, it has more than"):
        read(text, "c.qasm")


def test_the_given_tree_stays_as_it_was():
    tree = openqasm3.parse(HEAD + "const int n = 2;\nqubit[n] q;\nfor int i in [0:1] { h q[i]; }")
    before = openqasm3.dumps(tree)
    Folder("c").program(tree)
    assert openqasm3.dumps(tree) == before
