import numpy as np
import pytest

from app.engine.base.contracts import Budget
from app.engine.qubo.adapters.dwave import DwaveAnnealing, DwaveDescent, DwaveTabu, load
from app.engine.qubo.problem import max_cut


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(12)
    i, j = np.triu_indices(60, 1)
    keep = rng.random(len(i)) < 0.2
    return max_cut(60, (i[keep], j[keep], rng.choice([-1.0, 1.0], keep.sum())))


@pytest.mark.parametrize("make", [DwaveAnnealing, DwaveTabu, DwaveDescent])
def test_exactly_the_reads_asked_for_are_made(problem, make) -> None:
    options = {"moves": 500} if make is DwaveTabu else {}
    found = make(reads=11, **options).solve(problem, Budget(0.001), 4)
    assert found.info["reads"] == 11
    assert sum(found.info["counts"]) == 11


@pytest.mark.parametrize("make", [DwaveAnnealing, DwaveTabu, DwaveDescent])
def test_a_budget_is_filled_with_several_reads(problem, make) -> None:
    told = []
    found = make().solve(problem, Budget(0.6), 4, lambda *args: told.append(args))
    assert found.info["reads"] > 1
    assert len(told) > 1


def test_a_read_is_shortened_until_it_fits_the_budget(problem) -> None:
    found = DwaveAnnealing(sweeps=10**9).solve(problem, Budget(0.05), 1)
    assert 1 <= found.info["sweeps"] < 10**9
    assert found.energy == pytest.approx(problem.energy(found.sample))


def test_the_package_can_be_loaded_ahead() -> None:
    load()
