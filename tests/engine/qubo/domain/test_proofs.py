"""Every method that proves something returns a bound no better than its answer, and says whose it is."""

from pathlib import Path

import numpy as np
import pytest

from app.engine.base.contracts import Budget, never, silent
from app.engine.qubo.adapters import cpsat
from app.engine.qubo.domain import methods, proofs
from app.engine.qubo.problems import registry
from app.engine.qubo.problems.tsp import Tsp
from app.engine.qubo.problems.work import solve

DATA = Path(__file__).parents[4].parent / "shared" / "data"
PROVED = ("tsp", "jobshop", "flowshop", "placement", "facility", "supply", "knapsack", "coloring", "partition", "cover",
          "qap", "portfolio")  # fmt: skip
needs_cpsat = pytest.mark.skipif(not cpsat.available(), reason="ortools is not installed")


@pytest.mark.parametrize("kind", PROVED)
def test_the_sample_of_a_kind_gets_a_bound_from_its_own_method(kind):
    result = solve({"file": str(registry.sample_of(kind)), "seconds": 1.0, "route": "domain"}, 1, silent, never)
    sign = -1.0 if result["problem"]["sense"] == "max" else 1.0
    assert result["feasible"]
    assert result["bound_by"]
    assert sign * result["bound"] <= sign * result["objective"] + 1e-9
    assert 0 <= result["gap"] < 1
    assert result["routes"][0]["bound"] == result["bound"]
    assert not result["proved"] or result["gap"] < 1e-5


def data(name):
    path = DATA / name
    if not path.exists():
        pytest.skip("shared data absent")
    return path.read_text("utf-8")


def test_berlin52_is_proved_by_1_trees_without_any_extra(monkeypatch):
    monkeypatch.setattr(cpsat, "available", lambda: False)
    problem = registry.read(data("routing/berlin52.tsp"), "berlin52")
    outcome = proofs.tsp(problem, Budget(20.0), 1, silent, never)
    assert (problem.objective(outcome.answer), outcome.bound, outcome.proved) == (7542, 7542, True)


@needs_cpsat
def test_p_n16_k8_is_proved_by_cpsat():
    problem = registry.read(data("routing/P-n16-k8.vrp"), "P-n16-k8")
    outcome = proofs.cvrp(problem, Budget(3.0), 1, silent, never)
    assert problem.check(outcome.answer) == []
    assert problem.objective(outcome.answer) == 450
    assert 380 <= outcome.bound <= 450
    assert outcome.by == "CP-SAT"


@needs_cpsat
def test_a_tour_whose_ways_differ_by_direction_is_proved_by_cpsat():
    rng = np.random.default_rng(5)
    text = (
        "NAME: a\nTYPE: ATSP\nDIMENSION: 9\nEDGE_WEIGHT_TYPE: EXPLICIT\nEDGE_WEIGHT_FORMAT: FULL_MATRIX\nEDGE_WEIGHT_SECTION\n"
    )
    text += "\n".join(" ".join(map(str, row)) for row in rng.integers(1, 99, (9, 9))) + "\nEOF\n"
    problem = registry.read(text, "a")
    outcome = methods.method_of(problem)[1](problem, Budget(4.0), 1, silent, never)
    assert isinstance(problem, Tsp)
    assert outcome.by == "CP-SAT"
    assert outcome.bound <= problem.objective(outcome.answer)


def test_more_tours_than_the_given_vehicles_can_drive_are_no_answer():
    text = "capacity = 4\nvehicles = 1\nname,x,y,demand\nd,0,0,0\na,1,0,2\nb,2,0,2\n"
    problem = registry.read(text, "v")
    assert problem.check([[1], [2]]) == []  # one vehicle can drive both, one after the other
    heavier = registry.read(text.replace("capacity = 4", "capacity = 3").replace("vehicles = 1", "vehicles = 2"), "v")
    assert heavier.check([[1], [2]]) == []
    assert registry.read(text.replace("capacity = 4", "capacity = 3"), "v").check([[1], [2]]) != []


def test_what_a_qubo_proves_is_no_bound_where_it_lacks_answers():
    free = "capacity = 3\nname,x,y,demand\nd,0,0,0\na,1,0,2\nb,2,0,2\n"
    told = solve({"text": free, "name": "v", "seconds": 0.3, "solver": "exact", "route": "qubo"}, 1, silent, never)
    assert (told["bound"], told["proved"]) == (None, False)
    fixed = solve({"text": "vehicles = 2\n" + free, "name": "v", "seconds": 0.3, "solver": "exact"}, 1, silent, never)
    assert (fixed["bound"], fixed["proved"]) == (fixed["objective"], True)


def test_a_search_ends_where_the_bound_is_reached():
    told, stop = proofs._until(10.0, silent, never)
    told(1.0, 2.0, "s", {"best_energy": 11.0})
    assert not stop()
    told(1.0, 2.0, "s", {"best_energy": 10.0})
    assert stop()


def test_a_qubo_that_is_proved_says_so_and_by_whom():
    result = solve({"file": str(registry.sample_of("maxcut")), "seconds": 0.3, "solver": "exact"}, 1, silent, never)
    assert (result["proved"], result["bound"], result["bound_by"]) == (True, result["objective"], "exact")


def test_a_cut_without_a_method_of_its_own_is_bounded_by_eigenvalues():
    result = solve({"file": str(registry.sample_of("maxcut")), "seconds": 0.3, "solver": "anneal"}, 1, silent, never)
    assert (result["bound_by"], result["sense"]) == ("eigenvalues", "max")
    assert result["bound"] >= result["objective"]
    assert 0 <= result["gap"] < 0.5


def test_a_heuristic_alone_proves_nothing():
    spec = {"file": str(registry.sample_of("tsp")), "seconds": 0.3, "solver": "anneal", "route": "qubo"}
    result = solve(spec, 1, silent, never)
    assert (result["proved"], result["bound"], result["gap"]) == (False, None, None)
