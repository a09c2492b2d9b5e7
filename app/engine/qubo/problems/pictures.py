"""Plain documents that say what a problem looks like; views, reports and the command line draw them, nothing here does.

Every picture has a `type`: "graph" and "routes" (points and lines in a plane), "gantt" (bars in rows over an axis),
"frontier" (risk against return).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = dict[str, Any]
MOST_POINTS = 2000
MOST_EDGES = 6000
_SPECTRAL_BELOW = 500


def layout(n: int, edges: tuple[NDArray[np.int64], NDArray[np.int64]]) -> NDArray[np.float64]:
    """Return places (n, 2) in -1..1: the two lowest non-trivial eigenvectors of the graph's Laplacian (Hall 1970), else a ring.

    Deterministic: signs are fixed by the largest entry, and ties are spread along the ring.
    """
    angle = 2 * np.pi * np.arange(n) / max(n, 1)
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    if not 8 <= n <= _SPECTRAL_BELOW or not len(edges[0]):
        return ring
    adjacency = np.zeros((n, n))
    adjacency[edges[0], edges[1]] = adjacency[edges[1], edges[0]] = 1.0
    _, vectors = np.linalg.eigh(np.diag(adjacency.sum(1)) - adjacency)
    place = vectors[:, 1:3] * np.sign(vectors[np.abs(vectors[:, 1:3]).argmax(0), [1, 2]])
    ranks = np.argsort(np.argsort(place, axis=0, kind="stable"), axis=0, kind="stable") / max(n - 1, 1) * 2 - 1
    return np.asarray(0.6 * ranks + 0.4 * ring, np.float64)


def graph(
    names: Sequence[str], edges: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
    groups: Sequence[int] | None, marked: NDArray[np.bool_] | None = None, places: NDArray[np.float64] | None = None,
) -> Picture:  # fmt: skip
    """Return a graph: points with a group (-1: none), edges [i, j, weight, marked]; large ones are thinned and say so."""
    n = min(len(names), MOST_POINTS)
    at = layout(len(names), edges[:2]) if places is None else places
    keep = np.flatnonzero((edges[0] < n) & (edges[1] < n))
    thinned = keep[:: max(1, -(-len(keep) // MOST_EDGES))]
    mark = np.zeros(len(edges[0]), bool) if marked is None else marked
    points = [
        {
            "name": names[k], "x": round(float(at[k, 0]), 5), "y": round(float(at[k, 1]), 5),
            "group": -1 if groups is None else int(groups[k]),
        }
        for k in range(n)
    ]  # fmt: skip
    lines = [[int(edges[0][k]), int(edges[1][k]), float(edges[2][k]), bool(mark[k])] for k in thinned]
    return {"type": "graph", "points": points, "edges": lines, "left_out": len(names) - n + len(edges[0]) - len(lines)}


def point(name: str, x: float, y: float, role: str = "stop") -> dict[str, Any]:
    """Return a point of a plane picture; `role` is "depot", "stop" or "node"."""
    return {"name": name, "x": float(x), "y": float(y), "role": role}


def line(points: Sequence[int], series: int, *, label: str = "", width_ratio: float = 1.0) -> dict[str, Any]:
    """Return a line through numbered points in the colour of `series` (-1: muted)."""
    return {"points": [int(k) for k in points], "series": series, "label": label, "width_ratio": float(width_ratio)}


def routes(points: list[dict[str, Any]], lines: list[dict[str, Any]], *, earth: bool = False) -> Picture:
    """Return points in a plane and lines through them; with `earth`, x and y are degrees east and north."""
    return {"type": "routes", "points": points, "lines": lines} | ({"earth": True} if earth else {})


def bar(row: int, start: float, end: float, label: str, series: int) -> dict[str, Any]:
    """Return a bar of a Gantt chart."""
    return {"row": row, "start": float(start), "end": float(end), "label": label, "series": series}


def gantt(rows: Sequence[str], bars: list[dict[str, Any]], *, limits: Sequence[float] | None = None, unit: str = "") -> Picture:
    """Return bars in named rows over one axis; `limits` are marks, one per row."""
    return {"type": "gantt", "rows": list(rows), "bars": bars, "limits": None if limits is None else [float(x) for x in limits],
            "unit": unit}  # fmt: skip


def ring_points(names: Sequence[str], role: str = "node") -> list[dict[str, Any]]:
    """Return points evenly on a ring, for places without a position."""
    angle = 2 * np.pi * np.arange(len(names)) / max(len(names), 1)
    return [point(name, np.cos(a), np.sin(a), role) for name, a in zip(names, angle, strict=True)]
