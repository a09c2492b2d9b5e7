"""The graphs of annealing devices as lines on a grid: Chimera, Pegasus and Zephyr.

A qubit is a loop that runs along a row or a column of a grid; where two loops cross there is a coupler, others join loops end
to end (external) and side by side (odd). Chimera: Bunyk et al. 2014, "Architectural considerations in the design of a
superconducting quantum annealing processor". Pegasus: Boothby, Bunyk, Raymond, Roy 2020, "Next-generation topology of
D-Wave quantum processors", with its shifts of loops. Zephyr: Boothby, King, Raymond 2021, "Zephyr topology of D-Wave
quantum processors".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput

Ints = NDArray[np.int64]
_CELL: Final = 4
_TWELVE: Final = 12
# Where the twelve columns, and rows, of a Pegasus cell begin.
SHIFTS: Final = (np.repeat([2, 10, 6], 4), np.repeat([6, 2, 10], 4))
MOST_SIZE: Final = 24


@dataclass(frozen=True, eq=False)
class Fabric:
    """Qubits as lines: `down` (column or row), `track` (which one), `low` to `high` (its cells); `lane` of lines end to end.

    `edges` (m, 2) are the couplers, the lower qubit first, in rising order.
    """

    name: str
    size: int
    down: NDArray[np.bool_]
    track: Ints
    low: Ints
    high: Ints
    lane: Ints
    edges: Ints

    @property
    def qubits(self) -> int:
        """Return the number of qubits."""
        return len(self.down)


def _woven(name: str, size: int, lines: tuple[Ints, ...], beside: Ints) -> Fabric:
    """Return the fabric of `lines` (down, track, low, high, lane): crossings, ends that meet, and the pairs `beside`."""
    down, track, low, high, lane = lines
    columns, rows = np.flatnonzero(down == 1), np.flatnonzero(down == 0)
    crossing = (
        (low[columns][:, None] <= track[rows]) & (track[rows] <= high[columns][:, None])
        & (low[rows] <= track[columns][:, None]) & (track[columns][:, None] <= high[rows])
    )  # fmt: skip
    at = np.argwhere(crossing)
    crossed = np.column_stack([columns[at[:, 0]], rows[at[:, 1]]])
    order = np.lexsort((low, lane, track, down))
    same = np.flatnonzero(
        (np.diff(down[order]) == 0) & (np.diff(track[order]) == 0) & (np.diff(lane[order]) == 0)
        & (high[order][:-1] + 1 == low[order][1:])
    )  # fmt: skip
    ends = np.column_stack([order[same], order[same + 1]])
    edges = np.unique(np.sort(np.concatenate([crossed, ends, beside]), axis=1), axis=0)
    return Fabric(name, size, down == 1, track, low, high, lane, edges)


def chimera(size: int) -> Fabric:
    """Return `size` by `size` cells of eight qubits, each half joined to the other."""
    down, cell, k, z = (part.ravel() for part in np.indices((2, size, _CELL, size)))
    return _woven(
        "chimera", size, (down, _CELL * cell + k, _CELL * z, _CELL * z + _CELL - 1, 0 * k), np.empty((0, 2), np.int64)
    )


def pegasus(size: int) -> Fabric:
    """Return Pegasus of `size`, only the part that hangs together, as on the devices."""
    shape = (2, size, _TWELVE, size - 1)
    across, cell, k, z = (part.ravel() for part in np.indices(shape))
    low = _TWELVE * z + np.stack(SHIFTS)[across, k]
    number = np.arange(len(k)).reshape(shape)
    pairs = np.column_stack([number[:, :, 0::2].ravel(), number[:, :, 1::2].ravel()])
    whole = _woven("pegasus", size, (1 - across, _TWELVE * cell + k, low, low + _TWELVE - 1, 0 * k), pairs)
    return _largest(whole)


def zephyr(size: int) -> Fabric:
    """Return Zephyr of `size` with four loops a track."""
    shape = (2, 2 * size + 1, _CELL, 2, size)
    across, cell, k, half, z = (part.ravel() for part in np.indices(shape))
    low = _CELL * (2 * z + half)
    number = np.arange(len(k)).reshape(shape)
    first, second = number[:, :, :, 0], number[:, :, :, 1]
    pairs = np.concatenate([
        np.column_stack([first.ravel(), second.ravel()]),
        np.column_stack([second[..., :-1].ravel(), first[..., 1:].ravel()]),
    ])  # fmt: skip
    return _woven("zephyr", size, (1 - across, _CELL * cell + k, low, low + 2 * _CELL - 1, half), pairs)


def _largest(whole: Fabric) -> Fabric:
    """Return the largest part of a fabric that hangs together, its qubits numbered anew."""
    part = np.arange(whole.qubits)
    while True:
        joined = part.copy()
        for one, other in ((0, 1), (1, 0)):
            np.minimum.at(joined, whole.edges[:, one], part[whole.edges[:, other]])
        if (joined == part).all():
            break
        part = joined
    keep = part == np.bincount(part).argmax()
    number = np.cumsum(keep) - 1
    edges = number[whole.edges[keep[whole.edges[:, 0]]]]
    return Fabric(whole.name, whole.size, whole.down[keep], whole.track[keep], whole.low[keep], whole.high[keep],
                  whole.lane[keep], edges)  # fmt: skip


# Each topology with the size its largest devices have.
FABRICS: Final[Mapping[str, tuple[Callable[[int], Fabric], int]]] = {
    "chimera": (chimera, 16), "pegasus": (pegasus, 16), "zephyr": (zephyr, 12),
}  # fmt: skip


def fabric(name: str, size: int = 0) -> Fabric:
    """Return the topology called `name`, of the devices' size for 0; raises `BadInput`."""
    if name not in FABRICS:
        raise BadInput("topology must be one of {names}, not {name}", field="topology", names=", ".join(FABRICS),
                       name=repr(name))  # fmt: skip
    least = 2 if name == "pegasus" else 1
    if size and not least <= size <= MOST_SIZE:
        raise BadInput("size is {least} to {most}, not {size}", field="size", least=least, most=MOST_SIZE, size=size)
    make, usual = FABRICS[name]
    return make(size or usual)
