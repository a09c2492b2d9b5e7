import pytest
from qiskit.quantum_info import Operator

from app.engine.base.errors import BadInput
from app.engine.circuits.adapters import qasm_out, qpy_file
from app.engine.circuits.adapters.qiskit_read import read
from app.engine.circuits.document import from_json, qasm

V3 = 'OPENQASM 3;\ninclude "stdgates.inc";\n'
TEXT = V3 + "gate foo a, b { h a; cx a, b; }\nqubit[2] q;\nfoo q[0], q[1];\nrz(0.25) q[1];\n"


@pytest.mark.parametrize("form", ["qasm2", "qasm3"])
def test_a_circuit_keeps_its_meaning_in_either_text(form):
    source = read(TEXT, "a")
    again = read(qasm_out.written(source, form, "a").decode(), "b")
    assert Operator(again).equiv(Operator(source))


def test_what_openqasm_2_cannot_hold_is_told():
    loop = read(V3 + "qubit q;\nbit c;\nwhile (c) { h q; c = measure q; }\n", "w")
    with pytest.raises(BadInput, match=r"w\.qasm: cannot be written as qasm2"):
        qasm_out.written(loop, "qasm2", "w.qasm")
    document, why_not = qasm_out.editable(loop)
    assert document is None
    assert why_not.startswith("It holds ")


def test_own_gates_become_gates_of_the_catalogue():
    source = read(TEXT, "a")
    document, why_not = qasm_out.editable(source)
    assert why_not == ""
    assert [op["name"] for op in document["ops"]] == ["h", "cx", "rz"]
    assert Operator(read(qasm(from_json(document)), "b")).equiv(Operator(source))


def test_a_qpy_file_is_told_as_text(tmp_path):
    file = tmp_path / "a.qpy"
    file.write_bytes(qpy_file.dump(read(TEXT, "a")))
    assert "OPENQASM 3" in qasm_out.text_of(read(TEXT, "a"), {"file": str(file)})


def test_free_angles_go_to_the_editor_and_back_and_computed_ones_do_not():
    text = 'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float theta;\nqubit[1] q;\nrx(theta) q[0];\n'
    made, why_not = qasm_out.editable(read(text, "c"))
    assert why_not == ""
    assert qasm(from_json(made)) == text
    made, why_not = qasm_out.editable(read(text.replace("rx(theta)", "rx(2 * theta)"), "c"))
    assert made is None
    assert why_not == "It computes with free parameters."


def test_what_is_kept_can_be_read_again_in_version_two_where_three_would_be_refused():
    definitions = "gate g0 a { x a; }\n" + "".join(f"gate g{n} a {{ g{n - 1} a; g{n - 1} a; }}\n" for n in range(1, 14))
    for levels, version in ((3, b"OPENQASM 3"), (13, b"OPENQASM 2")):
        found = read(f'OPENQASM 2.0;\ninclude "qelib1.inc";\n{definitions}qreg q[1];\ng{levels} q[0];', "f")
        data = qasm_out.kept(found, "f")
        assert data.startswith(version)
        assert read(data.decode(), "f").size() == 1
