"""Noise of a device on a circuit: what gates, waits and readouts do to their qubits beyond what they should.

The error a snapshot tells of a gate is its average infidelity; what relaxation during the gate leaves of it unexplained is
taken as depolarising. A channel on dimension d of process fidelity F has the average infidelity (1 - F) d / (d + 1) (Nielsen,
2002); relaxation of a qubit for t has F = (1 + exp(-t/T1) + 2 exp(-t/T2)) / 4. A qubit that waits relaxes too; gates start as
soon as their qubits are free; a barrier lets all of its qubits wait for the last of them. Crosstalk, leakage and drift are
not in it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.engine.base.errors import BadInput
from app.engine.circuits.devices import Device, Place
from app.engine.circuits.records import Circuit, Op

FREE: Final = frozenset({"rz", "p", "id", "barrier", "u1"})  # take no time: most rename the axes, without a pulse
LOOPS: Final = frozenset({"for_loop", "while_loop", "switch_case"})
_OPTIONS: Final[Mapping[str, tuple[float, float, float]]] = {  # default, least, most
    "one": (0.0, 0.0, 0.5), "two": (0.0, 0.0, 0.5), "readout": (0.0, 0.0, 0.5), "t1_us": (0.0, 0.0, 1e9),
    "t2_us": (0.0, 0.0, 2e9), "gate_ns": (50.0, 0.0, 1e6), "pair_ns": (300.0, 0.0, 1e6), "read_ns": (1000.0, 0.0, 1e7),
}  # fmt: skip


@dataclass(frozen=True)
class Noise:
    """Figures for each qubit of a circuit; `pairs` are errors of gates on two, `pair` of those not in it; times in seconds."""

    title: str
    taken: str
    source: str
    gate_s: float
    pair_s: float
    read_s: float
    places: tuple[Place, ...]
    pairs: Mapping[tuple[int, int], float]
    pair: float

    @property
    def pauli(self) -> bool:
        """Tell whether every error is a random Pauli gate, which stabilizer states can follow."""
        return all(math.isinf(place.t1_s) and math.isinf(place.t2_s) for place in self.places)

    def told(self) -> dict[str, Any]:
        """Return what it stands for as a document."""
        return {"title": self.title, "taken": self.taken, "source": self.source, "kind": "simulated"}


@dataclass(frozen=True)
class Hit:
    """One error: `depolarised` is the chance that its qubits are replaced by noise, else one qubit relaxes for `wait_s`."""

    qubits: tuple[int, ...]
    depolarised: float = 0.0
    wait_s: float = 0.0
    t1_s: float = math.inf
    t2_s: float = math.inf


def of_device(device: Device, places: Sequence[int]) -> Noise:
    """Return the noise of a device on a circuit whose qubits stand on `places`, in order."""
    at = {place: number for number, place in enumerate(places)}
    pairs: dict[tuple[int, int], float] = {}
    for pair in device.pairs:
        if pair.first in at and pair.second in at:
            for ends in ((pair.first, pair.second), (pair.second, pair.first)):
                pairs[at[ends[0]], at[ends[1]]] = min(pair.error, 0.5)
    chosen = tuple(device.places[place] for place in places)
    return Noise(device.title or device.name, device.taken, device.source, device.gate_s, device.pair_s, device.read_s, chosen,
                 pairs, 0.0)  # fmt: skip


def read(text: str, qubits: int) -> Noise:
    """Return the noise of options such as "one=0.001 two=0.01 t1_us=100", alike on every qubit; raises `BadInput`."""
    values = {name: default for name, (default, _, _) in _OPTIONS.items()}
    for part in text.replace(",", " ").split():
        name, sign, written = part.partition("=")
        if not sign or name not in _OPTIONS:
            raise BadInput("noise is the name of a device, or figures such as one=0.001; known are {names}, not {text}",
                           field="noise", names=" ".join(_OPTIONS), text=repr(part[:40]))  # fmt: skip
        values[name] = _number(name, written)
    t1_s = values["t1_us"] * 1e-6 or math.inf
    t2_s = min(values["t2_us"] * 1e-6 or math.inf, 2 * t1_s)
    place = Place(t1_s, t2_s, values["readout"], values["readout"], values["one"])
    return Noise(text.strip(), "", "", values["gate_ns"] * 1e-9, values["pair_ns"] * 1e-9, values["read_ns"] * 1e-9,
                 (place,) * qubits, {}, values["two"])  # fmt: skip


def _number(name: str, written: str) -> float:
    _, low, high = _OPTIONS[name]
    try:
        value = float(written)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise BadInput("noise: {name} must be between {low} and {high}, not {value}", field="noise", name=name, low=low,
                       high=high, value=repr(written[:20]))  # fmt: skip
    return value


def depolarised(error: float, span_s: float, places: Sequence[Place]) -> float:
    """Return the chance of depolarising that makes up a gate's `error` together with relaxation for `span_s`."""
    size = 1 << len(places)
    relaxed = math.prod((1 + math.exp(-span_s / place.t1_s) + 2 * math.exp(-span_s / place.t2_s)) / 4 for place in places)
    wanted = 1 - error * (size + 1) / size
    return min(1.0, max(0.0, (relaxed - wanted) / (relaxed - 1 / size**2)))


