"""HiGHS watched from outside: it tells what it finds, ends when asked, and is left behind when it does not look up."""

import gc
import threading
import weakref

import numpy as np
import pytest

from app.engine.base.contracts import never
from app.engine.jobs.worker import LEFT_BEHIND
from app.engine.qubo.adapters import highs, highs_search
from app.engine.qubo.domain.methods import method_of
from app.engine.qubo.problems import registry
from app.engine.qubo.problems.work import solve


def covers(n=90, rows=50, per_row=7):
    """Return a set cover that HiGHS needs minutes to prove."""
    rng = np.random.default_rng(5)
    kept = [(sorted(rng.choice(n, per_row, replace=False).tolist()), (1.0,) * per_row, 1.0, np.inf) for _ in range(rows)]
    return highs.Programme(rng.integers(50, 60, n).astype(float), np.zeros(n), np.ones(n), kept, np.ones(n, bool))


def capacities(items=60, rows=8):
    """Return a knapsack of several capacities, in the form of OR-Library, that takes HiGHS hours."""
    rng = np.random.default_rng(3)
    weights = rng.integers(100, 1000, (rows, items))
    values = weights.sum(0) // rows + rng.integers(0, 100, items)
    told = [[items, rows, 0], values.tolist(), *weights.tolist(), (weights.sum(1) // 2).tolist()]
    return "".join(" ".join(map(str, line)) + "\n" for line in told)


def test_a_stop_ends_a_search_with_the_best_it_told_of():
    told = []
    programme = covers()
    found = highs.run(programme, 3600.0, stop=lambda: bool(told), told=told.append)
    assert not found.proved
    assert found.cost <= programme.costs @ np.rint(told[-1])
    assert all(found.values[list(row[0])].sum() >= 1 for row in programme.rows)
    assert found.bound <= found.cost


def test_a_search_that_does_not_look_up_is_left_behind_with_what_it_held(monkeypatch):
    waits, held = threading.Event(), np.array([1.0, 0.0])

    def deaf(self):
        self._heard.values, self._heard.bound = held, -3.0
        waits.wait()

    monkeypatch.setattr(highs_search.Search, "_search", deaf)
    programme = highs.Programme(
        np.array([-1.0, -1.0]), np.zeros(2), np.ones(2), [((0, 1), (1.0, 1.0), 0.0, 1.0)], np.ones(2, bool)
    )
    found = highs.run(programme, 3600.0, stop=lambda: True)
    assert (found.values.tolist(), found.cost, found.bound, found.proved) == ([1.0, 0.0], -1.0, -3.0, False)
    (left,) = [thread for thread in threading.enumerate() if thread.name == LEFT_BEHIND]
    waits.set()
    left.join(60)
    assert not left.is_alive()


def test_a_search_that_does_not_look_up_ends_with_its_time_and_is_waited_for_before_what_comes_next(monkeypatch):
    waits, held = threading.Event(), np.array([1.0])

    def deaf(self):
        self._heard.values = held
        waits.wait()

    monkeypatch.setattr(highs_search.Search, "_search", deaf)
    programme = highs.Programme(np.array([-1.0]), np.zeros(1), np.ones(1), [], np.ones(1, bool))
    assert highs.run(programme, 0.01).values.tolist() == [1.0]
    (left,) = [thread for thread in threading.enumerate() if thread.name == LEFT_BEHIND]
    asked = []
    highs_search.settle(lambda: bool(asked) or asked.append(1))
    assert left.is_alive()  # until who waits is stopped
    threading.Timer(0.05, waits.set).start()
    highs_search.settle(never)
    assert not left.is_alive()


def test_the_building_of_the_model_is_time_of_the_search(monkeypatch):
    given, clock = [], iter([100.0, 103.0])

    class Told(highs.Search):
        def _search(self):
            super()._search()
            given.append(self._options.time_limit)

    real = highs_search.time.perf_counter
    monkeypatch.setattr(highs, "Search", Told)
    monkeypatch.setattr(highs_search.time, "perf_counter", lambda: next(clock, 103.0))
    found = highs.run(highs.Programme(np.array([-1.0]), np.zeros(1), np.ones(1), [], np.ones(1, bool)), 8.0)
    monkeypatch.setattr(highs_search.time, "perf_counter", real)
    assert (found.cost, given) == (-1.0, [5.0])


def test_an_error_within_the_search_is_raised_by_who_waits(monkeypatch):
    monkeypatch.setattr(highs_search, "_model", lambda *_: highs_search.load().HighsLp())
    search = highs_search.Search((np.zeros(1), np.zeros(1), np.ones(1), np.ones(1, bool)), (None, np.zeros(0), np.zeros(0)), {})
    monkeypatch.setattr(search, "_highs", None)
    with pytest.raises(highs_search.BindingError, match="AttributeError"):
        search.run()


def test_a_model_that_highs_refuses_is_told(monkeypatch):
    def broken(core, *_):
        model = core.HighsLp()
        model.num_col_ = 3  # and no columns
        return model

    monkeypatch.setattr(highs_search, "_model", broken)
    with pytest.raises(highs_search.BindingError, match="HiGHS took no model"):
        highs_search.Search((np.zeros(1), np.zeros(1), np.ones(1), np.ones(1, bool)), (None, np.zeros(0), np.zeros(0)), {})


def test_the_method_of_highs_ends_at_the_target():
    text = capacities()
    problem = registry.read(text, "k", "knapsack")
    assert method_of(problem)[0] == highs.Highs.title
    goal = float(problem.values.sum()) * 0.45
    told = []
    result = solve({"text": text, "name": "k", "kind": "knapsack", "route": "domain", "seconds": 3600.0, "target": goal}, 1,
                   lambda *news: told.append(news), never)  # fmt: skip
    assert (result["feasible"], result["proved"]) == (True, False)
    assert result["objective"] >= goal
    assert result["traces"][highs.Highs.title]
    assert told


def test_the_solver_of_qubos_ends_at_the_target():
    pairs = np.triu_indices(60, 1)
    signs = np.random.default_rng(1).choice([-1, 1], len(pairs[0]))
    text = f"60 {len(signs)}\n" + "".join(f"{i + 1} {j + 1} {w}\n" for i, j, w in zip(*pairs, signs, strict=True))
    result = solve({"text": text, "name": "g", "solver": "highs", "seconds": 3600.0, "target": 20.0}, 1, lambda *_: None, never)
    assert result["objective"] >= 20.0
    assert not result["proved"]


def test_a_search_that_ended_is_gone(monkeypatch):
    made, real = [], highs.Search
    monkeypatch.setattr(highs, "Search", lambda *given: [search := real(*given), made.append(weakref.ref(search))][0])
    highs.run(covers(20, 5, 3), 60.0)
    gc.collect()
    assert [one() for one in made] == [None]


def test_a_search_says_nothing_on_the_streams_of_the_process(capfd):
    highs.run(covers(12, 8, 3), 3600.0)
    assert tuple(capfd.readouterr()) == ("", "")
