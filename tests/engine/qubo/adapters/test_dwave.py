import numpy as np
import pytest

from app.engine.base.contracts import Budget, never, silent
from app.engine.qubo.adapters import dwave
from app.engine.qubo.adapters.dwave import DwaveAnnealing, DwaveDescent, DwaveTabu, load
from app.engine.qubo.allowance import Allowance
from app.engine.qubo.problem import Qubo, max_cut


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


class Timed:
    """A clock that only sampler calls move: each costs 0.08 s, and 65 us a sweep."""

    def __init__(self, monkeypatch) -> None:
        self.now_s, self.late, plain = 0.0, {}, dwave._Spins._read
        self.calls = 0

        def read(spins, sweeps, betas):
            self.now_s += 0.08 + 65e-6 * sweeps + self.late.get(self.calls, 0.0)
            self.calls += 1
            return plain(spins, min(sweeps, 5), betas)

        monkeypatch.setattr(dwave._Spins, "_read", read)

    def fitting(self, problem: Qubo, wanted: int, seconds: float) -> int:
        spins = dwave._Spins(problem)
        return spins.fitting(wanted, Allowance(seconds, silent, never, lambda: self.now_s))


@pytest.mark.parametrize("sweeps", [1000, 3000, 10_000, 30_000])
def test_sweeps_that_the_budget_has_time_for_are_not_cut_by_what_a_call_costs_besides(problem, monkeypatch, sweeps) -> None:
    assert Timed(monkeypatch).fitting(problem, sweeps, 20.0) == sweeps


@pytest.mark.parametrize("late", [{1: 0.5}, {5: 0.5}])
def test_one_call_that_was_held_up_does_not_cut_the_sweeps(problem, monkeypatch, late) -> None:
    clock = Timed(monkeypatch)
    plain = Timed(monkeypatch).fitting(problem, 10**6, 20.0)
    clock = Timed(monkeypatch)
    clock.late = late
    assert clock.fitting(problem, 10**6, 20.0) == pytest.approx(plain, rel=0.1)


def test_sweeps_are_cut_to_what_is_left_of_the_budget(problem, monkeypatch) -> None:
    clock = Timed(monkeypatch)
    fits = clock.fitting(problem, 30_000, 2.0)
    assert fits == pytest.approx((2.0 - (clock.now_s - 0.08) - 0.08) / 65e-6, rel=0.1)


def test_a_call_that_fills_the_budget_by_itself_leaves_one_read_of_what_it_could_afford(problem, monkeypatch) -> None:
    assert 1 <= Timed(monkeypatch).fitting(problem, 30_000, 0.1) < 1000


def test_what_is_known_of_a_problem_is_found_once(problem, monkeypatch) -> None:
    DwaveAnnealing(sweeps=10).solve(problem, Budget(0.02), 1)
    monkeypatch.setattr(dwave, "_Spins", lambda _problem: pytest.fail("made again"))
    DwaveAnnealing(sweeps=10).solve(problem, Budget(0.02), 2)


def test_the_tabu_search_gets_the_tenure_it_is_given_within_what_the_sampler_takes(problem, monkeypatch) -> None:
    seen = []
    sampler = dwave._sampler("TabuSampler")
    monkeypatch.setattr(dwave, "_sampler", lambda _name: sampler)
    sample = sampler.sample
    monkeypatch.setattr(sampler, "sample", lambda *a, **k: seen.append(k["tenure"]) or sample(*a, **k))
    for tenure, given in ((0, None), (3, 3), (5000, problem.n - 1)):
        found = DwaveTabu(reads=1, moves=50, tenure=tenure).solve(problem, Budget(5.0), 1)
        assert seen[-1] == given
        assert found.info["replay"]["options"]["tenure"] == tenure


def test_the_package_can_be_loaded_ahead() -> None:
    load()
