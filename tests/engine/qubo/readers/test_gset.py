from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.base.errors import BadInput, Limit
from app.engine.qubo.problem import max_cut
from app.engine.qubo.readers import gset

DATA = Path(__file__).parents[4].parent / "shared" / "data" / "maxcut"
GOOD = "4 3\n1 2 1\n2 3 -1\n4 1 2.5\n"


def test_a_graph_is_read_as_it_stands() -> None:
    problem = gset.read(GOOD, "g")
    assert (problem.n, problem.couplings, problem.kind, problem.sense) == (4, 3, "maxcut", "max")
    assert problem.objective([0, 1, 0, 1]) == 2.5
    assert problem.objective([0, 1, 1, 0]) == 1.0


@pytest.mark.parametrize(
    "text, line, reason",
    [
        ("", 1, "number of nodes"),
        ("4\n", 1, "number of nodes"),
        ("-4 3\n", 1, "whole number"),
        ("0 0\n", 0, "at least one"),
        ("4 3\n1 2 1\n2 3\n", 3, "found 2 words"),
        ("4 3\n1 2 1\n\n2 3 x\n", 4, "finite number, found 'x'"),
        ("4 3\n1 5 1\n", 2, "from 1 to 4, found '5'"),
        ("4 3\n0 2 1\n", 2, "from 1 to 4, found '0'"),
        ("4 3\n2 2 1\n", 2, "two different nodes"),
        ("4 1\n1 2 1\n2 3 1\n", 3, "promises 1 edges"),
        ("4 2\n1 2 1\n", 2, "ends after 1"),
        ("4 3\n1 2 1\n2 3 1\n2 1 1\n", 4, "the pair 1 2 stands already on line 2"),
        ("4 1\n1 2 nan\n", 2, "finite number"),
        ("4 1\n1 2 1e999\n", 2, "finite number"),
    ],
)
def test_a_malformed_graph_names_file_line_and_reason(text: str, line: int, reason: str) -> None:
    with pytest.raises(BadInput) as told:
        gset.read(text, "some.txt")
    assert reason in str(told.value)
    assert not line or str(told.value).startswith(f"some.txt, line {line}: ")


def test_a_graph_too_large_is_refused_by_its_first_line() -> None:
    with pytest.raises(Limit, match="999999999 variables"):
        gset.read("999999999 1\n1 2 1\n", "g")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 9))
def test_what_is_written_reads_back(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    i, j = np.triu_indices(n, 1)
    keep = rng.random(len(i)) < 0.5
    problem = max_cut(n, (i[keep], j[keep], rng.normal(size=keep.sum())))
    again = gset.read(gset.write(problem, "by a test"), "g")
    sample = rng.integers(0, 2, n)
    assert again.objective(sample) == pytest.approx(problem.objective(sample))
    assert again.couplings == problem.couplings


@pytest.mark.parametrize("name, n, m", [("G1", 800, 19176), ("G22", 2000, 19990), ("G55", 5000, 12498)])
def test_the_published_graphs_are_read(name: str, n: int, m: int) -> None:
    path = DATA / f"{name}.txt"
    if not path.exists():
        pytest.skip("shared data absent")
    problem = gset.read(path.read_text(), name)
    assert (problem.n, problem.couplings) == (n, m)
