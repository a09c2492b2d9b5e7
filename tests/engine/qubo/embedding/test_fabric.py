"""Graphs of devices: counts and degrees as published, and the maker's own package where it is installed."""

import numpy as np
import pytest

from app.engine.base.errors import BadInput
from app.engine.qubo.embedding.fabric import FABRICS, fabric

# Qubits, couplers and highest degree as the topologies' papers and the maker's pages tell them.
PUBLISHED = [
    ("chimera", 16, 2048, 6016, 6),
    ("pegasus", 16, 5640, 40484, 15),
    ("zephyr", 12, 4800, 45864, 20),
]


@pytest.mark.parametrize("name, size, qubits, couplers, degree", PUBLISHED)
def test_a_fabric_has_the_qubits_and_couplers_of_its_device(name, size, qubits, couplers, degree):
    made = fabric(name)
    assert (made.size, made.qubits, len(made.edges)) == (size, qubits, couplers)
    assert np.bincount(made.edges.ravel()).max() == degree


@pytest.mark.parametrize("name", FABRICS)
@pytest.mark.parametrize("size", [2, 3])
def test_a_fabric_is_the_one_of_the_makers_package(name, size):
    package = pytest.importorskip("dwave_networkx")
    networkx = pytest.importorskip("networkx")
    theirs = getattr(package, f"{name}_graph")(size)
    made = fabric(name, size)
    ours = networkx.Graph(made.edges.tolist())
    assert networkx.is_isomorphic(ours, theirs)


def test_what_cannot_be_is_refused():
    with pytest.raises(BadInput, match="topology must be one of chimera, pegasus, zephyr"):
        fabric("moebius")
    with pytest.raises(BadInput, match="size is 2 to 24, not 1"):
        fabric("pegasus", 1)
