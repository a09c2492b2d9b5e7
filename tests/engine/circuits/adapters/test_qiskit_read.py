from pathlib import Path

import numpy as np
import pytest
from qiskit.quantum_info import Operator

from app.engine.base.errors import BadInput, OutpostError
from app.engine.circuits.adapters.qiskit_read import describe, read
from app.engine.circuits.picture import depth_of, picture_of
from app.engine.circuits.samples import FOLDER

DATA = Path(__file__).resolve().parents[5] / "shared" / "data" / "qasm"
V2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
V3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'

MALFORMED = [
    (V2 + "qreg q[2];\nfoo q[0];", 4, "'foo' is not defined"),
    ("OPENQASM 2.0;\nqreg q[2];\nh q[0];", 3, "include missing"),
    (V2 + "qreg q[2]\nh q[0];", 4, "needed ';'"),
    (V2 + "qreg q[2];\nh q[5];", 4, "out-of-range"),
    (V2 + "qreg q[2];\ncx q[0],q[0];", 4, "duplicate"),
    (V2 + "qreg q[1];\nrx(1/0) q[0];", 4, "divide by zero"),
    (V2 + "qreg q[1];\nmeasure q[0] -> c[0];", 4, "'c' is not defined"),
    (V2 + "qreg q[2];\ngate foo a { foo a; }\nfoo q[0];", 4, "'foo' is not defined"),
    (V3 + "qubit[2] q;\nfoo q[0];", 4, "'foo' is not defined"),
    (V3 + "qubit[2] q\nh q[0];", 4, "unexpected 'h'"),
    (V3 + "qubit[2] q;\nh q[5];", 4, "out of range"),
    (V3 + "qubit[2] q;\nrx(1/0) q[0];", 4, "division by zero"),
    (V3 + "qubit[2] q;\ndef f(int x) {}", 4, "not supported"),
    (V3 + "qubit[2] q;\nif (", 4, "end of the file"),
    (V3 + "qubit[2] q;\nfor int i in [1.5:3] { h q[0]; }", 4, "of a kind that cannot be used here"),
    (V2 + "qreg q[2];\nopaque foo a, b;\nh q[0];\nfoo q[0], q[1];", 6, "gate foo is opaque"),
    (V3 + "qubit[2] q;\nopaque foo a;", 4, "unexpected 'a'"),
    (V2 + "qreg q[2];\nbarrier q[1000000000000000000000000000000];", 4, "is out of range"),
    (V3 + "@#$ 33;", 3, "unexpected '@'"),
    (V3 + "const int n = 20000;\nqubit[n] q;", 4, "larger than"),
]


@pytest.mark.parametrize("text, line, part", MALFORMED)
def test_a_malformed_circuit_names_file_line_and_reason(text, line, part, capsys):
    with pytest.raises(BadInput) as caught:
        read(text, "bad.qasm")
    assert str(caught.value).startswith(f"bad.qasm, line {line}, column ")
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("text", ["OPENQASM 2.0;\n", "OPENQASM 3;\nbit c;\n"])
def test_a_circuit_without_qubits_is_refused(text):
    with pytest.raises(BadInput, match="no qubits"):
        read(text, "empty.qasm")


@pytest.mark.parametrize("seed", range(60))
def test_damaged_files_are_read_or_told_but_never_crash(seed):
    rng = np.random.default_rng(seed)
    source = sorted(FOLDER.glob("*.qasm"))[seed % 5].read_text()
    letters = list(source)
    for _ in range(1 + seed % 4):
        at = int(rng.integers(0, len(letters)))
        letters[at : at + int(rng.integers(0, 6))] = list(rng.choice(list("{}[]();0q@ \n\"'-"), int(rng.integers(0, 3))))
    try:
        picture_of(describe(read("".join(letters), "f.qasm")))
        told = "f.qasm"
    except OutpostError as error:
        told = str(error)
    assert told.startswith("f.qasm")


def test_the_four_qubit_transform_is_the_discrete_fourier_transform():
    matrix = Operator(read((FOLDER / "qft4.qasm").read_text(), "qft4")).data
    j, k = np.meshgrid(np.arange(16), np.arange(16), indexing="ij")
    assert np.allclose(matrix, np.exp(2j * np.pi * j * k / 16) / 4, atol=1e-12)


def test_controls_open_controls_and_targets_are_told_apart():
    text = V3 + "qubit[3] q;\nctrl(2) @ x q[0], q[1], q[2];\nnegctrl @ x q[2], q[0];\nswap q[0], q[1];\ncz q[0], q[1];"
    toffoli, negated, swap, cz = describe(read(text, "c")).ops
    assert (toffoli.name, toffoli.controls, toffoli.label) == ("ccx", 2, "X")
    assert (negated.name, negated.controls, negated.open_controls) == ("cx", 1, (2,))
    assert (swap.controls, swap.qubits) == (0, (0, 1))
    assert (cz.controls, cz.label) == (1, "Z")


def test_arms_of_a_condition_are_flattened_and_say_what_must_hold():
    text = V3 + "qubit[2] q;\nbit[2] c;\nif (c[0]) { x q[0]; } else { z q[1]; }\nif (c == 2) { if (c[1]) { h q[0]; } }"
    told = [(op.name, op.condition, op.clbits) for op in describe(read(text, "c")).ops]
    assert told == [("x", "c[0]", (0,)), ("z", "!c[0]", (0,)), ("h", "c=2 ∧ c[1]", (1, 0))]


def test_version_two_conditions_read_their_register():
    (op,) = describe(read(V2 + "qreg q[1];\ncreg c[2];\nif (c==3) x q[0];", "c")).ops
    assert (op.name, op.condition, op.clbits) == ("x", "c=3", (0, 1))


def test_loops_that_cannot_be_unrolled_are_boxes_that_say_how_often():
    text = V3 + "qubit[2] q;\nbit[1] c;\nfor int i in [0:4] { rx(0.1) q[0]; }\nwhile (c[0]) { c[0] = measure q[0]; }"
    loop, repeat = describe(read(text, "c")).ops
    assert (loop.name, loop.label) == ("for_loop", "5× (rx)")
    assert (repeat.name, repeat.label, repeat.clbits) == ("while_loop", "while c[0] (measure)", (0,))


def test_a_free_parameter_keeps_its_name():
    (op,) = describe(read(V3 + "input float theta;\nqubit q;\nrx(theta) q;", "c")).ops
    assert op.params == ("theta",)


def test_an_opaque_gate_that_is_not_used_does_no_harm():
    assert read(V2 + "opaque foo a;\nqreg q[1];\nh q[0];", "f").size() == 1


def test_a_delay_tells_its_seconds_and_one_in_cycles_of_a_device_none():
    ops = describe(read(V3 + "qubit q;\ndelay[200us] q;\ndelay[30ns] q;\ndelay[10dt] q;", "c")).ops
    assert [op.wait_s for op in ops] == [pytest.approx(2e-4), pytest.approx(3e-8), None]


FILES = sorted(DATA.glob("*.qasm")) if DATA.exists() else []


@pytest.mark.skipif(not FILES, reason="shared data is absent")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_published_circuits_are_read_with_the_depth_qiskit_counts(path):
    if path.stem == "vqe_uccsd_n4":  # its last lines measure a register it never declares
        with pytest.raises(BadInput, match=r"vqe_uccsd_n4.qasm, line 225, column \d+: 'q' is not defined"):
            read(path.read_text(), path.name)
        return
    circuit = read(path.read_text(), path.name)
    told = describe(circuit)
    assert depth_of(told) == circuit.depth()
    assert picture_of(told)["counts"] == dict(circuit.count_ops())
