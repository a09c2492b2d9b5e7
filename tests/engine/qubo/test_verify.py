import numpy as np
import pytest

from app.engine.base.errors import Bug
from app.engine.qubo.problem import build, max_cut, sample_text
from app.engine.qubo.readers import gset, qbsolv
from app.engine.qubo.verify import confirm, objective_of_text


def test_the_file_alone_gives_the_objective() -> None:
    assert objective_of_text("# x\n\n3 3\n1 2 1\n2 3 2.5\n1 3 -4\n", "010") == 3.5
    assert objective_of_text("c x\np qubo 0 3 1 2\n0 0 5\n0 1 2\n1 2 -7\n", "110") == 7


@pytest.mark.parametrize("write, sense", [(gset.write, "max"), (qbsolv.write, "max"), (qbsolv.write, "min")])
def test_file_and_coefficients_agree_on_any_sample(write, sense) -> None:
    rng = np.random.default_rng(6)
    i, j = np.triu_indices(7, 1)
    pairs = (i, j, rng.normal(size=len(i)))
    problem = max_cut(7, pairs) if write is gset.write else build(rng.normal(size=7), pairs, sense=sense)
    for sample in rng.integers(0, 2, (20, 7)):
        told = confirm(problem, write(problem), sample_text(sample), problem.energy(sample))
        assert told == pytest.approx(problem.objective(sample))


def test_a_wrong_energy_is_a_bug() -> None:
    problem = max_cut(2, ([0], [1], [1.0]))
    with pytest.raises(Bug, match=r"claims 2\.0"):
        confirm(problem, gset.write(problem), "01", -2.0)


def test_a_file_that_says_otherwise_is_a_bug() -> None:
    problem = max_cut(2, ([0], [1], [1.0]))
    with pytest.raises(Bug, match=r"file gives 3\.0"):
        confirm(problem, "2 1\n1 2 3\n", "01", -1.0)


def test_without_a_file_the_coefficients_decide() -> None:
    problem = build([1.0, -2.0], ([], [], []))
    assert confirm(problem, "", "01", -2.0) == -2.0
