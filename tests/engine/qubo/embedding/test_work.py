"""The job of an embedding: what it tells, what it draws, and what it says without its extra."""

import pytest

from app.engine.base.contracts import never, silent
from app.engine.base.errors import Limit
from app.engine.qubo.adapters import minor
from app.engine.qubo.embedding import work
from app.engine.qubo.embedding.work import embed

RING = "12 12\n" + "".join(f"{k + 1} {(k + 1) % 12 + 1} 1\n" for k in range(12))


def run(**spec):
    return embed({"text": RING, "name": "ring", "topology": "chimera", "size": 4, "seconds": 5.0, **spec}, 1, silent, never)


def test_without_the_extra_the_layout_that_fits_any_graph_is_taken_and_said(monkeypatch):
    monkeypatch.setattr(minor, "available", lambda: False)
    told = run()
    assert (told["method"], told["n"], told["qubits"]) == ("regular", 12, 128)
    assert "not installed" in told["why"]
    assert told["used"] == sum(map(len, told["chains"])) == sum(line[4] >= 0 for line in told["physical"]["lines"])
    assert (told["longest"], told["mean"]) == (4, 4.0)
    assert len(told["logical"]["at"]) == 12
    assert len(told["physical"]["links"]) == 12
    # Each spin of the ring has two couplings of 1/2 and no field: turning one part of a broken chain costs at most their half.
    assert told["strength"] == pytest.approx(0.5)


def test_what_does_not_fit_is_told_with_its_reason(monkeypatch):
    monkeypatch.setattr(minor, "available", lambda: False)
    with pytest.raises(Limit, match=r"12 variables with 12 couplings do not fit onto chimera 1: it has 8 qubits"):
        run(size=1)
    with pytest.raises(Limit, match="is not installed"):
        run(size=2)


def test_the_shorter_of_both_ways_is_taken(monkeypatch):
    monkeypatch.setattr(minor, "available", lambda: True)
    monkeypatch.setattr(minor, "embed", lambda *_: None)
    assert run()["method"] == "regular"
    found = minor_ring()
    monkeypatch.setattr(minor, "embed", lambda *_: found)
    told = run()
    assert (told["method"], told["longest"]) == ("minorminer", 1)


def minor_ring():
    """Twelve qubits of Chimera that stand in a ring, found by walking."""
    import networkx as nx

    ground = work.fabric("chimera", 4)
    graph = nx.Graph(ground.edges.tolist())
    return next([[qubit] for qubit in cycle] for cycle in nx.simple_cycles(graph, 12) if len(cycle) == 12)


def test_minorminer_finds_chains_that_hold():
    pytest.importorskip("minorminer")
    told = run()
    assert told["method"] == "minorminer"
    assert told["used"] < 48
