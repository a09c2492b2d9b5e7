"""Where the places of a device are drawn: so that distances on paper are like steps over its couplings.

Stress majorisation (Gansner, Koren and North, 2005) from the eigenvectors of the distances (Torgerson, 1952).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.circuits.devices import Device, Pair
from app.engine.circuits.routing import coupling_of

Real = NDArray[np.float64]
_ROUNDS: Final = 60


def positions(distance: Real) -> Real:
    """Return points (n, 2), wider than high and from 0 to 1 across, for a table of distances (n, n)."""
    count = len(distance)
    if count < 3:
        return np.array([[(at + 1) / (count + 1), 0.5] for at in range(count)])
    centre = np.eye(count) - 1 / count
    levels, vectors = np.linalg.eigh(-0.5 * centre @ distance**2 @ centre)
    at = vectors[:, -2:] * np.sqrt(np.maximum(levels[-2:], 1e-9))
    at *= np.sign(at[np.abs(at).argmax(axis=0), [0, 1]])  # an eigenvector's sign is free
    weight = 1 / np.maximum(distance, 1e-9) ** 2
    np.fill_diagonal(weight, 0)
    total = np.diag(weight.sum(1)) - weight
    inverse = np.linalg.pinv(total)
    for _ in range(_ROUNDS):
        away = np.linalg.norm(at[:, None] - at[None], axis=2)
        pull = -weight * distance / np.maximum(away, 1e-9)
        np.fill_diagonal(pull, 0)
        np.fill_diagonal(pull, -pull.sum(1))
        at = inverse @ (pull @ at)
    spread = np.ptp(at, axis=0)
    if spread[1] > spread[0]:
        at, spread = at[:, ::-1], spread[::-1]
    return np.asarray((at - at.min(axis=0)) / max(float(spread[0]), 1e-9))


def drawn(device: Device) -> dict[str, Any]:
    """Return {at: [[x, y]], pairs: [[a, b, error, broken]], places: [[error of gates, of readout, T1 in µs]]} of a device."""
    whole = Device(device.name, "", "", "", "", device.basis, device.pair_gate, 0, 0, 0, device.places,
                   tuple(Pair(pair.first, pair.second, 0.0) for pair in device.pairs))  # fmt: skip
    at = positions(coupling_of(whole).distance.astype(float))
    return {
        "at": [[round(float(x), 4), round(float(y), 4)] for x, y in at],
        "pairs": [[pair.first, pair.second, pair.error, pair.broken] for pair in device.pairs],
        "places": [
            [place.error, (place.read_0_as_1 + place.read_1_as_0) / 2, min(place.t1_s * 1e6, 1e12)] for place in device.places
        ],
    }  # fmt: skip
