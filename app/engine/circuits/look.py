"""What the pictures of a state need, after any step of a circuit and under decoherence: amplitudes, vectors, correlations.

Decoherence acts on each qubit by itself, so it commutes with taking a partial trace: what one, two or five qubits show is exact
however many there are. Probabilities of all outcomes follow it up to `MOST_MIXED` qubits and are ideal beyond, which is told.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Stop, never
from app.engine.base.errors import BadInput, Cancelled, Limit
from app.engine.circuits import channels, measures, states
from app.engine.circuits.records import Circuit

MOST_QUBITS: Final = 20
MOST_MIXED: Final = 7
MOST_DENSITY: Final = 5
MOST_ROWS: Final = 256
MOST_CUT: Final = 14  # qubits whose state is cut in the middle


def look(
    circuit: Circuit, *, upto: int | None = None, seed: int = 0, noise: Mapping[str, float] | None = None,
    keep: Sequence[int] = (), stop: Stop = never,
) -> dict[str, Any]:  # fmt: skip
    """Return the pictures' document of the state after `upto` operations; raises `Limit` beyond `MOST_QUBITS`.

    `noise` has t_us, t1_us, t2_us and depolarised (0 to 1); `keep` are the qubits of the density matrix, at most five.
    """
    count = len(circuit.qubits)
    if not 0 < count <= MOST_QUBITS:
        raise Limit("States are drawn for 1 to {most} qubits, not {count}", most=MOST_QUBITS, count=count)
    kept = _kept(keep, count)
    state, exact = states.evolve(circuit, upto=upto, seed=seed, stop=stop)
    pairs = {pair: _noisy(rho, noise) for pair, rho in _pairs(state, count, stop).items()}
    single = [measures.reduced(pairs[0, qubit or 1], [int(qubit > 0)]) for qubit in range(count)] if pairs else []
    single = single or [_noisy(measures.reduced(state, [0]), noise)]
    ideal = _block(state, kept)
    density = _noisy(ideal, noise)
    mixed = noise is not None and count <= MOST_MIXED
    odds = _noisy(measures.density(state), noise).diagonal().real if mixed else states.probabilities(state)
    return {
        "schema": 1, "qubits": list(circuit.qubits), "operations": len(circuit.ops),
        "upto": len(circuit.ops) if upto is None else upto, "exact": exact, "noisy": noise is not None,
        "odds_noisy": mixed, "amplitudes": _amplitudes(state, np.asarray(odds)),
        "bloch": [[_round(value) for value in measures.bloch(rho, 0)] for rho in single],
        "information": _information(single, pairs),
        "density": {"qubits": kept, "real": _table(density.real), "imag": _table(density.imag)},
        "measures": _measures(state, density, single, pairs, None if noise is None else ideal),
    }  # fmt: skip


def _kept(keep: Sequence[int], count: int) -> list[int]:
    kept = list(dict.fromkeys(keep)) or list(range(min(count, MOST_DENSITY)))
    if len(kept) > MOST_DENSITY:
        raise BadInput("A density matrix is told for up to {most} qubits", field="keep", most=MOST_DENSITY)
    for qubit in kept:
        if not 0 <= qubit < count:
            raise BadInput("There is no qubit {qubit}; the last one is {last}", field="keep", qubit=qubit, last=count - 1)
    return kept


def _noisy(rho: NDArray[Any], noise: Mapping[str, float] | None) -> measures.Array:
    if noise is None:
        return np.asarray(rho, np.complex128)
    return channels.decohered(
        rho, t_us=noise["t_us"], t1_us=noise["t1_us"], t2_us=min(noise["t2_us"], 2 * noise["t1_us"]),
        depolarised=noise["depolarised"],
    )  # fmt: skip


def _pairs(state: states.State, count: int, stop: Stop) -> dict[tuple[int, int], measures.Array]:
    """Return the density matrix of every two qubits: the whole state is gone through once for five qubits, not for two."""
    found: dict[tuple[int, int], measures.Array] = {}
    for block in _blocks(count):
        if stop():
            raise Cancelled("Cancelled")
        rho = _block(state, block)
        for low, high in itertools.combinations(range(len(block)), 2):
            found[block[low], block[high]] = measures.reduced(rho, [low, high])
    return dict(sorted(found.items()))


def _blocks(count: int) -> list[list[int]]:
    """Return sets of up to five of `count` qubits, each two of them in just one set.

    They are the lines of the projective plane of order 4, from Singer's difference set {0, 1, 4, 14, 16} modulo 21.
    """
    if count <= MOST_DENSITY:
        return [list(range(count))]
    lines = (sorted((shift + start) % 21 for start in (0, 1, 4, 14, 16)) for shift in range(21))
    cut = ([point for point in line if point < count] for line in lines)
    return [line for line in cut if len(line) > 1]


def _block(state: states.State, keep: Sequence[int]) -> measures.Array:
    """Return the density matrix of a few qubits in the precision of the state; the first becomes qubit 0."""
    count = state.size.bit_length() - 1
    axes = [count - 1 - qubit for qubit in reversed(keep)]
    rest = [axis for axis in range(count) if axis not in axes]
    matrix = state.reshape((2,) * count).transpose(axes + rest).reshape(1 << len(keep), -1)
    return np.asarray(matrix @ matrix.conj().T, np.complex128)


def _round(value: float) -> float:
    return round(float(value), 9) + 0.0


def _table(values: NDArray[Any]) -> list[list[float]]:
    return [[_round(value) for value in row] for row in values]


def _amplitudes(state: states.State, odds: NDArray[np.float64]) -> list[list[float]]:
    """Return [number, probability, phase in radians] of the most probable outcomes, in the order of their numbers."""
    least = np.partition(odds, -MOST_ROWS)[-MOST_ROWS] if odds.size > MOST_ROWS else 0.0
    above = np.flatnonzero(odds > least)
    most = np.sort(np.concatenate([above, np.flatnonzero(odds == least)[: MOST_ROWS - above.size]]))
    return [
        [int(at), _round(odds[at]), _round(np.angle(state[at])) if abs(state[at]) > 1e-9 else 0.0]
        for at in most if odds[at] > 1e-12
    ]  # fmt: skip


def _information(single: list[measures.Array], pairs: Mapping[tuple[int, int], measures.Array]) -> list[list[float]]:
    own = [measures.entropy(rho) for rho in single]
    table = [[own[row] if row == column else 0.0 for column in range(len(own))] for row in range(len(own))]
    for (low, high), rho in pairs.items():
        table[low][high] = table[high][low] = _round(max(0.0, own[low] + own[high] - measures.entropy(rho)))
    return [[_round(value) for value in row] for row in table]


def _measures(
    state: states.State, density: measures.Array, single: list[measures.Array],
    pairs: Mapping[tuple[int, int], measures.Array], ideal: measures.Array | None,
) -> dict[str, float]:  # fmt: skip
    told = {"purity": measures.purity(density), "entropy_bits": measures.entropy(density)}
    if ideal is not None:
        told |= {"fidelity": measures.fidelity(ideal, density), "trace_distance": measures.trace_distance(ideal, density)}
    if len(single) == 2:
        told |= {
            "concurrence": measures.concurrence(pairs[0, 1]), "negativity": measures.negativity(pairs[0, 1], [0]),
        }  # fmt: skip
    if 1 < len(single) <= MOST_CUT and ideal is None:
        half = list(range(len(single) // 2))
        levels = measures.schmidt(np.asarray(state, np.complex128), half) ** 2
        told["cut_entropy_bits"] = float(max(0.0, -(levels[levels > 1e-15] * np.log2(levels[levels > 1e-15])).sum()))
    return {name: _round(value) for name, value in told.items()}
