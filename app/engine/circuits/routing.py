"""Routes layers of commuting pairs over a map of couplings: where qubits start, which are swapped, and when each pair is done.

The order inside a layer is free, so many are tried and the one with the fewest gates of the device is kept: two for a pair,
three for a swap, three for both at once. A layer equal to the one before is undone backwards: its swaps return the way they
came.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Report, Stop, never, silent
from app.engine.base.errors import BadInput, Cancelled
from app.engine.circuits.devices import Device
from app.engine.circuits.layers import Layered
from app.engine.circuits.records import Op

MOST_QUBITS: Final = 400  # of the device: the table of distances and the search grow with its square
_MOVES: Final = 4_000  # of each qubit while it looks for its place
_POWERS: Final = (0.4, 0.6, 0.8, 1.0)
_NOISES: Final = (0.05, 0.3, 0.6, 1.0)
_BONUSES: Final = (0.0, 0.3, 0.6, 1.0)
_PATIENCE: Final = 4
_UNKNOWN: Final = 1 << 40


@dataclass(frozen=True)
class Effort:
    """How much is tried: places to start from, and routes in all."""

    starts: int = 6
    routes: int = 250


@dataclass(frozen=True)
class Coupling:
    """A map of couplings: distances in steps (q, q) and links (k, 2)."""

    distance: NDArray[np.int64]
    links: NDArray[np.int64]


@dataclass(frozen=True)
class Trip:
    """One layer's way: qubit to place at its start and end, the swaps as links with the pair each takes along or -1."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    swaps: tuple[tuple[int, int], ...]
    taken: tuple[int, ...]
    added: int


@dataclass(frozen=True)
class Routed:
    """A routed circuit: operations on places, where each qubit starts and ends."""

    ops: tuple[Op, ...]
    start: tuple[int, ...]
    end: tuple[int, ...]


def coupling_of(device: Device) -> Coupling:
    """Return the working couplings of a device; places that cannot be reached are as far as there are places, and more."""
    count = device.qubits
    links = sorted({(min(pair.first, pair.second), max(pair.first, pair.second)) for pair in device.working})
    near: list[list[int]] = [[] for _ in range(count)]
    for a, b in links:
        near[a].append(b)
        near[b].append(a)
    distance = np.full((count, count), count + 1, np.int64)
    for start in range(count):
        distance[start, start] = 0
        reached = [start]
        for here in reached:
            for other in near[here]:
                if distance[start, other] > count:
                    distance[start, other] = distance[start, here] + 1
                    reached.append(other)
    return Coupling(distance, np.array(links, np.int64).reshape(-1, 2))


def routed(
    circuit: Layered, qubits: int, device: Device, seed: int, *,
    effort: Effort | None = None, report: Report = silent, stop: Stop = never,
) -> Routed:  # fmt: skip
    """Return `circuit` with every pair on coupled places of `device`; raises `BadInput` when too few hang together."""
    search = _Search(coupling_of(device), qubits, seed, effort or Effort(), report, stop)
    ops: list[Op] = []
    trip: Trip | None = None
    before: list[tuple[int, int]] = []
    for layer in circuit.layers:
        pairs = sorted(layer.pairs)
        if trip is None:
            trip = search.first(pairs)
            start = trip.start
        else:
            trip = _back(trip) if pairs == before else search.next(pairs, trip.end)
        before = pairs
        place = trip.start
        ops += [Op(op.name, (int(place[op.qubits[0]]),), op.params) for op in layer.turns]
        ops += _laid(trip, pairs, [layer.pairs[pair] for pair in pairs], search.coupling, qubits)
    end = trip.end if trip is not None else start
    ops += [Op("measure", (int(end[op.qubits[0]]),), (), op.clbits) for op in circuit.measures]
    return Routed(tuple(ops), tuple(map(int, start[:qubits])), tuple(map(int, end[:qubits])))


