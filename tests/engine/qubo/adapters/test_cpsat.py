import threading

import numpy as np
import pytest

from app.engine.base.contracts import Budget, never, silent
from app.engine.qubo.adapters import cpsat
from app.engine.qubo.domain import methods, proofs
from app.engine.qubo.domain.dispatch import dispatch
from app.engine.qubo.problems import registry
from app.engine.qubo.problems.jobshop import JobShop

# Fisher and Thompson 1963, 6 x 6 (ft06): the best makespan is 55, proved.
FT06 = """6 6
2 1 0 3 1 6 3 7 5 3 4 6
1 8 2 5 4 10 5 10 0 10 3 4
2 5 3 4 5 8 0 9 1 1 4 7
1 5 0 5 2 5 3 3 4 8 5 9
2 9 1 3 4 5 5 4 0 3 3 1
1 3 3 3 5 9 0 10 4 4 2 1
"""
needs_cpsat = pytest.mark.skipif(not cpsat.available(), reason="ortools is not installed (extra exact)")


@pytest.fixture
def ft06():
    return registry.read(FT06, "ft06", "jobshop")


def planned(problem):
    return problem, dispatch(problem.machines, problem.times)


@needs_cpsat
def test_ft06_is_proved_from_a_dispatched_start(ft06):
    problem, known = planned(ft06)
    found = cpsat.schedule(problem.machines, problem.times, known, problem.lower, Budget(60.0), 1, never)
    assert (found.span, found.bound, found.proved) == (55, 55, True)
    assert problem.check(found.starts) == []
    assert problem.objective(found.starts) == 55


@needs_cpsat
def test_equal_seeds_give_equal_schedules(ft06):
    problem, known = planned(ft06)
    how = (problem.machines, problem.times, known, problem.lower, Budget(60.0), 5, never)
    assert cpsat.schedule(*how) == cpsat.schedule(*how)


@needs_cpsat
def test_a_stop_ends_the_search_with_a_schedule_and_a_bound():
    rng = np.random.default_rng(3)
    machines = np.array([rng.permutation(15) for _ in range(30)])
    problem, known = planned(JobShop(machines, rng.integers(1, 100, machines.shape), tuple(map(str, range(30)))))
    asked = threading.Event()

    def stop():
        before, _ = asked.is_set(), asked.set()
        return before

    found = cpsat.schedule(problem.machines, problem.times, known, problem.lower, Budget(3600.0), 1, stop)
    assert problem.check(found.starts) == []
    assert found.bound <= found.span == problem.objective(found.starts)


@needs_cpsat
def test_a_schedule_is_found_again_without_a_clock():
    rng = np.random.default_rng(4)
    machines, times = np.array([rng.permutation(4) for _ in range(6)]), rng.integers(5, 99, (6, 4))
    known = dispatch(machines, times)
    found = cpsat.schedule(machines, times, known, 0, Budget(60.0), 1, never)
    assert found.starts != known
    again = cpsat.schedule(machines, times, known, 0, Budget(0.0), 1, never, goal=found.span)
    assert (again.starts, again.span) == (found.starts, found.span)


@needs_cpsat
def test_the_method_of_a_job_shop_ends_proved(ft06, monkeypatch):
    monkeypatch.setattr(proofs, "_HALF", 0.01)
    outcome = methods.method_of(ft06)[1](ft06, Budget(60.0), 1, silent, never)
    assert outcome.proved
    assert outcome.bound == ft06.objective(outcome.answer) == 55


def test_what_meets_its_bound_needs_no_search(ft06):
    found = cpsat.schedule(ft06.machines, ft06.times, dispatch(ft06.machines, ft06.times), 10**6, Budget(1.0), 1, never)
    assert found.proved


def test_without_cpsat_the_search_runs_alone_and_says_so(ft06, monkeypatch):
    monkeypatch.setattr(cpsat, "available", lambda: False)
    outcome = methods.method_of(ft06)[1](ft06, Budget(0.2), 1, silent, never)
    assert ft06.check(outcome.answer) == []
    assert not outcome.proved
    assert "not installed" in outcome.info["exact"]
