"""Which simulator runs a circuit: every one's memory and time predicted, the fastest that fits chosen, the others told.

Times are estimates from constants measured on one core: operations times amplitudes for a state vector, operations and a
cubic in the bonds for a matrix product state, shots times the square of the width for a tableau measured shot by shot.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from app.engine.base.errors import BadInput, Limit
from app.engine.base.text import tr
from app.engine.circuits import clifford, method
from app.engine.circuits.records import Choice, Circuit

AUTO: Final = "auto"
SIMULATORS: Final = ("clifford", "stabilizer", "statevector", "matrix_product_state")
_START_S: Final = 0.005
_AMPLITUDE_S: Final = 1.4e-9
_CONTRACTION_S: Final = 2e-8
_MOST_EXPONENT: Final = 60


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


def _repeats(circuit: Circuit, shots: int) -> int:
    """Return how often the circuit must be followed: once when it only measures at its end."""
    closed: set[int] = set()
    for op in circuit.ops:
        if op.condition or op.name == "reset" or not closed.isdisjoint(op.qubits):
            return shots
        if op.name == "measure":
            closed.update(op.qubits)
    return 1


def _clifford(circuit: Circuit, shots: int) -> tuple[int, float, str]:
    count, bits = len(circuit.qubits), len(circuit.clbits)
    memory = 3 * shots * bits + 6 * count * count + 8 * clifford.CHUNK * count
    seconds = 8e-6 * len(circuit.ops) + 5e-7 * count**2 + 1e-9 * shots * count**2 / 8
    reason = "" if clifford.fits(circuit) else tr("only for Clifford gates measured at the end")
    return memory, seconds, reason


def _stabilizer(circuit: Circuit, shots: int) -> tuple[int, float, str]:
    count = len(circuit.qubits)
    reason = "" if count > 1 and method.is_clifford(circuit) else tr("only for Clifford gates on two qubits or more")
    return method.tableau_bytes(count), 1e-7 * len(circuit.ops) * count + 2e-8 * shots * count**2, reason


def _statevector(circuit: Circuit, shots: int) -> tuple[int, float, str]:
    count = len(circuit.qubits)
    seconds = _AMPLITUDE_S * len(circuit.ops) * 2.0 ** min(count, 200) * _repeats(circuit, shots) + 1e-7 * shots * count
    return method.statevector_bytes(count), seconds, ""


def _product(circuit: Circuit, shots: int) -> tuple[int, float, str]:
    bonds = [0, *method.bond_exponents(circuit), 0]
    steps = sum(8.0 ** min(max(bonds[min(op.qubits) : max(op.qubits) + 2]), _MOST_EXPONENT) for op in circuit.ops if op.qubits)
    drawn = sum(4.0 ** min(bond, _MOST_EXPONENT) for bond in bonds)
    seconds = (_CONTRACTION_S * steps + 2e-5 * len(circuit.ops)) * _repeats(circuit, shots) + 1e-8 * shots * drawn
    return method.mps_bytes(circuit), seconds, ""


_MODELS: Final[dict[str, Callable[[Circuit, int], tuple[int, float, str]]]] = dict(
    zip(SIMULATORS, (_clifford, _stabilizer, _statevector, _product), strict=True)
)


def offers(circuit: Circuit, free_bytes: int, shots: int) -> list[Offer]:
    """Return what each simulator would need; one that needs more than its share of `free_bytes` says so."""
    room, made = int(free_bytes * method.SHARE_OF_FREE), []
    for name in SIMULATORS:
        memory, seconds, reason = _MODELS[name](circuit, shots)
        if not reason and memory > room:
            reason = tr("needs {need}, and {room} may be used", need=method.amount_text(memory), room=method.amount_text(room))
        made.append(Offer(name, memory, _START_S + seconds, reason))
    return made


def select(circuit: Circuit, free_bytes: int, shots: int, simulator: str = AUTO) -> tuple[Choice, Offer, list[Offer]]:
    """Return the choice, its prediction, and the other offers.

    Raises `Limit` with numbers when nothing fits, `BadInput` when the one that is named cannot do this circuit.
    """
    made = offers(circuit, free_bytes, shots)
    if simulator == AUTO:
        name, why = _best(circuit, free_bytes)
    else:
        name, why = simulator, tr("asked for by name")
    taken = next((one for one in made if one.simulator == name), None)
    if taken is None:
        raise BadInput(
            "There is no simulator {name}; there are {known}", field="simulator", name=name, known=", ".join(SIMULATORS)
        )
    if taken.reason and simulator != AUTO:
        kind = Limit if taken.memory_bytes > free_bytes * method.SHARE_OF_FREE else BadInput
        raise kind("The simulator {name} cannot run this: {reason}", name=name, reason=taken.reason, hint="Ask for auto.")
    return Choice(name, taken.memory_bytes, why), taken, [one for one in made if one is not taken]


def _best(circuit: Circuit, free_bytes: int) -> tuple[str, str]:
    if clifford.fits(circuit):
        return "clifford", tr("only Clifford operations, measured at the end")
    choice = method.choose(circuit, free_bytes)
    return choice.method, choice.why
