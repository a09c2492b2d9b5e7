"""Prepares the outline of the world's land from `land-110m.json` of the npm package world-atlas 2.0.2.

Run from the root of the repository: python resources/map/make_outline.py PATH/land-110m.json

TopoJSON is decoded after its specification, section 2.1.3: an arc is quantized and holds differences; a negative number i
means arc ~i backwards. A ring that crosses 180 degrees is written on unbroken, beyond 180, so that no line runs back across
the whole map; the one around the south pole is closed along 90 degrees south.
Output: `land.npz` with `points` (n, 2) int16, degrees east and north times 50, and `sizes`, the points of each ring.
"""

import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
PER_DEGREE = 50  # 0.02 degrees are 2 km: finer than the source, and 540 degrees fit into 16 bits


def decode(document: dict) -> list[np.ndarray]:
    """Return the rings (k, 2) in degrees of every polygon."""
    scale, shift = (np.array(document["transform"][key]) for key in ("scale", "translate"))
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + shift for arc in document["arcs"]]
    rings = []
    for geometry in document["objects"]["land"]["geometries"]:
        polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        for polygon in polygons:
            for ring in polygon:
                parts = [arcs[number] if number >= 0 else arcs[~number][::-1] for number in ring]
                rings.append(np.concatenate([parts[0], *(part[1:] for part in parts[1:])]))
    return rings


def unbroken(ring: np.ndarray) -> np.ndarray:
    """Return `ring` without jumps across 180 degrees."""
    east = np.unwrap(ring[:, 0], period=360)
    out = np.column_stack([east, ring[:, 1]])
    if abs(east[-1] - east[0]) > 180:
        out = np.vstack([out, [east[-1], -90.0], [east[0], -90.0], out[0]])
    middle = 360 * round(float(out[:, 0].mean()) / 360)
    return out - [middle, 0]


def main() -> None:
    """Write land.npz beside this file."""
    rings = [unbroken(ring) for ring in decode(json.loads(Path(sys.argv[1]).read_text("utf-8")))]
    points = np.round(np.concatenate(rings) * PER_DEGREE).astype(np.int16)
    np.savez_compressed(HERE / "land.npz", points=points, sizes=np.array([len(ring) for ring in rings], np.int32))
    sys.stdout.write(f"{len(rings)} rings, {len(points)} points, {(HERE / 'land.npz').stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
