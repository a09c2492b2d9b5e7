"""Which way to simulate a circuit, and the memory it takes: decided from plain data, before anything is allocated.

A state vector of n qubits holds 2^n complex doubles, 16 bytes each. A matrix product state (Vidal, 2003, "Efficient
classical simulation of slightly entangled quantum computations") holds per qubit two matrices of the bond dimensions
beside it; a two-qubit gate raises the bond of every cut it crosses by at most 4, and no bond exceeds 2^(wires on the
smaller side). A stabilizer tableau (Aaronson and Gottesman, 2004) holds 2n rows of 2n+1 bits.
"""

import itertools
from collections.abc import Sequence

from app.engine.base.errors import Limit
from app.engine.base.units import bytes_text, ratio_text
from app.engine.circuits import entangling
from app.engine.circuits.noise import LOOPS
from app.engine.circuits.records import Choice, Circuit

BYTES_PER_AMPLITUDE = 16
SHARE_OF_FREE = 0.6
MOST_STATEVECTOR_QUBITS = 26
_FOLLOWED_FROM = 19  # qubits; below, all amplitudes are so few that bonds do not matter
CLIFFORD = frozenset({
    "h", "x", "y", "z", "s", "sdg", "sx", "sxdg", "cx", "cy", "cz", "swap", "ecr", "id",
    "measure", "reset", "barrier", "delay",
})  # fmt: skip
_RANK_2 = frozenset({"cx", "cy", "cz", "ch", "crx", "cry", "crz", "cp", "cu", "cu1", "cu3", "rxx", "ryy", "rzz", "rzx", "csx"})


def is_clifford(circuit: Circuit) -> bool:
    """Tell whether every operation maps stabilizer states to stabilizer states; loops are not looked into."""
    return all(op.name in CLIFFORD for op in circuit.ops)


def statevector_bytes(qubits: int, *, single: bool = False) -> int:
    """Return the bytes of 2^`qubits` amplitudes in double or single precision."""
    return int(BYTES_PER_AMPLITUDE << qubits) >> int(single)


def tableau_bytes(qubits: int) -> int:
    """Return the bytes of a stabilizer tableau."""
    return 2 * qubits * (2 * qubits + 1) // 8 + 64


def bond_exponents(circuit: Circuit) -> list[int]:
    """Return for each of the n-1 cuts an upper bound of log2 of its bond dimension."""
    count = len(circuit.qubits)
    crossed = [0] * max(0, count - 1)
    for op in entangling.ops(circuit) if count >= _FOLLOWED_FROM else circuit.ops:
        if len(op.qubits) > 1 and op.name != "barrier":
            rank = count if op.name in LOOPS else 1 if op.name in _RANK_2 else 2 * (len(op.qubits) - 1)
            for cut in range(min(op.qubits), max(op.qubits)):
                crossed[cut] += rank
    return [min(total, cut + 1, count - 1 - cut) for cut, total in enumerate(crossed)]


def mps_bytes(exponents: Sequence[int]) -> int:
    """Return an upper bound of the bytes of a matrix product state whose bonds have these logarithms."""
    bonds = [0, *exponents, 0]
    return sum(BYTES_PER_AMPLITUDE << (1 + left + right) for left, right in itertools.pairwise(bonds))


def choose(circuit: Circuit, free_bytes: int) -> Choice:
    """Return how to simulate `circuit` with `free_bytes` of memory free; raise `Limit` with numbers if nothing fits."""
    count, room = len(circuit.qubits), int(free_bytes * SHARE_OF_FREE)
    full = statevector_bytes(count)
    if count > 1 and is_clifford(circuit) and tableau_bytes(count) <= room:
        return Choice("stabilizer", tableau_bytes(count), "only Clifford operations")
    if count <= MOST_STATEVECTOR_QUBITS and full <= room:
        return Choice("statevector", full, f"{count} qubits: all amplitudes fit")
    product = mps_bytes(bond_exponents(circuit))
    if product <= room and product <= full:
        return Choice("matrix_product_state", product, f"{count} qubits with little entanglement along the line")
    if full <= room:
        return Choice("statevector", full, f"{count} qubits: all amplitudes fit")
    raise Limit(
        "{qubits} qubits need {full} as amplitudes and up to {product} as a matrix product state; {free} are free and "
        "{share} of that may be used",
        qubits=count, full=amount_text(full), product=amount_text(product), free=amount_text(free_bytes),
        share=ratio_text(SHARE_OF_FREE), hint="Use fewer qubits, or fewer gates between distant ones.",
    )  # fmt: skip


def amount_text(count: int) -> str:
    """Return a byte count as text; beyond 1,000 TiB as a power of two."""
    return bytes_text(count) if count < 10**15 else f"2^{count.bit_length() - 1} bytes"
