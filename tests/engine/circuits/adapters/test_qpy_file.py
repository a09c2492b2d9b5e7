import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit

from app.engine.base.errors import BadInput, Limit, Missing, OutpostError
from app.engine.circuits.adapters import qpy_file
from app.engine.circuits.adapters.qiskit_read import read

TEXT = (
    'OPENQASM 3;\ninclude "stdgates.inc";\ngate foo(t) a, b { rx(t) a; cx a, b; }\nqubit[3] q;\nbit[2] c;\n'
    "foo(0.3) q[0], q[1];\nc[0] = measure q[0];\nif (c[0]) { x q[1]; }\nfor int i in [0:3] { h q[0]; }\n"
)


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


@pytest.mark.parametrize("seed", range(5))
def test_damaged_bodies_neither_crash_nor_hang(data, seed, monkeypatch):
    monkeypatch.setattr(qpy_file, "MOST_SECONDS", 8.0)
    rng = np.random.default_rng(seed)
    damaged = bytearray(data)
    for at in rng.integers(40, len(damaged), 3):
        damaged[at] = int(rng.integers(0, 256))
    try:
        told = str(qpy_file.load(bytes(damaged), "f.qpy").name)
    except OutpostError as error:
        told = str(error)
    assert told.startswith("f.qpy")
