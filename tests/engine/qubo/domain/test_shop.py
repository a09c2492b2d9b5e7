import itertools

import numpy as np

from app.engine.base.contracts import never, silent
from app.engine.qubo.domain.dispatch import dispatch
from app.engine.qubo.domain.shop import search
from app.engine.qubo.problems.jobshop import JobShop

# Fisher and Thompson 1963, 6 x 6 (ft06): the best makespan is 55.
FT06 = """2 1 0 3 1 6 3 7 5 3 4 6
1 8 2 5 4 10 5 10 0 10 3 4
2 5 3 4 5 8 0 9 1 1 4 7
1 5 0 5 2 5 3 3 4 8 5 9
2 9 1 3 4 5 5 4 0 3 3 1
1 3 3 3 5 9 0 10 4 4 2 1"""


def ft06():
    pairs = np.array([line.split() for line in FT06.splitlines()], int).reshape(6, 6, 2)
    return JobShop(pairs[..., 0], pairs[..., 1], tuple("abcdef"))


def test_ft06_is_scheduled_in_its_best_makespan():
    problem = ft06()
    starts, span, made = search(problem.machines, problem.times, problem.lower, 0.0, 1, silent, never, restarts=8)
    assert (span, made) == (55, 8)
    assert problem.check(starts) == []
    assert problem.objective(starts) == 55


def test_equal_seeds_give_equal_schedules():
    problem = ft06()
    how = (problem.machines, problem.times, problem.lower, 0.0, 5, silent, never)
    assert search(*how, restarts=2) == search(*how, restarts=2)


def test_dispatching_gives_a_feasible_schedule():
    problem = ft06()
    starts = dispatch(problem.machines, problem.times)
    assert problem.check(starts) == []
    assert problem.objective(starts) >= 55


def test_a_tiny_shop_is_the_best_of_all_machine_orders():
    machines, times = np.array([[0, 1], [1, 0], [0, 1]]), np.array([[3, 2], [2, 4], [1, 5]])
    problem = JobShop(machines, times, ("a", "b", "c"))
    best = min(
        _span(machines, times, first, second)
        for first in itertools.permutations(range(3))
        for second in itertools.permutations(range(3))
    )
    starts, span, _ = search(machines, times, 0, 0.0, 1, silent, never, restarts=3)
    assert span == best == problem.objective(starts)


def _span(machines, times, *orders):
    """Return the makespan of machine orders by plain relaxation; infinite for a cycle."""
    start = np.zeros(times.shape, int)
    for _ in range(20):
        before = start.copy()
        for j, s in np.ndindex(*times.shape):
            if s:
                start[j, s] = max(start[j, s], start[j, s - 1] + times[j, s - 1])
        for m, order in enumerate(orders):
            for a, b in itertools.pairwise(order):
                at, to = (j_step(machines, j, m) for j in (a, b))
                start[to] = max(start[to], start[at] + times[at])
        if (before == start).all():
            return (start + times).max()
    return np.inf


def j_step(machines, job, machine):
    return job, int(np.flatnonzero(machines[job] == machine)[0])
