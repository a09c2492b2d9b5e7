"""The mathematics of the map: Web Mercator, and marks that stand too close drawn as one.

World units run from 0 to 1, east and south, as in Snyder 1987, "Map projections: a working manual", equations 7-1 and
7-2a, on the sphere and cut at 85.0511 degrees, where the map is square; tiles of a user's file fit without bending.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST_LAT: Final = 85.0511
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
    """What is drawn at one point: a place, or several that stand too close or belong together."""

    places: tuple[Place, ...]
    lat: float
    lon: float

    @cached_property
    def east(self) -> float:
        """Return its place in world units, east."""
        return self.lon / 360 + 0.5

    @cached_property
    def south(self) -> float:
        """Return its place in world units, south."""
        return float(project(self.lat, self.lon)[1])

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


def degrees(east: float, south: float) -> tuple[float, float]:
    """Return degrees (north, east) of world units."""
    return math.degrees(math.atan(math.sinh((0.5 - south) * 2 * math.pi))), (east - 0.5) * 360


def groups(points: NDArray[np.float64], reach: float) -> list[list[int]]:
    """Return the points (n, 2) in groups: each joins the first group whose founder is within `reach`, or founds one.

    Groups and members stand in the order of the points, so equal points give equal groups; about n steps, not n squared.
    """
    cells: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    found: list[list[int]] = []
    cell_of = np.floor(points / reach).astype(int).tolist()
    spots = points.tolist()
    for at, ((x, y), (cx, cy)) in enumerate(zip(spots, cell_of, strict=True)):
        near = [number for dx in (-1, 0, 1) for dy in (-1, 0, 1) for number in cells.get((cx + dx, cy + dy), ())]
        near = [number for number in near if math.dist(spots[found[number][0]], (x, y)) <= reach]
        if near:
            found[min(near)].append(at)
        else:
            cells[cx, cy].append(len(found))
            found.append([at])
    return found


def marks_of(places: Sequence[Place], points: NDArray[np.float64], reach: float, *, by_site: bool) -> list[Mark]:
    """Return what is drawn of `places` at `points` (n, 2) in pixels."""
    if not places:
        return []
    if by_site:
        sites: dict[str, list[int]] = {}
        for at, place in enumerate(places):
            sites.setdefault(place.site or place.key, []).append(at)
        parts = list(sites.values())
    else:
        parts = groups(points, reach)
    return [_mark([places[at] for at in part]) for part in parts]


def _mark(places: list[Place]) -> Mark:
    lat, lon = (sum(values) / len(places) for values in ([one.lat for one in places], [one.lon for one in places]))
    return Mark(tuple(places), lat, lon)