class _Search:
    """Tries places and routes with numbers from one seed; the result does not depend on time."""

    def __init__(  # noqa: PLR0917 - made in one place
        self, coupling: Coupling, qubits: int, seed: int, effort: Effort, report: Report, stop: Stop
    ) -> None:
        self.coupling, self._qubits, self._effort = coupling, qubits, effort
        self._report, self._stop = report, stop
        self._rng = np.random.default_rng(np.random.SeedSequence(seed))
        self._places = _largest(coupling.distance)
        if len(self._places) < qubits:
            raise BadInput("{qubits} qubits need as many that hang together; the device has {count}",
                           qubits=qubits, count=len(self._places), field="device")  # fmt: skip

    def first(self, pairs: Sequence[tuple[int, int]]) -> Trip:
        """Return the best trip for `pairs`, from wherever it likes to start."""
        table = _Table(pairs, self._qubits)
        starts = [self._settled(table) for _ in range(self._effort.starts)]
        held = [_UNKNOWN] * len(starts)
        best: Trip | None = None
        for number in range(self._effort.routes):
            self._pause(number)
            which = int(self._rng.integers(len(starts)))
            trip = self._tried(table, starts[which], max(held[which] + _PATIENCE, best.added if best else 0))
            if trip is None:
                continue
            if best is None or trip.added < best.added:
                best = trip
            if trip.added <= held[which] + _PATIENCE:
                # The pairs have no order, so where a good route ends is where a better one may start.
                held[which], starts[which] = min(held[which], trip.added), trip.end
        return self._found(best)

    def next(self, pairs: Sequence[tuple[int, int]], start: NDArray[np.int64]) -> Trip:
        """Return the best trip for `pairs` from `start`."""
        table, best = _Table(pairs, self._qubits), None
        for number in range(max(1, self._effort.routes // 4) if pairs else 1):
            self._pause(number)
            trip = self._tried(table, start, best.added if best else _UNKNOWN)
            if trip is not None and (best is None or trip.added < best.added):
                best = trip
        return self._found(best)

    def _pause(self, number: int) -> None:
        if self._stop():
            raise Cancelled("Cancelled")
        if number % 50 == 0:
            self._report(float(number), float(self._effort.routes), "routes")

    def _found(self, best: Trip | None) -> Trip:
        if best is None:
            raise BadInput("no route was found over this device", field="device")
        return best

    def _settled(self, table: "_Table") -> NDArray[np.int64]:
        from app.engine.circuits.routing_kernel import settle

        far = self.coupling.distance
        place = self._random_place()
        cost = np.arange(len(far) + 2, dtype=np.float64) * (1.0 if len(table.pairs) else 0.0)
        settle(self._rng, far, table.near, place, _MOVES * self._qubits if len(table.pairs) else 0, 5.0, 0.2, cost)
        return place

    def _random_place(self) -> NDArray[np.int64]:
        inside = self._rng.permutation(self._places)
        outside = np.setdiff1d(np.arange(len(self.coupling.distance)), inside)
        return np.concatenate([inside, outside]).astype(np.int64)

    def _tried(self, table: "_Table", start: NDArray[np.int64], most: int) -> Trip | None:
        from app.engine.circuits.routing_kernel import route

        coupling, size = self.coupling, len(self.coupling.distance)
        place = start.copy()
        swaps = np.empty(40 + 30 * len(table.pairs), np.int64)
        taken = np.empty_like(swaps)
        power, noise, bonus = (float(self._rng.choice(kind)) for kind in (_POWERS, _NOISES, _BONUSES))
        cost = np.maximum(np.arange(size + 2, dtype=np.float64) - 1, 0) ** power
        cost[1] = -bonus
        added, count = route(
            self._rng,
            coupling.distance,
            coupling.links,
            table.pairs,
            table.near,
            table.by,
            place,
            cost,
            noise,
            most,
            swaps,
            taken,
        )
        if added < 0:
            return None
        links = tuple((int(a), int(b)) for a, b in coupling.links[swaps[:count]])
        return Trip(start, place, links, tuple(map(int, taken[:count])), int(added))


class _Table:
    """Pairs as arrays for the kernel."""

    def __init__(self, pairs: Sequence[tuple[int, int]], qubits: int) -> None:
        self.pairs = np.array(pairs, np.int64).reshape(-1, 2)
        widest = max(1, int(np.bincount(self.pairs.ravel(), minlength=1).max()) if len(pairs) else 1)
        self.near = np.full((qubits, widest), -1, np.int64)
        self.by = np.full((qubits, widest), -1, np.int64)
        used = [0] * qubits
        for number, (a, b) in enumerate(pairs):
            for one, other in ((a, b), (b, a)):
                self.near[one, used[one]], self.by[one, used[one]] = other, number
                used[one] += 1


def _largest(distance: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places of the largest part that hangs together."""
    count = len(distance)
    reach = (distance <= count).sum(axis=1)
    first = int(np.argmax(reach))
    return np.flatnonzero(distance[first] <= count)


def _back(trip: Trip) -> Trip:
    """Return the same trip the other way."""
    return Trip(trip.end, trip.start, trip.swaps[::-1], trip.taken[::-1], trip.added)


def _laid(trip: Trip, pairs: Sequence[tuple[int, int]], angles: Sequence[float], coupling: Coupling, qubits: int) -> list[Op]:
    """Return the gates of a trip: each pair as soon as it stands side by side, or with the swap that takes it along."""
    place, made = trip.start.copy(), list[Op]()
    at = np.argsort(place)
    by_qubit: dict[int, list[int]] = {}
    for number, pair in enumerate(pairs):
        for qubit in pair:
            by_qubit.setdefault(qubit, []).append(number)
    waiting = set(range(len(pairs))) - set(trip.taken)

    def meet(numbers: Sequence[int]) -> None:
        for number in numbers:
            a, b = (int(place[qubit]) for qubit in pairs[number])
            if number in waiting and coupling.distance[a, b] == 1:
                waiting.discard(number)
                made.append(Op("rzz", (a, b), (angles[number],)))

    meet(range(len(pairs)))
    for (p, q), along in zip(trip.swaps, trip.taken, strict=True):
        if along >= 0:
            made.append(Op("rzz", (p, q), (angles[along],)))
        made.append(Op("swap", (p, q)))
        a, b = int(at[p]), int(at[q])
        at[p], at[q], place[a], place[b] = b, a, q, p
        for qubit in (a, b):
            meet(by_qubit.get(qubit, []) if qubit < qubits else [])
    return made
