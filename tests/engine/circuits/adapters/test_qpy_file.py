import io
import os
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit, qpy

from app.engine.base.errors import BadInput, Limit, Missing, OutpostError
from app.engine.circuits.adapters import qpy_file
from app.engine.circuits.adapters.qiskit_read import read

TEXT = (
    'OPENQASM 3;\ninclude "stdgates.inc";\ngate foo(t) a, b { rx(t) a; cx a, b; }\nqubit[3] q;\nbit[2] c;\n'
    "foo(0.3) q[0], q[1];\nc[0] = measure q[0];\nif (c[0]) { x q[1]; }\nfor int i in [0:3] { h q[0]; }\n"
)
V3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


@pytest.fixture(scope="module")
def data():
    return qpy_file.dump(read(TEXT, "a"))


def test_a_circuit_comes_back_as_it_was_written(data, tmp_path):
    file = tmp_path / "a.qpy"
    file.write_bytes(data)
    circuit, name = qpy_file.opened({"file": str(file)})
    assert circuit == read(TEXT, "a")
    assert name == str(file)


def test_old_and_unknown_versions_and_other_encodings_are_refused_unread(data):
    for at, value in ((6, 12), (6, 99), (18, ord("e"))):
        damaged = bytearray(data)
        damaged[at] = value
        with pytest.raises(BadInput, match=r"a\.qpy: QPY version .* is not supported \(13 to"):
            qpy_file.load(bytes(damaged), "a.qpy")


def test_two_circuits_in_one_file_are_refused(data):
    damaged = bytearray(data)
    damaged[17] = 2
    with pytest.raises(BadInput, match="holds 2 circuits"):
        qpy_file.load(bytes(damaged), "a.qpy")


def test_a_file_that_is_missing_or_cut_is_told(data, tmp_path):
    with pytest.raises(Missing):
        qpy_file.opened({"file": str(tmp_path / "none.qpy")})
    with pytest.raises(BadInput, match="ends in its header"):
        qpy_file.load(data[:12], "cut")


def test_a_circuit_without_qubits_is_refused():
    with pytest.raises(BadInput, match="no qubits"):
        qpy_file.load(qpy_file.dump(QuantumCircuit(0)), "empty")


SIZES = st.one_of(st.integers(0, 12_000), st.integers(0, 2**32 - 1))


@st.composite
def headers(draw):
    """Return (bytes with a version and an encoding that are read, whether their sizes are allowed)."""
    version = draw(st.sampled_from([13, 14, 15, qpy_file.NEWEST]))
    programs = draw(st.one_of(st.just(1), st.integers(0, 2**64 - 1)))
    qubits, clbits, count = draw(SIZES), draw(SIZES), draw(st.one_of(SIZES, st.integers(0, 2**64 - 1)))
    body, cut = draw(st.binary(max_size=300)), draw(st.integers(-60, 3))
    header = struct.pack("!6sBBBBQc", qpy_file.MAGIC, version, 1, 0, 0, programs, b"p") + b"q"
    if version >= 16:
        header += struct.pack("!Q", len(header) + 8)
    whole = header + struct.pack("!HcHIIQIQ", 1, b"f", 8, qubits, clbits, 0, 0, count) + body
    data = whole[: len(whole) + cut] if cut < 0 else whole
    start = len(header) + struct.calcsize("!HcHIIQIQ")
    allowed = programs == 1 and len(data) >= start and max(qubits, clbits) <= 10_000 and count <= min(200_000, len(data))
    return data, allowed


@settings(max_examples=200, deadline=None)
@given(headers())
def test_sizes_that_a_header_tells_are_held_against_what_is_allowed(case):
    data, allowed = case
    if allowed:
        qpy_file._check(data, "f")
    else:
        with pytest.raises((BadInput, Limit), match=r"^f: "):
            qpy_file._check(data, "f")


def test_a_damaged_body_is_told_in_one_line(data):
    damaged = bytearray(data)
    damaged[60:64] = b"\xff" * 4
    with pytest.raises(OutpostError, match=r"^f\.qpy: ") as caught:
        qpy_file.load(bytes(damaged), "f.qpy")
    assert "\n" not in str(caught.value)


# A process of its own that forks for each body, as reading does with a process for each file: first Qiskit's reader alone, and
# only where that comes to an end well, as it is read here.
_FORKS = """
import os, pickle, signal, sys
from app.engine.base.errors import OutpostError
from app.engine.base.platform import limit_memory
from app.engine.circuits.adapters import qiskit_read, qpy_file
from app.engine.circuits.picture import picture_of

def whole(data):
    try:
        picture_of(qiskit_read.describe(qpy_file.load(data, "f.qpy")))
    except OutpostError as error:
        assert str(error).startswith("f.qpy") and chr(10) not in str(error), error

def ended(work, data):
    child = os.fork()
    if child == 0:
        limit_memory(4 << 30)
        signal.alarm(20)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            work(data)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]

qpy_file._tried = lambda data, name: None
for data in pickle.load(sys.stdin.buffer):
    try:
        qpy_file._check(data, "f.qpy")
    except OutpostError:
        print("refused")
        continue
    first = ended(lambda data: qpy_file.qpy.load(qpy_file.io.BytesIO(data)), data)
    print("damaged" if first else ended(whole, data))
"""


def bodies(count):
    """Return QPY files of several kinds of circuits and every version that is read, their bodies damaged in several ways."""
    rng = np.random.default_rng(5)
    kinds = [
        read(TEXT, "a"),
        QuantumCircuit(3, 2),
        read(V3 + "input float theta;\nqubit[2] q;\nrx(theta) q[0];\nbarrier q;", "b"),
    ]
    kinds[1].h(0)
    kinds[1].append(QuantumCircuit(2, name="inner").to_instruction(), [0, 2])
    kinds[1].unitary(np.eye(4), [0, 1])
    made = []
    for number in range(count):
        out = io.BytesIO()
        qpy.dump(kinds[number % 3], out, version=13 + number % (qpy_file.NEWEST - 12))
        damaged, start = bytearray(out.getvalue()), 40
        for _ in range(1 + number % 4):
            at, few = int(rng.integers(start, len(damaged))), int(rng.integers(1, 9))
            way = int(rng.integers(0, 5))
            if way == 0:
                damaged[at] = int(rng.integers(0, 256))
            elif way == 1:
                damaged[at] ^= 1 << int(rng.integers(0, 8))
            elif way == 2:
                damaged[at : at + few] = b"\xff" * few
            elif way == 3:
                del damaged[at : at + few]
            else:
                damaged[at:at] = rng.bytes(few)
        made.append(bytes(damaged))
    return made


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks, which this system cannot")
def test_damaged_bodies_behind_a_header_that_is_read_neither_crash_nor_hang():
    ran = subprocess.run(
        [sys.executable, "-c", _FORKS], input=pickle.dumps(bodies(40)), capture_output=True, check=False, cwd=qpy_file._ROOT
    )
    told = ran.stdout.decode().split()
    assert len(told) == 40, ran.stderr.decode()
    assert set(told) <= {"refused", "damaged", "0"}
    assert min(told.count("0"), told.count("damaged")) >= 4  # they get past the header, and some past the reader
