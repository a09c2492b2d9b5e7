"""Samples Clifford circuits that measure at their end: from the stabilizer group alone, thousands of qubits at a time.

Gottesman (1998), "The Heisenberg representation of quantum computers"; Aaronson and Gottesman (2004) for signs. The group's
n generators are followed gate by gate, bits packed 64 to a word over the rows. Measured in the Z basis, a stabilizer state is
uniform over an affine space (Dehaene and De Moor, 2003): generators made of Z alone fix sums of bits, the X parts of the
others span the directions. One elimination finds both, and every shot is then a random sum of directions.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.circuits.records import Circuit, Op

Bits: TypeAlias = NDArray[np.uint8]
Words: TypeAlias = NDArray[np.uint64]
# Each gate as steps of H, S and CX on its qubits, in order; Paulis are spelled out, as global phases are not seen.
_STEPS: dict[str, str] = {
    "id": "", "h": "h0", "s": "s0", "z": "s0 s0", "sdg": "s0 s0 s0", "x": "h0 s0 s0 h0", "y": "s0 s0 h0 s0 s0 h0",
    "sx": "h0 s0 h0", "sxdg": "h0 s0 s0 s0 h0", "cx": "c01", "cz": "h1 c01 h1", "cy": "s1 s1 s1 c01 s1",
    "swap": "c01 c10 c01", "ecr": "s0 h1 s1 h1 c01 h0 s0 s0 h0",
}  # fmt: skip
# Turns as steps: s0:1 is as many S on qubit 0 as the second angle has quarters, s0:-1 as many backwards, d is S backwards.
_TURNS: dict[str, str] = {
    "rz": "s0:0", "p": "s0:0", "u1": "s0:0", "rx": "h0 s0:0 h0", "ry": "d0 h0 s0:0 h0 s0",
    "r": "s0:-1 h0 s0:0 h0 s0:1", "u2": "s0:1 d0 h0 s0 h0 s0 s0:0",
    "u": "s0:2 d0 h0 s0:0 h0 s0 s0:1", "u3": "s0:2 d0 h0 s0:0 h0 s0 s0:1",
    "rzz": "c01 s1:0 c01", "rzx": "h1 c01 s1:0 c01 h1", "rxx": "h0 h1 c01 s1:0 c01 h0 h1",
}  # fmt: skip
_CLOSE = 1e-9
CHUNK = 4096  # shots drawn at a time
_PASSED = frozenset({"barrier", "delay"})
_MARKS = frozenset({"barrier", "delay", "measure", "reset"})


def fits(circuit: Circuit) -> bool:
    """Tell whether only known Clifford gates occur, unconditioned, and nothing follows a qubit's or bit's measurement."""
    closed: set[int] = set()
    written: set[int] = set()
    for op in circuit.ops:
        if op.name in _PASSED:
            continue
        if op.condition or not closed.isdisjoint(op.qubits):
            return False
        if op.name == "measure":
            if not written.isdisjoint(op.clbits):
                return False
            closed.update(op.qubits)
            written.update(op.clbits)
        elif op.name not in _STEPS:
            return False
    return bool(written)


def follows(circuit: Circuit) -> bool:
    """Tell whether only Clifford gates and quarter turns occur, unconditioned, measured and reset anywhere."""
    return any(op.name == "measure" for op in circuit.ops) and all(
        not op.condition and (op.name in _STEPS or op.name in _MARKS or (op.name in _TURNS and _is_quarter(op)))
        for op in circuit.ops
    )


def _is_quarter(op: Op) -> bool:
    """Tell whether a turn is one by multiples of a quarter; of the angles of one, all count."""
    return not op.open_controls and all(quarters(value) is not None for value in op.params)


def named(circuit: Circuit) -> Circuit:
    """Return `circuit` with turns by multiples of a quarter written as the Clifford gates they are, up to global phases."""
    ops: list[Op] = []
    for op in circuit.ops:
        ops += quartered(op)
    return replace(circuit, ops=tuple(ops))


def turned(circuit: Circuit) -> Circuit:
    """Return `circuit` as `named` when it `follows`, else as it is."""
    return named(circuit) if follows(circuit) else circuit


def quartered(op: Op) -> list[Op]:
    """Return a turn by multiples of a quarter as the Clifford gates it is, anything else as it is."""
    if op.name not in _TURNS:
        return [op]
    turns = [quarters(value) for value in op.params]
    if op.condition or op.open_controls or any(turn is None for turn in turns):
        return [op]
    made = []
    for step in _TURNS[op.name].split():
        gate, _, which = step.partition(":")
        times = 1
        if which:
            turn = turns[int(which.lstrip("-"))] or 0
            times = (-turn if which.startswith("-") else turn) % 4
        at = gate.lstrip("hscdg")
        made += [Op({"c": "cx", "d": "sdg"}.get(gate[0], gate[0]), tuple(op.qubits[int(one)] for one in at))] * times
    return made


def quarters(value: float | str) -> int | None:
    """Return an angle in quarter turns, 0 to 3, or None when it is no multiple of one."""
    if isinstance(value, str) or not math.isfinite(value):
        return None
    turn = value / (math.pi / 2)
    return round(turn) % 4 if abs(turn - round(turn)) < _CLOSE else None


class Group:
    """The stabilizers of |0...0> under gates: `x` and `z` hold a row per qubit, a bit per generator; `sign` a bit each."""

    def __init__(self, qubits: int) -> None:
        words = -(-qubits // 64)
        self.count = qubits
        self.x: Words = np.zeros((qubits, words), np.uint64)
        self.z: Words = np.zeros((qubits, words), np.uint64)
        self.sign: Words = np.zeros(words, np.uint64)
        at = np.arange(qubits)
        self.z[at, at // 64] = np.uint64(1) << (at % 64).astype(np.uint64)

    def gate(self, op: Op) -> None:
        """Follow one gate; the signs are those of Aaronson and Gottesman's table."""
        for step in _STEPS[op.name].split():
            a = op.qubits[int(step[1])]
            if step[0] == "c":
                b = op.qubits[int(step[2])]
                self.sign ^= self.x[a] & self.z[b] & ~(self.x[b] ^ self.z[a])
                self.x[b] ^= self.x[a]
                self.z[a] ^= self.z[b]
                continue
            self.sign ^= self.x[a] & self.z[a]
            if step[0] == "h":
                self.x[[a]], self.z[[a]] = self.z[[a]], self.x[[a]]
            else:
                self.z[a] ^= self.x[a]

    def rows(self) -> tuple[Words, Words, Bits]:
        """Return X parts and Z parts (generators, words of qubits) and a sign per generator, 0 or 1."""
        x, z = (_closed(_opened(part, self.count).T) for part in (self.x, self.z))
        return x, z, _opened(self.sign[None], self.count)[0].copy()


