"""Which simulator runs a circuit: every one's memory and time predicted, the fastest that fits chosen, the others told.

Times are estimates from constants measured on one core: operations times amplitudes for a state vector, swaps and the cube of
the bonds for a matrix product state, shots times the square of the width for a tableau measured shot by shot. Under
noise a density matrix takes all errors at once, a trajectory draws one of each and is run for every shot.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from app.engine.base.errors import BadInput, Limit
from app.engine.base.text import tr
from app.engine.circuits import clifford, method
from app.engine.circuits.gates import GATES, OTHERS
from app.engine.circuits.noise import LOOPS, Noise, hits
from app.engine.circuits.records import Choice, Circuit

AUTO: Final = "auto"
SIMULATORS: Final = ("stim", "clifford", "stabilizer", "qsim", "statevector", "matrix_product_state")
NOISY: Final = ("stim", "stabilizer", "density_matrix", "trajectories")
FRAMES: Final = ("stim", "clifford")  # those that follow quarter turns as the Clifford gates they are
_START_S: Final = 0.004
# Seconds per amplitude on one core of the machine they were measured on; see `Ask.pace`.
_LONE_S: Final = 4e-9  # gates of one qubit by themselves
_PLAIN_S: Final = 5.5e-9  # gates of two qubits that are joined, when none turns a qubit between 0 and 1
_MIXED_S: Final = 1.25e-8  # the same, when one does
_TWO_S: Final = 5e-9  # a gate that is not joined
_BASE_S: Final = 6e-8  # laying out the state and drawing from it
_OP_S: Final = 2.5e-5  # handing an operation over
_QSIM_SHARE: Final = 0.07  # of the time per amplitude that Aer takes
_QSIM_OP_S: Final = 1.2e-5
_SVD_S: Final = 1.4e-8  # times the cube of the bond
_PAIR_S: Final = 9e-5  # a gate of two qubits on a matrix product state
_SWAP_S: Final = 2e-5  # bringing them one place nearer to each other before
_DRAW_S: Final = 3.7e-6  # a qubit of one shot from a matrix product state
_DRAW_ALONE_S: Final = 9e-7  # one that is entangled with none
_DRAW_BOND_S: Final = 3.3e-8  # times the square of the bond
_THREADED_FROM: Final = 14
_MOST_EXPONENT: Final = 60
_MIXING: Final = frozenset({"h", "sx", "sxdg", "rx", "ry", "r", "u", "u2", "u3", "rxx", "ryy", "rzx"})
_FREE: Final = frozenset({"measure", "barrier", "id", "delay"})
_QSIM_KNOWN: Final = _FREE | OTHERS.keys()
_STIM_SHOTS: Final = 1 << 14  # drawn at a time
_TRIALS: Final = (64, 32, 16, 8, 4, 2)
_TRIAL_SHARE: Final = 0.06
_LEAST_TRIED_S: Final = 0.3
_MOST_TRIAL_S: Final = 60.0
_SINGLE_STEP: Final = 6e-7  # what a gate may add to the error of an amplitude in single precision


@dataclass(frozen=True)
class Ask:
    """What is asked of a simulator beyond the circuit: runs, noise, and the largest bond (0: as large as needed).

    `pace` is how much slower this machine is than the one the constants are from; `threads` share the amplitudes; `extras`
    are the simulators installed beside those there always are.
    """

    shots: int
    noise: Noise | None = None
    bond: int = 0
    pace: float = 1.0
    threads: int = 1
    extras: frozenset[str] = frozenset()

    def shared(self, qubits: int) -> float:
        """Return by how much threads speed up work on all amplitudes of `qubits`."""
        return float(self.threads**0.7) if qubits >= _THREADED_FROM else 1.0


@dataclass(frozen=True)
class Offer:
    """What one simulator would need for a circuit: bytes at most, an estimate of seconds; `reason` is empty when it can."""

    simulator: str
    memory_bytes: int
    wall_s: float
    reason: str = ""

    def told(self) -> dict[str, Any]:
        """Return the offer as a document; what no float holds is cut off."""
        seconds = min(self.wall_s, 1e15)
        return {
            "simulator": self.simulator,
            "memory_bytes": min(self.memory_bytes, 2**62),
            "wall_s": seconds,
            "why_not": self.reason,
        }


def single(circuit: Circuit, shots: int) -> bool:
    """Tell whether single precision errs far less than the counts of so many shots scatter."""
    return 10 * _SINGLE_STEP * len(circuit.ops) * math.sqrt(shots) < 1


def repeats(circuit: Circuit, shots: int) -> int:
    """Return how often the circuit must be followed: once when it only measures at its end."""
    closed: set[int] = set()
    for op in circuit.ops:
        if op.condition or op.name in LOOPS or op.name == "reset" or not closed.isdisjoint(op.qubits):
            return shots
        if op.name == "measure":
            closed.update(op.qubits)
    return 1


def _stim(circuit: Circuit, ask: Ask) -> tuple[int, float, str]:
    count, bits, shots = len(circuit.qubits), len(circuit.clbits), ask.shots
    read = sum(op.name == "measure" for op in circuit.ops)
    memory = 4 * shots * bits + min(shots, _STIM_SHOTS) * read + count * count + 200 * len(circuit.ops)
    work = len(circuit.ops) + (hits(circuit, ask.noise) if ask.noise is not None else 0)
    seconds = 2e-3 + 2.5e-6 * work + 5e-9 * count**2 + shots * (2e-10 * work + 2e-8 * (read + bits))
    if "stim" not in ask.extras:
        return memory, seconds, tr("stim is not installed (extra stim)")
    if not clifford.follows(circuit):
        return memory, seconds, tr("only for Clifford gates without conditions")
    fine = ask.noise is None or ask.noise.pauli
    return memory, seconds, "" if fine else tr("only for errors without T1 and T2")


def _qsim(circuit: Circuit, ask: Ask) -> tuple[int, float, str]:
    count = len(circuit.qubits)
    size = 2.0 ** min(count, 200) / ask.shared(count)
    seconds = _QSIM_SHARE * (_BASE_S + _amplitude_s(circuit)) * size + _QSIM_OP_S * len(circuit.ops) + 1e-6 * ask.shots
    unknown = next((op.name for op in circuit.ops if op.name not in GATES and op.name not in _QSIM_KNOWN), "")
    if "qsim" not in ask.extras:
        reason = tr("qsim is not installed (extra qsim)")
    elif unknown or repeats(circuit, 2) > 1:
        reason = tr("only for gates measured at the end")
    else:
        reason = "" if single(circuit, ask.shots) else tr("only where single precision is enough")
    return method.statevector_bytes(count, single=True), seconds, reason


def _clifford(circuit: Circuit, ask: Ask) -> tuple[int, float, str]:
    count, bits, shots = len(circuit.qubits), len(circuit.clbits), ask.shots
    memory = 3 * shots * bits + 6 * count * count + 8 * clifford.CHUNK * count
    seconds = 6e-3 + 8e-6 * len(circuit.ops) + 5e-7 * count**2 + 1e-9 * shots * count**2 / 8
    reason = "" if clifford.fits(circuit) else tr("only for Clifford gates measured at the end")
    return memory, seconds, reason


def _stabilizer(circuit: Circuit, ask: Ask) -> tuple[int, float, str]:
    count = len(circuit.qubits)
    reason = "" if count > 1 and method.is_clifford(circuit) else tr("only for Clifford gates on two qubits or more")
    if ask.noise is not None and not reason:
        reason = "" if ask.noise.pauli else tr("only for errors without T1 and T2")
    times = ask.shots if ask.noise is not None else 1
    seconds = 1e-7 * len(circuit.ops) * count * times + 2e-8 * ask.shots * count**2
    return method.tableau_bytes(count), seconds, reason


def _amplitude_s(circuit: Circuit) -> float:
    """Return seconds per amplitude of following the circuit once, gates on the same two qubits taken together."""
    newest: dict[int, int] = {}
    blocks: list[bool] = []
    waiting: set[int] = set()  # qubits turned before their first block
    lone = 0
    for op in circuit.ops:
        mixing = op.name in _MIXING
        if len(op.qubits) == 1 and op.name not in _FREE:
            at = newest.get(op.qubits[0])
            if at is not None:
                blocks[at] |= mixing
            elif op.qubits[0] not in waiting:
                waiting.add(op.qubits[0])
                lone += 1
        elif len(op.qubits) > 1 and op.name != "barrier":
            ends = {newest.get(qubit) for qubit in op.qubits}
            if len(ends) != 1 or None in ends:
                lone -= len(waiting.intersection(op.qubits))
                blocks += [bool(waiting.intersection(op.qubits))] * (len(op.qubits) - 1)
                waiting.difference_update(op.qubits)
                newest |= dict.fromkeys(op.qubits, len(blocks) - 1)
    return _LONE_S * lone + sum(_MIXED_S if mixed else _PLAIN_S for mixed in blocks)


def _statevector(circuit: Circuit, ask: Ask) -> tuple[int, float, str]:
    count = len(circuit.qubits)
    size = 2.0 ** min(count, 200) / ask.shared(count)
    times = repeats(circuit, ask.shots)
    seconds = times * (_BASE_S * size + _amplitude_s(circuit) * size + _OP_S * len(circuit.ops) / (10 if times > 1 else 1))
    return method.statevector_bytes(count, single=single(circuit, ask.shots)), seconds + 1e-6 * ask.shots, ""


def product_s(circuit: Circuit, ask: Ask, bonds: list[float]) -> tuple[float, float]:
    """Return (seconds of the gates, seconds of drawing the shots) of a matrix product state, from log2 of its bonds."""
    following = 0.0
    for op in circuit.ops:
        if len(op.qubits) > 1 and op.name != "barrier":
            low, high = min(op.qubits), max(op.qubits)
            largest = max(bonds[low : high + 2], default=0.0)
            following += _PAIR_S - _SWAP_S + (high - low) * (_SWAP_S + _SVD_S * 8.0 ** min(largest, _MOST_EXPONENT))
    drawing = sum(_DRAW_S + _DRAW_BOND_S * 4.0 ** min(bond, _MOST_EXPONENT) if bond else _DRAW_ALONE_S for bond in bonds[1:])
    times = repeats(circuit, ask.shots)
    return times * (following + _OP_S * len(circuit.ops)), (ask.shots if times == 1 else 0) * drawing


def _product(circuit: Circuit, ask: Ask) -> tuple[int, float, str]:
    exponents = method.bond_exponents(circuit)
    seconds = sum(product_s(circuit, ask, _bonds(exponents, ask.bond)))
    memory = method.mps_bytes(exponents)
    if ask.bond:
        memory = min(memory, 2 * method.BYTES_PER_AMPLITUDE * len(circuit.qubits) * ask.bond**2)
    return memory, seconds, ""


def _bonds(exponents: list[int], most: int) -> list[float]:
    """Return upper bounds of log2 of the bonds, with one of zero at each end."""
    cap = math.log2(most) if most else _MOST_EXPONENT
    return [0.0, *(min(float(bond), cap) for bond in exponents), 0.0]


def _density(circuit: Circuit, ask: Ask) -> tuple[int, float, str]:
    count, work = len(circuit.qubits), len(circuit.ops) + (hits(circuit, ask.noise) if ask.noise else 0)
    size = 4.0 ** min(count, 100) / ask.shared(2 * count)
    seconds = _OP_S * work + 2 * _TWO_S * work * size * repeats(circuit, ask.shots) + 1e-6 * ask.shots
    return method.BYTES_PER_AMPLITUDE << 2 * count, seconds, ""


def _trajectories(circuit: Circuit, ask: Ask) -> tuple[int, float, str]:
    count, errors = len(circuit.qubits), hits(circuit, ask.noise) if ask.noise else 0
    work = len(circuit.ops) + errors
    each = 2e-6 * work + _TWO_S * work * 2.0 ** min(count, 200) / ask.shared(count)
    return method.statevector_bytes(count), ask.shots * each, ""


_MODELS: Final[dict[str, Callable[[Circuit, Ask], tuple[int, float, str]]]] = {
    "stim": _stim, "qsim": _qsim, "clifford": _clifford, "stabilizer": _stabilizer, "statevector": _statevector,
    "matrix_product_state": _product, "density_matrix": _density, "trajectories": _trajectories,
}  # fmt: skip


def offers(circuit: Circuit, free_bytes: int, ask: Ask) -> list[Offer]:
    """Return what each simulator would need; one that needs more than its share of `free_bytes` says so."""
    room, made = int(free_bytes * method.SHARE_OF_FREE), []
    turned = clifford.turned(circuit) if ask.noise is None else circuit
    for name in SIMULATORS if ask.noise is None else NOISY:
        memory, seconds, reason = _MODELS[name](turned if name in FRAMES else circuit, ask)
        if not reason and memory > room:
            reason = tr("needs {need}, and {room} may be used", need=method.amount_text(memory), room=method.amount_text(room))
        made.append(Offer(name, memory, _START_S + ask.pace * seconds, reason))
    return made


def trial_bond(circuit: Circuit, ask: Ask, predicted: Offer) -> int:
    """Return the largest bond whose matrix product state costs a small share of what is `predicted`; 0 when none does."""
    if predicted.wall_s < _LEAST_TRIED_S:
        return 0
    exponents = method.bond_exponents(circuit)
    fitting = (bond for bond in _TRIALS if trial_s(circuit, ask, bond, exponents) < _TRIAL_SHARE * predicted.wall_s)
    return next(fitting, 0)


def trial_s(circuit: Circuit, ask: Ask, bond: int, exponents: list[int]) -> float:
    """Return the seconds of one shot of a matrix product state of bonds up to `bond`, by bounds of log2 of all of them."""
    return _START_S + ask.pace * sum(product_s(circuit, replace(ask, shots=1), _bonds(exponents, bond)))


def known(circuit: Circuit, ask: Ask, largest: int) -> Offer:
    """Return what a matrix product state needs whose largest bond is known."""
    memory, seconds, _ = _product(circuit, replace(ask, bond=max(1, largest)))
    return Offer("matrix_product_state", memory, _START_S + ask.pace * seconds)


def last_trial(circuit: Circuit, free_bytes: int, ask: Ask) -> tuple[int, Offer] | None:
    """Return the largest bond that can be tried when nothing exact is sure to fit, and what it needs; None when none can."""
    exponents = method.bond_exponents(circuit)
    for bond in _TRIALS:
        offer = known(circuit, ask, bond)
        if offer.memory_bytes <= free_bytes * method.SHARE_OF_FREE and trial_s(circuit, ask, bond, exponents) <= _MOST_TRIAL_S:
            return bond, offer
    return None


def select(circuit: Circuit, free_bytes: int, ask: Ask, simulator: str = AUTO) -> tuple[Choice, Offer, list[Offer]]:
    """Return the choice, its prediction, and the other offers.

    Raises `Limit` with numbers when nothing fits, or not with the largest bond asked for; `BadInput` when the one that is
    named cannot do this circuit, or a largest bond is given to what has none.
    """
    if ask.bond and (ask.noise is not None or simulator not in (AUTO, "matrix_product_state")):
        raise BadInput("A largest bond is only for a matrix product state, without noise", field="bond",
                       hint="Leave the bond out, or ask for auto without noise.")  # fmt: skip
    made = offers(circuit, free_bytes, ask)
    name, why = _best(circuit, free_bytes, ask, made) if simulator == AUTO else (simulator, tr("asked for by name"))
    taken = next((one for one in made if one.simulator == name), None)
    if taken is None:
        raise BadInput(
            "There is no simulator {name} for this; there are {known}", field="simulator", name=name,
            known=", ".join(one.simulator for one in made),
        )  # fmt: skip
    if taken.reason and simulator == AUTO:
        raise Limit("A matrix product state with bonds of up to {bond}: {reason}", bond=ask.bond, reason=taken.reason,
                    hint="Give a smaller bond.")  # fmt: skip
    if taken.reason:
        kind = Limit if taken.memory_bytes > free_bytes * method.SHARE_OF_FREE else BadInput
        raise kind("The simulator {name} cannot run this: {reason}", name=name, reason=taken.reason, hint="Ask for auto.")
    exact = name not in ("statevector", "qsim") or not single(circuit, ask.shots)
    return Choice(name, taken.memory_bytes, why, single=not exact), taken, [one for one in made if one is not taken]


def _best(circuit: Circuit, free_bytes: int, ask: Ask, made: list[Offer]) -> tuple[str, str]:
    if ask.noise is not None:
        return _best_noisy(circuit, free_bytes, made)
    fitting = [one for one in made if not one.reason]
    frames = [one for one in fitting if one.simulator in FRAMES]
    if ask.bond and not frames:
        return "matrix_product_state", tr("bonds of up to {bond} are asked for", bond=ask.bond)
    if not fitting:
        choice = method.choose(circuit, free_bytes)  # raises with the numbers
        return choice.method, choice.why
    name = min(frames or fitting, key=lambda one: one.wall_s).simulator
    count = len(circuit.qubits)
    whys = {
        "stim": tr("only Clifford operations"),
        "clifford": tr("only Clifford operations, measured at the end"),
        "qsim": tr("{qubits} qubits: all amplitudes fit, and single precision is enough", qubits=count),
        "stabilizer": tr("only Clifford operations"),
        "statevector": tr("{qubits} qubits: all amplitudes fit", qubits=count),
        "matrix_product_state": tr("{qubits} qubits with little entanglement along the line", qubits=count),
    }
    return name, whys[name]


def _best_noisy(circuit: Circuit, free_bytes: int, made: list[Offer]) -> tuple[str, str]:
    fitting = [one for one in made if not one.reason]
    if not fitting:
        least = min(made, key=lambda one: one.memory_bytes)
        raise Limit(
            "{qubits} qubits under noise need {need}; {free} are free", qubits=len(circuit.qubits),
            need=method.amount_text(least.memory_bytes), free=method.amount_text(free_bytes), hint="Use fewer qubits.",
        )  # fmt: skip
    name = min(fitting, key=lambda one: one.wall_s).simulator
    whys = {
        "stim": tr("Clifford gates under random Pauli errors"),
        "stabilizer": tr("Clifford gates under random Pauli errors"),
        "density_matrix": tr("{qubits} qubits: the density matrix takes every error at once", qubits=len(circuit.qubits)),
        "trajectories": tr("each run draws its own errors, which costs less than the density matrix"),
    }
    return name, whys[name]
