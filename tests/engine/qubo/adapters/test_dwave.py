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


class Hitting:
    """A search that knows its clock: it comes to all ones after so many seconds of searching, over all of its calls."""

    hit_s, besides_s, now_s, searched_s = 0.01, 0.0002, 0.0, 0.0
    calls = 0

    def __init__(self, _matrix, state, _tenure, most_ms, _restarts, _seed, threshold) -> None:
        mine = type(self)
        left_s = mine.hit_s - mine.searched_s
        ends = np.isfinite(threshold) and 0 < left_s < most_ms / 1000
        spent_s = left_s if ends else most_ms / 1000
        mine.searched_s += spent_s
        mine.now_s += mine.besides_s + spent_s
        mine.calls += 1
        self._state = [1] * len(state) if mine.searched_s >= mine.hit_s - 1e-9 else list(state)

    def bestSolution(self):
        return self._state


def told_at(monkeypatch, seconds: float, goal: float | None = None, **facts: float) -> tuple[list[float], type[Hitting]]:
    """Return the moments at which the best was told to be all ones, and the search."""
    search = type("Search", (Hitting,), facts)
    monkeypatch.setattr("dwave.samplers.tabu.TabuSearch", search)
    ones = max_cut(40, (np.arange(39), np.arange(1, 40), -np.ones(39)))
    lowest = Qubo(ones.linear - 1.0, ones.rows, ones.cols, ones.weights)
    best, moments = lowest.energy(np.ones(40, np.int8)), []

    def report(_done, _total, _unit, partial) -> None:
        if partial["best_energy"] <= best:
            moments.append(search.now_s)

    DwaveTabu(goal=best if goal is None else goal, now=lambda: search.now_s).solve(lowest, Budget(seconds), 1, report)
    return moments, search


def test_what_a_tabu_search_finds_in_ten_milliseconds_is_told_before_fifty(monkeypatch) -> None:
    assert told_at(monkeypatch, 2.0, goal=-np.inf)[0][0] < 0.02


def test_the_energy_it_is_to_come_to_is_told_as_soon_as_it_does(monkeypatch) -> None:
    assert told_at(monkeypatch, 20.0, hit_s=7.0)[0][0] == pytest.approx(7.0, abs=0.01)


@pytest.mark.parametrize("besides_s", [0.001, 0.2])
def test_a_tabu_search_spends_its_time_searching(monkeypatch, besides_s) -> None:
    _, search = told_at(monkeypatch, 20.0, goal=-np.inf, besides_s=besides_s)
    assert search.searched_s > 0.85 * search.now_s
    assert search.now_s < 20.0 + 2 * besides_s


def test_a_part_is_given_what_the_sampler_gives_its_search(problem) -> None:
    sampler = dwave._sampler("TabuSampler")
    theirs, order = sampler._bqm_to_tabu_qubo(dwave._model(problem, "BINARY"))
    place = np.argsort(list(order))
    np.testing.assert_allclose(dwave._matrix(problem), theirs[np.ix_(place, place)])


def test_a_search_with_a_goal_ends_its_first_part_there_and_is_made_again(problem) -> None:
    best = DwaveTabu().solve(problem, Budget(0.2), 3).energy
    found = DwaveTabu(goal=best).solve(problem, Budget(20.0), 4, stop=lambda: True)
    assert found.energy <= best
    assert found.info["reads"] == 1
    again = DwaveTabu(**found.info["replay"]["options"]).solve(problem, Budget(0.0), 4)
    np.testing.assert_array_equal(again.sample, found.sample)


def test_the_package_can_be_loaded_ahead() -> None:
    load()