def _opened(words: Words, count: int) -> Bits:
    return np.unpackbits(np.ascontiguousarray(words, "<u8").view(np.uint8), axis=-1, bitorder="little")[..., :count]


def _closed(bits: Bits) -> Words:
    padded = np.zeros((bits.shape[0], -(-bits.shape[1] // 64) * 64), np.uint8)
    padded[:, : bits.shape[1]] = bits
    return np.packbits(padded, axis=-1, bitorder="little").view("<u8").astype(np.uint64)


def _times(rows: tuple[Words, Words, Bits], onto: NDArray[np.intp], by: int) -> None:
    """Multiply the generators `onto` by generator `by`, signs included."""
    x, z, sign = rows
    x1, z1, x2, z2 = x[by], z[by], x[onto], z[onto]
    # XY, YZ and ZX bring a factor i, their reverses -i; over commuting generators the sum of powers is 0 or 2 mod 4.
    y1, y2 = x1 & z1, x2 & z2
    up = (x1 & ~z1 & y2) | (y1 & ~x2 & z2) | (~x1 & z1 & x2 & ~z2)
    down = (y1 & x2 & ~z2) | (~x1 & z1 & y2) | (x1 & ~z1 & ~x2 & z2)
    turn = (np.bitwise_count(up).sum(1, dtype=np.int64) - np.bitwise_count(down).sum(1, dtype=np.int64)) % 4
    sign[onto] ^= sign[by] ^ (turn == 2).astype(np.uint8)
    x[onto] ^= x1
    z[onto] ^= z1


def _reduce(rows: tuple[Words, Words, Bits], part: int, first: int, count: int) -> tuple[int, list[int]]:
    """Bring the X parts (`part` 0) or Z parts (1) of the rows from `first` on to reduced form; return their end and pivots."""
    block, pivots, top = rows[part], list[int](), first
    for column in range(count):
        if top == count:
            break
        held = np.flatnonzero((block[first:, column // 64] >> np.uint64(column % 64)) & np.uint64(1)) + first
        below = held[held >= top]
        if not len(below):
            continue
        pivot = int(below[0])
        for each in rows:
            each[[top, pivot]] = each[[pivot, top]]
        # The row that stood on top had no such bit, so the pivot's old place has none now.
        _times(rows, held[(held != pivot) & (held != top)], top)
        pivots.append(column)
        top += 1
    return top, pivots


def space(circuit: Circuit) -> tuple[Bits, Bits]:
    """Return one possible outcome (n,) and the directions (k, n) that lead from it to all others, each equally likely."""
    group = Group(len(circuit.qubits))
    for op in circuit.ops:
        if op.name in _STEPS:
            group.gate(op)
    rows = group.rows()
    free, _ = _reduce(rows, 0, 0, group.count)
    end, pivots = _reduce(rows, 1, free, group.count)
    origin = np.zeros(group.count, np.uint8)
    origin[pivots] = rows[2][free:end]
    return origin, _opened(rows[0][:free], group.count)


def sample(circuit: Circuit, shots: int, rng: np.random.Generator) -> Bits:
    """Return outcomes (shots, bits) of a circuit that `fits`; bits nobody writes stay 0."""
    origin, directions = space(circuit)
    bits = np.zeros((shots, len(circuit.clbits)), np.uint8)
    measured = [op for op in circuit.ops if op.name == "measure"]
    into = [bit for op in measured for bit in op.clbits]
    of = [qubit for op in measured for qubit in op.qubits]
    lines = directions.astype(np.float32)
    for start in range(0, shots, CHUNK):
        size = min(CHUNK, shots - start)
        picked = rng.integers(0, 2, (size, len(lines)), np.uint8).astype(np.float32)
        # Sums of zeros and ones below 2^24 are exact in single precision, and run on the fast path of matrix products.
        moved = ((picked @ lines).astype(np.int32) & 1).astype(np.uint8)
        bits[start : start + size, into] = (origin[None] ^ moved)[:, of]
    return bits


def keys(bits: Bits, sizes: Sequence[int]) -> dict[str, int]:
    """Return counts by bit string as Qiskit writes it: the last register first, its last bit first, a space between."""
    rows, counts = np.unique(bits, axis=0, return_counts=True)
    ends = np.cumsum([0, *sizes])
    parts = [(int(ends[at]), int(ends[at + 1])) for at in reversed(range(len(sizes)))]
    told = {}
    for row, count in zip(rows, counts, strict=True):
        text = (row + ord("0")).astype(np.uint8).tobytes().decode("ascii")
        told[" ".join(text[start:end][::-1] for start, end in parts)] = int(count)
    return told
