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
    for told, sense, sign in (("", "min", 1), ("c sense = max\n", "max", -1)):
        problem = qbsolv.read(told + GOOD, "q")
        assert problem.sense == sense
        assert problem.objective([1, 0, 1, 0]) == 3 - 1.5 + 4
        assert problem.objective([1, 1, 0, 1]) == 3 - 2
        assert problem.energy([1, 0, 1, 0]) == sign * 5.5


@pytest.mark.parametrize(
    "head, tail, told",
    [
        ("", "", ("min", "")),
        ("c \nc problem 1 from Beasley file bqp50.txt\n", "", ("max", "comments")),
        ("c sense=MAX\n", "", ("max", "told")),
        ("c sense = min\nc from beasley file\n", "", ("min", "told")),
        ("c from beasley file\n", "c sense = min\n\n", ("min", "told")),
        ("c sense = min\n", "c sense = max", ("max", "told")),
        ("", "c a word on the sense of it\n", ("min", "")),
    ],
)
def test_the_sense_is_that_of_the_format_unless_comments_name_beasley_or_tell_it(head, tail, told) -> None:
    assert qbsolv.sense_of(head + GOOD + tail, "q") == told
    assert qbsolv.read(head + GOOD + tail, "q").sense == told[0]


def test_a_sense_that_is_none_is_refused_with_its_line() -> None:
    with pytest.raises(BadInput, match=r"q, line 2: sense is min or max, not 'most'"):
        qbsolv.read("c one\nc sense = most\n" + GOOD, "q")
    with pytest.raises(BadInput, match=r"q, line 8: sense is min or max"):
        qbsolv.read(GOOD + "c sense =\n", "q")


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
    problem = build(rng.normal(size=n), (i, j, rng.integers(-2, 3, len(i))), sense="max" if seed % 2 else "min")
    again = qbsolv.read(qbsolv.write(problem, "by a test"), "q")
    assert again.sense == problem.sense
    sample = rng.integers(0, 2, n)
    assert again.energy(sample) == pytest.approx(problem.energy(sample))


@pytest.mark.parametrize("size", [50, 100, 250, 500, 1000])
def test_beasleys_files_are_read(size: int) -> None:
    path = DATA / f"bqp{size}_1.qubo"
    if not path.exists():
        pytest.skip("shared data absent")
    problem = qbsolv.read(path.read_text(), "q")
    assert (problem.n, problem.sense) == (size, "max")
