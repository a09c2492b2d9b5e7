"""The seam to minorminer: what is handed over and what comes back, with the package's place taken, and with itself."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from app.engine.qubo.adapters import minor
from app.engine.qubo.embedding.chains import faults
from app.engine.qubo.embedding.fabric import fabric

PAIRS = np.array([[0, 1], [1, 2], [0, 2]], np.int64)


def stand_in(monkeypatch, found):
    asked = []

    def find_embedding(pairs, edges, **options):
        asked.append((pairs, edges, options))
        return found

    monkeypatch.setitem(sys.modules, "minorminer", SimpleNamespace(find_embedding=find_embedding))
    return asked


def test_couplings_go_over_and_variables_without_one_get_free_qubits(monkeypatch):
    ground = fabric("chimera", 1)
    asked = stand_in(monkeypatch, {0: [0, 4], 1: [1], 2: [5]})
    assert minor.embed(ground, 5, PAIRS, 3.0, 2**40 + 7) == [[0, 4], [1], [5], [2], [3]]
    pairs, edges, options = asked[0]
    assert (pairs, len(edges), options["timeout"], options["threads"]) == (PAIRS.tolist(), 16, 3.0, 1)
    assert 0 <= options["random_seed"] < 2**31


def test_nothing_found_and_nothing_left_are_none(monkeypatch):
    ground = fabric("chimera", 1)
    stand_in(monkeypatch, {})
    assert minor.embed(ground, 3, PAIRS, 1.0, 0) is None
    stand_in(monkeypatch, {0: [0, 4], 1: [1], 2: [5]})
    assert minor.embed(ground, 9, PAIRS, 1.0, 0) is None
    assert minor.embed(ground, 2, PAIRS[:0], 1.0, 0) == [[0], [1]]


def test_the_package_itself_embeds_a_complete_graph():
    pytest.importorskip("minorminer")
    ground = fabric("pegasus", 2)
    pairs = np.array([(i, j) for j in range(8) for i in range(j)], np.int64)
    chains = minor.embed(ground, 8, pairs, 10.0, 3)
    assert faults(ground, chains, pairs) == []
