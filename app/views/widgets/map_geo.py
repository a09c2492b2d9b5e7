"""The mathematics of the map: Web Mercator, and marks that stand too close drawn as one.

World units run from 0 to 1, east and south, as in Snyder 1987, "Map projections: a working manual", equations 7-1 and
7-2a, on the sphere and cut at 85.0511 degrees, where the map is square; tiles of a user's file fit without bending.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST_LAT: Final = 85.0511
_ROW: Final = 1 << 31  # cells a row: more than a map of the whole world has at its deepest
_NEAR: Final = tuple(_ROW * row + step for row in (-1, 0, 1) for step in (-1, 0, 1))
_WORST: Final = ("offline", "failed", "rejected", "suspect", "late", "unknown")


@dataclass(frozen=True)
class Place:
    """One dot: degrees north and east, and what is said of it."""

    key: str
    name: str
    lat: float
    lon: float
    state: str
    site: str = ""


@dataclass(frozen=True)
class Mark:
    """What is drawn at one point: a place, or several that stand too close or belong together; degrees and world units."""

    places: tuple[Place, ...]
    lat: float
    lon: float
    east: float
    south: float

    @cached_property
    def state(self) -> str:
        """Return the state that needs attention most."""
        return min((place.state for place in self.places), key=urgency)

    @property
    def site(self) -> str:
        """Return the site of all its places, or nothing when they differ."""
        sites = {place.site for place in self.places}
        return sites.pop() if len(sites) == 1 else ""


def urgency(state: str) -> int:
    """Return the rank of `state`, the most urgent first."""
    return _WORST.index(state) if state in _WORST else len(_WORST)


def project(lat: ArrayLike, lon: ArrayLike) -> tuple[Any, Any]:
    """Return world units (east, south) of degrees north and east; arrays or numbers of equal shape."""
    north = np.radians(np.clip(lat, -MOST_LAT, MOST_LAT))
    return np.asarray(lon) / 360 + 0.5, 0.5 - np.arcsinh(np.tan(north)) / (2 * math.pi)


def degrees_of(places: Sequence[Place]) -> NDArray[np.float64]:
    """Return where `places` are (n, 2): degrees north and east."""
    return np.array([(place.lat, place.lon) for place in places], float).reshape(-1, 2)


def world_of(places: Sequence[Place]) -> NDArray[np.float64]:
    """Return where `places` are in world units (n, 2): east and south."""
    return np.column_stack(project(*degrees_of(places).T))


def degrees(east: float, south: float) -> tuple[float, float]:
    """Return degrees (north, east) of world units."""
    return math.degrees(math.atan(math.sinh((0.5 - south) * 2 * math.pi))), (east - 0.5) * 360


def groups(points: NDArray[np.float64], reach: float) -> list[list[int]]:
    """Return the points (n, 2) in groups: each joins the first group whose founder is within `reach`, or founds one.

    Groups and members stand in the order of the points, so equal points give equal groups; about n steps, not n squared.
    """
    # A founder is put down in its cell and the eight around it: whoever comes looks into one cell only, earliest first.
    cells: defaultdict[int, list[tuple[float, float, list[int]]]] = defaultdict(list)
    found: list[list[int]] = []
    cell_of = np.floor(points / reach).astype(np.int64) @ np.array([_ROW, 1])
    for at, ((x, y), cell) in enumerate(zip(points.tolist(), cell_of.tolist(), strict=True)):
        for other_x, other_y, group in cells.get(cell, ()):
            if math.hypot(other_x - x, other_y - y) <= reach:
                group.append(at)
                break
        else:
            found.append([at])
            for near in _NEAR:
                cells[cell + near].append((x, y, found[-1]))
    return found


class Marks(Sequence[Mark]):
    """What is drawn of `places`, at `degrees` (n, 2), in the groups `parts` of them; each mark made when it is asked for."""

    def __init__(self, places: Sequence[Place], degrees: NDArray[np.float64], parts: Sequence[Sequence[int]]) -> None:
        self._places, self._parts = places, parts
        sizes = np.array([len(part) for part in parts], int)
        flat = degrees[np.fromiter(chain.from_iterable(parts), int, sizes.sum())]
        self._degrees = np.add.reduceat(flat, np.cumsum(sizes) - sizes) / sizes[:, None] if len(parts) else flat
        self.world = np.column_stack(project(*self._degrees.T))  # (marks, 2)
        self._made: dict[int, Mark] = {}

    def __len__(self) -> int:
        return len(self._parts)

    @overload
    def __getitem__(self, at: int) -> Mark: ...
    @overload
    def __getitem__(self, at: slice) -> list[Mark]: ...
    def __getitem__(self, at: int | slice) -> Mark | list[Mark]:
        if isinstance(at, slice):
            return [self[one] for one in range(len(self))[at]]
        if at not in self._made:
            places = tuple(self._places[one] for one in self._parts[at])
            self._made[at] = Mark(places, *self._degrees[at].tolist(), *self.world[at].tolist())
        return self._made[at]


def by_site(places: Sequence[Place]) -> list[list[int]]:
    """Return the places of each site together; one without a site stands alone."""
    sites: dict[str, list[int]] = {}
    for at, place in enumerate(places):
        sites.setdefault(place.site or place.key, []).append(at)
    return list(sites.values())