def waited_s(op: Op) -> float:
    """Return the seconds of a delay; raises `BadInput` when they are not told."""
    if op.wait_s is None:
        raise BadInput("A delay in cycles of a device has no known time", field="noise", hint="Give it in ns, us or s.")
    return op.wait_s


class Follower:
    """Walks a circuit in its order and tells the errors around each operation."""

    def __init__(self, noise: Noise) -> None:
        self._noise = noise
        self._free_at = [0.0] * len(noise.places)
        self._used = [False] * len(noise.places)

    def around(self, op: Op) -> tuple[list[Hit], list[Hit]]:
        """Return the errors before and after `op`; raises `BadInput` for loops and conditions."""
        if op.condition or op.name in LOOPS:
            raise BadInput("Noise cannot be followed through conditions and loops", field="noise")
        if op.name in FREE and op.name != "barrier":
            return [], []
        start = max((self._free_at[qubit] for qubit in op.qubits), default=0.0)
        before = [hit for qubit in op.qubits for hit in self._waited(qubit, start - self._free_at[qubit])]
        if op.name == "barrier":
            for qubit in op.qubits:
                self._free_at[qubit] = start
            return before, []
        span = self._span(op)
        after = (
            [hit for qubit in op.qubits for hit in self._relaxed(qubit, span)] if op.name not in ("measure", "reset") else []
        )
        share = self._share(op, span)
        for qubit in op.qubits:
            self._free_at[qubit], self._used[qubit] = start + span, True
        return before, [*after, Hit(op.qubits, depolarised=share)] if share > 0 else after

    def _span(self, op: Op) -> float:
        if op.name in ("measure", "reset"):
            return self._noise.read_s
        if op.name == "delay":
            return waited_s(op)
        return self._noise.pair_s if len(op.qubits) > 1 else self._noise.gate_s

    def _share(self, op: Op, span: float) -> float:
        noise = self._noise
        if op.name in ("measure", "reset", "delay"):
            return 0.0
        if len(op.qubits) == 1:
            error = noise.places[op.qubits[0]].error
        elif len(op.qubits) == 2:
            error = noise.pairs.get((op.qubits[0], op.qubits[1]), noise.pair)
        else:
            raise BadInput("Noise is told for gates of one and two qubits, not for {name}", field="noise", name=op.name)
        return depolarised(error, span, [noise.places[qubit] for qubit in op.qubits])

    def _waited(self, qubit: int, span: float) -> Iterator[Hit]:
        if self._used[qubit]:
            yield from self._relaxed(qubit, span)

    def _relaxed(self, qubit: int, span: float) -> Iterator[Hit]:
        place = self._noise.places[qubit]
        if span > 1e-15 and not (math.isinf(place.t1_s) and math.isinf(place.t2_s)):
            yield Hit((qubit,), wait_s=round(span, 12), t1_s=place.t1_s, t2_s=place.t2_s)


def hits(circuit: Circuit, noise: Noise) -> int:
    """Return how many errors there are on the way; raises as `Follower.around`."""
    follower = Follower(noise)
    return sum(len(part) for op in circuit.ops for part in follower.around(op))
