"""Pictures of a problem: no entry is lost in the blocks, places are in the square and repeat by seed."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from app.commands.qubo import ROWS
from app.engine.base.command import CommandTable
from app.engine.base.contracts import never, silent
from app.engine.base.errors import BadInput
from app.engine.qubo import picture
from app.engine.qubo.problem import build


def problem(n, m, seed=1):
    rng = np.random.default_rng(seed)
    return build(rng.normal(size=n), (rng.integers(0, n, m), rng.integers(0, n, m), rng.normal(size=m)))


def test_a_small_matrix_is_shown_entry_by_entry():
    made = build([1.0, 0.0, -2.0], ([0, 1], [1, 2], [3.0, -4.0]))
    assert picture.blocks(made, 200).tolist() == [[1, 3, 0], [3, 0, -4], [0, -4, -2]]


@pytest.mark.parametrize(("n", "side"), [(1000, 64), (37, 10), (513, 200)])
def test_every_block_holds_its_strongest_entry(n, side):
    made = problem(n, 4 * n)
    full = np.zeros((n, n))
    full[made.rows, made.cols] = full[made.cols, made.rows] = made.weights
    full[np.arange(n), np.arange(n)] = made.linear
    shown = picture.blocks(made, side)
    block = np.arange(n) * side // n
    for r in range(0, side, 7):
        for c in range(0, side, 5):
            part = full[np.ix_(block == r, block == c)]
            assert abs(shown[r, c]) == pytest.approx(np.abs(part).max())


def test_places_are_in_the_square_apart_and_the_same_for_the_same_seed():
    made = problem(60, 120)
    first, again, other = (picture.graph_of(made, seed) for seed in (1, 1, 2))
    assert first == again != other
    at = np.array(first["at"])
    assert at.min() == 0
    assert at.max() == 1
    assert len(np.unique(at.round(2), axis=0)) > 50


def test_coupled_nodes_stand_closer_than_others():
    ring = np.arange(40, dtype=np.int32)
    at = picture.places(40, ring, np.roll(ring, -1), 3)
    near = np.hypot(*(at - np.roll(at, -1, axis=0)).T).mean()
    every = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)).mean()
    assert near < 0.6 * every


def test_the_weakest_couplings_of_a_dense_graph_are_counted_not_drawn(monkeypatch):
    monkeypatch.setattr(picture, "MOST_EDGES", 50)
    made = problem(40, 400)
    graph = picture.graph_of(made, 1)
    assert len(graph["edges"]) == 50
    assert graph["left_out"] == made.couplings - 50
    assert min(abs(edge[2]) for edge in graph["edges"]) >= np.sort(np.abs(made.weights))[-50]


def test_the_job_reads_a_file_and_leaves_out_the_graph_of_a_large_one(tmp_path):
    file = tmp_path / "g.txt"
    file.write_text("3 2\n1 2 1\n2 3 1\n")
    found = picture.picture({"file": str(file)}, 1, silent, never)
    assert (found["n"], found["couplings"], len(found["graph"]["at"])) == (3, 2, 3)
    file.write_text("2000 1\n1 2 1\n")
    assert picture.picture({"file": str(file)}, 1, silent, never)["graph"] is None
    with pytest.raises(BadInput):
        picture.picture({}, 1, silent, never)


async def test_the_command_qubo_picture_hands_the_file_on():
    asked = {}

    async def draw(**given):
        asked.update(given)
        return {"n": 3}

    call = SimpleNamespace(engine=SimpleNamespace(qubo=SimpleNamespace(picture=draw)), actor="me@here", cause="why")
    row = CommandTable(ROWS).need("qubo.picture")
    assert await row.run(call, **row.take({"file": "g.txt", "kind": "qubo", "sense": "max"})) == {"n": 3}
    assert asked == {"file": Path("g.txt"), "kind": "qubo", "sense": "max", "actor": "me@here", "cause": "why"}
