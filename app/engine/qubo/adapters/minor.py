"""Minor embedding by minorminer (Apache-2.0): fewer qubits than the regular layout where a graph is sparse; extra `embed`.

Its method is that of Cai, Macready, Roy 2014, "A practical heuristic for finding graph minors".
"""

import importlib
import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.qubo.embedding.chains import Chains
from app.engine.qubo.embedding.fabric import Fabric

_SEEDS = 2**31 - 1


def available() -> bool:
    """Tell whether minorminer is installed, without loading it."""
    return importlib.util.find_spec("minorminer") is not None


def embed(fabric: Fabric, n: int, pairs: NDArray[np.int64], seconds: float, seed: int) -> Chains | None:
    """Return chains for `n` variables with `pairs` (m, 2), or None when none were found in `seconds`.

    Variables without a coupling get a free qubit each. Once begun the package looks at its own clock only.
    """
    package: Any = importlib.import_module("minorminer")
    found: dict[int, list[int]] = {}
    if len(pairs):
        found = package.find_embedding(
            pairs.tolist(), fabric.edges.tolist(), timeout=max(1.0, seconds), random_seed=seed % _SEEDS, threads=1
        )
        if not found:
            return None
    taken = {qubit for chain in found.values() for qubit in chain}
    free = (qubit for qubit in range(fabric.qubits) if qubit not in taken)
    alone = [variable for variable in range(n) if variable not in found]
    if len(taken) + len(alone) > fabric.qubits:
        return None
    return [sorted(found[variable]) if variable in found else [next(free)] for variable in range(n)]
