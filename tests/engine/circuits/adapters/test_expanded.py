"""Short files that stand for more than there is room for: refused at once, whichever version and modifier says it."""

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Instruction

from app.engine.base.errors import BadInput, Limit
from app.engine.circuits.adapters import aer, expanded, qpy_file
from app.engine.circuits.adapters.qiskit_read import describe, read

V2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\n'
V3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\n'


def doubling(levels, angle=""):
    """Return definitions each of which uses the one before twice."""
    given = angle and "(t)"
    first = f"gate g0{given} a {{ rx({angle or 1}) a; }}\n"
    return first + "".join(f"gate g{n}{given} a {{ g{n - 1}{given} a; g{n - 1}{given} a; }}\n" for n in range(1, levels + 1))


@pytest.mark.parametrize("text", [V2 + doubling(40) + "g40 q[0];", V2 + doubling(40, "t") + "g40(0.1) q[0];"])
def test_definitions_that_double_at_every_level_are_refused_at_once(text):
    with pytest.raises(Limit, match=r"f\.qasm: its definitions and loops make more than the 200,?000 operations"):
        read(text, "f.qasm")


@pytest.mark.parametrize("text", [
    V3 + doubling(40) + "g40 q[0];",
    V3 + doubling(40, "t"),  # the importer opens what is only defined
    V3 + doubling(40) + "inv @ g40 q[0];",
    V3 + doubling(40) + "ctrl @ g40 q[0], q[1];",
    V3 + doubling(10) + "gate more a { pow(100000) @ g10 a; }\nmore q[0];",
    V3 + doubling(14) + "g14 q[0];",  # far below what version 2 may open
    V3.replace("[2]", "[10000]") + doubling(6) + "g6 q;",
    V3.replace("[2]", "[10000]") + doubling(6) + "g6 q[0:9999];",
    V3.replace("[2]", "[10000]") + "let a = q[0:9999];\n" + doubling(6) + "g6 a;",
])  # fmt: skip
def test_version_three_copies_definitions_as_it_reads_so_it_refuses_far_fewer(text):
    with pytest.raises(Limit, match=r"f\.qasm: its gates are defined by more than 15,?000 operations, each of which is copied"):
        read(text, "f.qasm")


@pytest.mark.parametrize("text", [
    V3.replace("[2]", "[10000]") + "h q;\n" * 11,
    V3.replace("[2]", "[10000]") + "barrier q;\n" * 11,
    V3.replace("[2]", "[10000]") + "bit[10000] c;\n" + "c = measure q;\nreset q;\n" * 6,
    V2.replace("[2]", "[10000]") + "h q;\n" * 21,
    V2.replace("[2]", "[10000]") + "barrier q;\n" * 21,
    V2.replace("[2]", "[10000]") + "creg c[10000];\n" + "measure q -> c;\n" * 11,
])  # fmt: skip
def test_whole_registers_named_again_and_again_are_refused_with_the_line(text):
    with pytest.raises(Limit, match=r"f\.qasm, line \d+, column \d+: statements on whole registers make more than [12]00,?000"):
        read(text, "f.qasm")


@pytest.mark.parametrize("text", [
    "OPENQASM 2.0;\n" + "".join(f"qreg q{n}[10000];\n" for n in range(11)),
    "OPENQASM 3;\n" + "".join(f"qubit[10000] q{n};\n" for n in range(11)),
    "OPENQASM 3;\nconst int n = 10000;\n" + "".join(f"qubit[n] q{n};\n" for n in range(11)),
])  # fmt: skip
def test_registers_that_are_too_many_together_are_refused_with_the_line(text):
    with pytest.raises(BadInput, match=r"f\.qasm, line 1[123], column \d+: registers of 110,?000 are larger than"):
        read(text, "f.qasm")


def test_gates_whose_own_names_are_those_of_registers_stand_for_no_register():
    text = V2.replace("[2]", "[10000]") + "gate g q { " + "h q; " * 30 + "}\ng q[0];"
    assert len(read(text, "f").data) == 1


@pytest.mark.parametrize("head", [V2, V3])
def test_definitions_that_stay_small_are_read_and_opened(head):
    circuit = read(head + doubling(6) + "g6 q[0];", "f")
    assert aer.lowered(circuit, "f").size() == 64


def test_definitions_of_a_chain_that_never_ends_are_told():
    chain = "gate g0 a { x a; }\n" + "".join(f"gate g{n} a {{ g{n - 1} a; }}\n" for n in range(1, 3000))
    with pytest.raises(BadInput, match="nested too deeply"):
        read(V2 + chain + "g2999 q[0];", "f")


def test_a_range_of_any_length_is_told_but_not_run():
    circuit = read(V3 + "for int i in [0:200000000] { x q[0]; }", "f")
    assert describe(circuit).ops[0].label == "200000001× (x)"
    with pytest.raises(Limit, match="make more than"):
        aer.lowered(circuit, "f")


def test_a_wait_of_version_two_is_one_gate_however_long_it_is_said_to_be():
    (op,) = describe(read(V2 + "u0(1000000000) q[0];", "f")).ops
    assert op.name == "id"


def test_the_same_definition_in_a_file_of_qiskit_is_refused():
    inner = QuantumCircuit(1, name="g0")
    inner.x(0)
    for level in range(1, 13):
        outer, used = QuantumCircuit(1, name=f"g{level}"), Instruction(inner.name, 1, 0, [])
        used.definition = inner  # the same one each time: copies would be as many as there are operations
        for _ in range(3):
            outer.append(used, [0], copy=False)
        inner = outer
    with pytest.raises(Limit, match="make more than"):
        expanded.check(inner, "f")
    small = QuantumCircuit(1)
    small.append(QuantumCircuit(1, name="g0").to_instruction(), [0])
    assert qpy_file.load(qpy_file.dump(small), "f").num_qubits == 1
