"""Problems as linear programmes, against the exhaustive QUBO route and published values."""

import numpy as np
import pytest

from app.engine.base.contracts import Budget, never, silent
from app.engine.base.errors import BadInput
from app.engine.qubo.adapters import highs
from app.engine.qubo.domain.linear import is_linear, programme_of
from app.engine.qubo.domain.methods import method_of
from app.engine.qubo.exact import spectrum
from app.engine.qubo.problem import build
from app.engine.qubo.problems import registry
from app.engine.qubo.problems.work import solve

# 4 sites and 6 customers; capacities bind.
FACILITY = """4 6
9 40
9 55
9 38
9 60
4 10 20 31 45
3 18 9 14 30
5 40 33 12 9
2 7 15 22 28
4 25 11 8 19
3 33 28 17 6
"""
NETWORK = """demand = A D 4
demand = B D 3
from,to,cost,capacity
A,B,1,5
B,D,2,4
A,C,2,9
C,D,2,9
B,C,1,9
"""
LP = "Maximize\n obj: 3 x + 2 y - z\nSubject To\n c1: x + y + z <= 4\n c2: x - y >= -1\nBounds\n 0 <= x <= 3\n 0 <= y <= 3\n 0 <= z <= 2\nGenerals\n x y z\nEnd\n"
COVER = "set,cost,elements\np,3,a b\nq,2,b c\nr,5,a c d\ns,1,d\n"


def by_brute_force(problem):
    """Return the best objective of all answers, whatever the method."""
    sizes = {"facility": lambda: [range(4)] * 6, "network": lambda: [range(len(paths)) for paths in problem.paths]}
    grid = np.array(np.meshgrid(*sizes[problem.kind](), indexing="ij")).reshape(len(sizes[problem.kind]()), -1).T
    return min(problem.objective(row.tolist()) for row in grid if not problem.check(row.tolist()))


@pytest.mark.parametrize("text, kind", [(FACILITY, "facility"), (NETWORK, "network")])
def test_the_proved_answer_is_the_best_of_all_answers(text, kind):
    problem = registry.read(text, kind, kind)
    name, method = method_of(problem)
    found = method(problem, Budget(20.0), 1, silent, never)
    assert problem.check(found.answer) == []
    assert found.proved
    assert problem.objective(found.answer) == pytest.approx(by_brute_force(problem)) == pytest.approx(found.bound)
    assert name == "HiGHS branch and cut"


def test_a_programme_in_lp_format_is_proved_in_its_own_sense():
    problem = registry.read(LP, "lp", "programme")
    found = method_of(problem)[1](problem, Budget(20.0), 1, silent, never)
    assert (problem.objective(found.answer), found.bound, found.proved) == (11.0, 11.0, True)


def test_both_routes_are_compared_at_equal_time():
    result = solve({"text": NETWORK, "name": "n", "seconds": 0.6}, 1, silent, never)
    assert [row["route"] for row in result["routes"]] == ["domain", "qubo"]
    assert result["verdict"] == "At equal time both routes found the same objective."


def test_a_multidimensional_knapsack_is_proved():
    text = "3 2 0\n5 4 3\n2 3 1\n4 1 2\n5 6\n"
    problem = registry.read(text, "k", "knapsack")
    assert is_linear(problem)
    found = method_of(problem)[1](problem, Budget(20.0), 1, silent, never)
    # All subsets by hand: {0, 1} weighs 5 and 5, {0, 2} 3 and 6, {1, 2} 4 and 3, all three too much.
    assert (sorted(found.answer), problem.objective(found.answer), found.proved) == ([0, 1], 9.0, True)


def test_constraints_in_conflict_are_named_and_only_they():
    text = LP.replace(" c2: x - y >= -1\n", " c2: x - y >= 2\n c3: y >= 2\n c4: z <= 2\n")
    with pytest.raises(BadInput, match=r"lp is infeasible: these cannot be kept together: c2, c3$"):
        solve({"text": text, "name": "lp", "seconds": 2.0, "route": "domain"}, 1, silent, never)


def test_no_answer_in_time_leaves_the_other_route(monkeypatch):
    monkeypatch.setattr(highs, "run", lambda *_, **__: highs.Outcome(None, np.inf, -np.inf, proved=False))
    result = solve({"text": NETWORK, "name": "n", "seconds": 0.6}, 1, silent, never)
    assert result["feasible"]
    assert "found no feasible answer" in result["verdict"]
    assert "found no answer in" in result["routes"][0]["why_not"]


def test_the_cover_is_the_cheapest():
    programme, back = programme_of(registry.read(COVER, "c", "cover"))
    found = highs.run(programme, 20.0)
    assert (back(found.values), found.cost, found.bound) == ([0, 1, 3], 6.0, 6.0)


PLACEMENT = "node = n1 2 4 5\nnode = n2 3 3 9\nworkload,cpu,memory,rate\nw1,1,2,2\nw2,2,1,1\nw3,1,2,3\n"


def test_the_placement_is_the_best_of_all_and_one_that_does_not_fit_is_told_with_its_reason():
    problem = registry.read(PLACEMENT, "p", "placement")
    found = method_of(problem)[1](problem, Budget(20.0), 1, silent, never)
    every = np.array(np.meshgrid(*[range(2)] * 3, indexing="ij")).reshape(3, -1).T.tolist()
    assert problem.objective(found.answer) == min(problem.objective(one) for one in every if not problem.check(one))
    assert found.proved
    # Three halves of a host each do not fit onto two hosts of which each takes one: no sum of room tells that.
    text = "node = n1 3 9 1\nnode = n2 3 9 1\nworkload,cpu,memory,rate\na,2,1,1\nb,2,1,1\nc,2,1,1\n"
    with pytest.raises(BadInput, match=r"these cannot be kept together: a, b, c, n1 \(processor\), n2 \(processor\)"):
        solve({"text": text, "name": "p", "seconds": 2.0}, 1, silent, never)


def test_too_few_colours_are_proved_to_be_too_few():
    # A wheel of five spokes has no clique of four, and needs four colours.
    rim = "".join(f"{k},{k % 5 + 1}\n{k},hub\n" for k in range(1, 6))
    problem = registry.read(f"colors = 4\nfrom,to\n{rim}", "w")
    found = method_of(problem)[1](problem, Budget(30.0), 1, silent, never)
    assert (problem.objective(found.answer), found.proved, problem.check(found.answer)) == (4, True, [])
    with pytest.raises(BadInput, match=r"together: 1, 2, hub, 3, 4, 5, 1 - 2, 1 - hub, 2 - 3, 2 - hub, 3 - 4"):
        solve({"text": f"colors = 3\nfrom,to\n{rim}", "name": "w", "seconds": 2.0}, 1, silent, never)


def test_a_qubo_is_proved_and_its_bound_is_its_optimum():
    rng = np.random.default_rng(2)
    i, j = np.triu_indices(12, 1)
    problem = build(rng.integers(-9, 10, 12), (i, j, rng.integers(-9, 10, len(i))), offset=3.0)
    found = highs.Highs().solve(problem, Budget(60.0), 1)
    assert found.info["proved"]
    assert found.energy == spectrum(problem).min() == pytest.approx(found.info["bound"])
