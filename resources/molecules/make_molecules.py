"""Makes the tables of integrals in this folder with PySCF, which Outpost itself does not need: `python make_molecules.py`.

Restricted Hartree-Fock in the minimal basis STO-3G at each distance; integrals in its orbitals. The core of lithium, its first
orbital, is frozen: its energy is in the constant, its field in the integrals of one electron.
"""

import itertools
import json
from pathlib import Path
from typing import Any

import pyscf
from pyscf import ao2mo, gto, mcscf, scf

HERE = Path(__file__).resolve().parent
MOLECULES = (
    ("h2", "Hydrogen, H2", "H 0 0 0; H 0 0 {d}", (0.735, 0.4, 0.5, 0.6, 0.9, 1.2, 1.6, 2.0, 2.5), 2, 2),
    ("lih", "Lithium hydride, LiH", "Li 0 0 0; H 0 0 {d}", (1.595, 1.0, 1.3, 2.0, 2.5, 3.0), 5, 2),
)


def point(atoms: str, distance: float, orbitals: int, electrons: int) -> dict[str, Any]:
    """Return the constants of one distance, and the least energy PySCF itself finds."""
    molecule = gto.M(atom=atoms.format(d=distance), basis="sto-3g", verbose=0)
    field = scf.RHF(molecule).run(conv_tol=1e-12)
    active = mcscf.CASCI(field, orbitals, electrons)
    one, constant = active.get_h1eff()
    two = ao2mo.restore(1, active.get_h2eff(), orbitals)
    rows = []
    for p, q, r, s in itertools.product(range(orbitals), repeat=4):
        if p >= q and r >= s and p * (p + 1) // 2 + q >= r * (r + 1) // 2 + s and abs(two[p, q, r, s]) > 1e-12:
            rows.append([p, q, r, s, round(float(two[p, q, r, s]), 12)])
    return {
        "distance": distance, "constant": round(float(constant), 12),
        "one": [[round(float(value), 12) for value in row] for row in one], "two": rows,
        "peer_hartree": round(float(active.kernel()[0]), 9),
    }  # fmt: skip


for name, title, atoms, distances, orbitals, electrons in MOLECULES:
    document = {
        "schema": 1, "name": name, "title": title, "basis": "STO-3G", "electrons": electrons // 2, "unit": "hartree, angstrom",
        "source": f"computed with PySCF {pyscf.__version__} (Apache-2.0), restricted Hartree-Fock",
        "points": [point(atoms, distance, orbitals, electrons) for distance in distances],
    }  # fmt: skip
    (HERE / f"{name}.json").write_text(json.dumps(document, indent=None, separators=(",", ":")) + "\n", "utf-8")
