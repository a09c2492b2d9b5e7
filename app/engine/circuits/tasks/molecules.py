"""Molecules as tables of integrals: the files of `resources/molecules`, each with its source and geometry.

Integrals over two electrons are listed once for each of the eight orders that give the same value.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.engine.base.errors import BadInput
from app.engine.circuits.tasks.fermions import Energy

FOLDER: Final = Path(__file__).resolve().parents[4] / "resources" / "molecules"
NAMES: Final = ("h2", "lih")


@dataclass(frozen=True)
class Molecule:
    """A molecule at several distances of its atoms, in ångström; the first is that of least energy."""

    title: str
    basis: str
    source: str
    energies: dict[float, Energy]

    def at(self, distance: float) -> tuple[float, Energy]:
        """Return (distance, energy) of a tabled distance, 0 for the first; raises `BadInput`."""
        if distance == 0:
            return next(iter(self.energies.items()))
        if distance not in self.energies:
            raise BadInput("distance must be one of {known}, not {value}", field="options", value=distance,
                           known=", ".join(str(one) for one in sorted(self.energies)))  # fmt: skip
        return distance, self.energies[distance]


@cache
def read(name: str) -> Molecule:
    """Return the molecule of a file."""
    document = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    energies = {float(point["distance"]): _energy(point, int(document["electrons"])) for point in document["points"]}
    return Molecule(document["title"], document["basis"], document["source"], energies)


def _energy(point: dict[str, Any], electrons: int) -> Energy:
    one = np.array(point["one"], float)
    two = np.zeros((len(one),) * 4)
    for p, q, r, s, value in point["two"]:
        for a, b, c, d in ((p, q, r, s), (q, p, r, s), (p, q, s, r), (q, p, s, r)):
            two[a, b, c, d] = two[c, d, a, b] = value
    return Energy(float(point["constant"]), one, two, electrons)
