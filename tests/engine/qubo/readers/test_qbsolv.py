from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.base.errors import BadInput, Limit
from app.engine.qubo.problem import build
from app.engine.qubo.readers import qbsolv

DATA = Path(__file__).parents[4].parent / "shared" / "data" / "qubo"
HEAD = "c a comment\np qubo 0 4 2 2\n"
GOOD = HEAD + "0 0 3\n2 2 -1.5\nc between\n0 2 4\n1 3 -2\n"


def test_the_objective_is_the_sum_of_the_terms_as_they_stand() -> None:
    problem = qbsolv.read(GOOD, "q")
    assert problem.sense == "max"
    assert problem.objective([1, 0, 1, 0]) == 3 - 1.5 + 4
    assert problem.objective([1, 1, 0, 1]) == 3 - 2
    assert problem.energy([1, 0, 1, 0]) == -5.5


@pytest.mark.parametrize(
    "text, line, reason",
    [
        ("", 1, "p qubo"),
        ("c only\n", 1, "p qubo"),
        ("p qubo 0 4 2\n", 1, "p qubo"),
        ("p qubo chimera128 4 2 2\n", 1, "topology"),
        ("p qubo 0 4 -2 2\n", 1, "whole number"),
        ("p qubo 0 4 5 2\n", 1, "more than maxNodes"),
        (HEAD + "0 0\n", 3, "found 2 words"),
        (HEAD + "0 0 x\n", 3, "finite number"),
        (HEAD + "0 4 1\n", 3, "from 0 to 3"),
        (HEAD + "0 0 1\n1 1 1\n0 1 1\n", 5, "the file has 2 and 1"),
        (HEAD + "0 0 1\n1 1 1\n0 1 1\n1 2 1\n2 3 1\n", 7, "one more"),
        (HEAD + "0 0 1\n1 1 1\n0 1 1\n1 0 1\n", 6, "the pair 0 1 stands already on line 5"),
    ],
)
def test_a_malformed_file_names_file_line_and_reason(text: str, line: int, reason: str) -> None:
    with pytest.raises(BadInput) as told:
        qbsolv.read(text, "some.qubo")
    assert str(told.value).startswith(f"some.qubo, line {line}: ")
    assert reason in str(told.value)


def test_a_file_too_large_is_refused_by_its_p_line() -> None:
    with pytest.raises(Limit):
        qbsolv.read("p qubo 0 1000000 1 1\n", "q")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 9))
def test_what_is_written_reads_back(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    i, j = np.triu_indices(n, 1)
    problem = build(rng.normal(size=n), (i, j, rng.integers(-2, 3, len(i))))
    again = qbsolv.read(qbsolv.write(problem, "by a test"), "q")
    sample = rng.integers(0, 2, n)
    assert again.energy(sample) == pytest.approx(problem.energy(sample))


@pytest.mark.parametrize("size", [50, 100, 250, 500, 1000])
def test_beasleys_files_are_read(size: int) -> None:
    path = DATA / f"bqp{size}_1.qubo"
    if not path.exists():
        pytest.skip("shared data absent")
    assert qbsolv.read(path.read_text(), "q").n == size
