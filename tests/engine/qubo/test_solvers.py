"""The law that every solver keeps, and the registry."""

import dataclasses
import itertools
import json

import numpy as np
import pytest

from app.engine.base.contracts import Budget
from app.engine.base.errors import BadInput, Limit
from app.engine.qubo import solvers
from app.engine.qubo.exact import spectrum
from app.engine.qubo.problem import build, max_cut


def random_qubo(n: int, seed: int, *, whole: bool):
    rng = np.random.default_rng(seed)
    i, j = np.triu_indices(n, 1)
    weights = rng.integers(-9, 10, len(i)) if whole else rng.normal(size=len(i))
    return build(rng.integers(-9, 10, n) if whole else rng.normal(size=n), (i, j, weights), offset=2.5)


AWKWARD = {
    "one variable up": build([1.0], ([], [], [])),
    "one variable down": build([-1.0], ([], [], [])),
    "no couplings": build([1.0, -2.0, 0.0, 3.0], ([], [], [])),
    "all zero": build(np.zeros(5), ([0, 1], [1, 2], [0.0, 0.0])),
    "duplicates": build([0.0, 1.0, -1.0], ([0, 1, 0], [1, 0, 2], [2.0, -5.0, 1.0])),
    "tiny and huge": build([1e-3, -1e3, 5.0], ([0, 1], [1, 2], [1e3, -1e-3])),
    "large and whole": build([70_000.0, -50_000.0, 1.0], ([0, 1], [1, 2], [-90_000.0, 30_001.0])),
    "isolated node": max_cut(4, ([0, 1], [1, 3], [1.0, -2.0])),
    "real": random_qubo(9, 3, whole=False),
    "whole": random_qubo(14, 5, whole=True),
    "cube": max_cut(8, ([0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3], [1, 2, 3, 0, 5, 6, 7, 4, 4, 5, 6, 7], np.ones(12))),
}
CARDS = {card.name: card for card in solvers.cards()}
THREADED = {"anneal", "tabu", "replicas"}
each_solver = pytest.mark.parametrize("name", CARDS)


def steady(name: str):
    return solvers.make(name, dict(CARDS[name].fixed))


@each_solver
@pytest.mark.parametrize("case", AWKWARD)
def test_small_problems_are_solved_and_energies_are_true(name: str, case: str) -> None:
    problem = AWKWARD[case]
    found = steady(name).solve(problem, Budget(20.0), 7)
    assert found.sample.shape == (problem.n,)
    assert set(found.sample.tolist()) <= {0, 1}
    assert found.energy == pytest.approx(problem.energy(found.sample), rel=1e-9, abs=1e-9)
    assert found.energy == pytest.approx(spectrum(problem).min(), rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(problem.energies(found.samples), found.energies, atol=1e-9)
    assert found.energies[0] == found.energy == found.energies.min()
    assert len(found.info["counts"]) == len(found.samples) == len({row.tobytes() for row in found.samples})


@each_solver
def test_equal_seeds_give_equal_results(name: str) -> None:
    problem = random_qubo(18, 9, whole=True)
    one, other = (steady(name).solve(problem, Budget(20.0), 123) for _ in range(2))
    np.testing.assert_array_equal(one.samples, other.samples)
    np.testing.assert_array_equal(one.energies, other.energies)
    assert one.info["counts"] == other.info["counts"]


@each_solver
def test_a_seed_may_be_any_unsigned_64_bit_number(name: str) -> None:
    steady(name).solve(AWKWARD["cube"], Budget(20.0), 2**64 - 1)


@each_solver
def test_a_stop_ends_the_search_with_what_there_is(name: str) -> None:
    problem = random_qubo(15, 2, whole=True)
    asked = []

    def stop() -> bool:
        asked.append(1)
        return True

    found = solvers.make(name).solve(problem, Budget(3600.0), 1, stop=stop)
    assert found.energy == pytest.approx(problem.energy(found.sample))
    assert asked or found.info["proved"]


@each_solver
def test_the_best_energy_is_told_and_never_worsens(name: str) -> None:
    told = []
    problem = random_qubo(16, 4, whole=False)
    found = solvers.make(name).solve(problem, Budget(0.3), 1, lambda *args: told.append(args))
    best = [args[3]["best_energy"] for args in told if args[3]]
    assert best == sorted(best, reverse=True)
    assert best[-1] == pytest.approx(found.energy)


@each_solver
def test_a_problem_is_left_as_it_was(name: str) -> None:
    problem = random_qubo(10, 6, whole=True)
    before = (problem.linear.copy(), problem.weights.copy())
    steady(name).solve(problem, Budget(5.0), 1)
    np.testing.assert_array_equal(problem.linear, before[0])
    np.testing.assert_array_equal(problem.weights, before[1])


@each_solver
@pytest.mark.parametrize("whole", [True, False])
def test_the_best_answer_is_made_again_from_its_recipe(name: str, whole: bool) -> None:
    large = CARDS[name].most_variables > 22 and name not in {"dwave-tree", "highs"}
    problem = random_qubo(40, 8, whole=whole) if large else AWKWARD["whole" if whole else "real"]
    found = solvers.make(name).solve(problem, Budget(20.0 if name == "highs" else 0.2), 5)
    recipe = json.loads(json.dumps(found.info["replay"]))
    again = solvers.make(recipe["solver"], recipe["options"]).solve(problem, Budget(0.0), recipe.get("seed", 5))
    np.testing.assert_array_equal(again.sample, found.sample)
    assert (again.energy, again.info["replay"]) == (found.energy, found.info["replay"])


@pytest.mark.parametrize(
    "name", ["anneal", "tabu", "replicas", "bifurcation", "dwave-sa", "dwave-tabu", "dwave-descent", "highs"]
)
def test_an_answer_cut_by_its_clock_is_made_again_on_another_one(name: str) -> None:
    problem = random_qubo(120, 3, whole=True)
    ticks = itertools.count()
    found = dataclasses.replace(solvers.make(name), now=lambda: 0.01 * next(ticks)).solve(
        problem, Budget(0.3, 2 if name in THREADED else 1), 11
    )
    recipe = json.loads(json.dumps(found.info["replay"]))
    again = solvers.make(recipe["solver"], recipe["options"]).solve(problem, Budget(86_400.0), 11)
    np.testing.assert_array_equal(again.sample, found.sample)


def ring(n: int):
    return max_cut(n, (np.arange(n), (np.arange(n) + 1) % n, np.ones(n)))


def test_auto_chooses_by_size_structure_and_density_and_says_why() -> None:
    assert solvers.choose(random_qubo(12, 1, whole=True)).name == "exact"
    assert solvers.choose(ring(300)).name == "dwave-tree"
    dense = solvers.choose(random_qubo(60, 1, whole=True))
    assert (dense.name, dense.options["members"]) == ("portfolio", ["tabu", "anneal"])
    rng = np.random.default_rng(1)
    sparse = solvers.choose(max_cut(1000, (rng.integers(0, 1000, 5000), rng.integers(0, 1000, 5000), np.ones(5000))))
    assert (sparse.name, sparse.options["members"]) == ("portfolio", ["anneal", "tabu"])
    large = solvers.choose(max_cut(9000, (rng.integers(0, 9000, 45_000), rng.integers(0, 9000, 45_000), np.ones(45_000))))
    assert large.name == "anneal"
    assert all(one.why for one in (dense, sparse, large))


def test_a_portfolio_returns_its_best_and_how_the_time_was_shared() -> None:
    problem = random_qubo(60, 3, whole=True)
    found = solvers.make("portfolio").solve(problem, Budget(0.3), 9)
    assert [share["solver"] for share in found.info["shares"]][:2] == ["anneal", "tabu"]
    assert len(found.info["shares"]) == 3
    assert found.energy == min(share["energy"] for share in found.info["shares"])
    recipe = found.info["replay"]
    again = solvers.make(recipe["solver"], recipe["options"]).solve(problem, Budget(0.0), recipe["seed"])
    np.testing.assert_array_equal(again.sample, found.sample)


def test_an_unknown_solver_or_option_is_refused() -> None:
    with pytest.raises(BadInput, match="anneal, tabu"):
        solvers.make("magic")
    with pytest.raises(BadInput, match="no option speed"):
        solvers.make("anneal", {"speed": 3})


def test_a_solver_is_not_given_more_than_it_takes() -> None:
    with pytest.raises(Limit, match="at most 22"):
        solvers.choose(random_qubo(23, 1, whole=True), "exact")


def test_what_was_asked_for_is_chosen() -> None:
    assert solvers.choose(random_qubo(5, 1, whole=True), "dwave-sa").name == "dwave-sa"


@pytest.mark.parametrize(
    "name, options, told",
    [("dwave-sa", {"sweeps": 0}, "sweeps"), ("anneal", {"exchange": 7}, "exchange"), ("tabu", {"speed": 1}, "no option speed")],
)
def test_what_a_solver_cannot_take_is_refused(name: str, options: dict, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        solvers.make(name, options)


def test_options_as_typed_are_read_and_refused_by_their_field() -> None:
    assert solvers.read_options("tabu", "searches=3, thread=1", "options") == {"searches": 3, "thread": 1}
    assert solvers.read_options("tabu", "", "options") == {}
    for text in ("searches", "searches=x", "searches=-1", "searches=" + "9" * 30):
        with pytest.raises(BadInput, match="Expected option=number after tabu") as caught:
            solvers.read_options("tabu", text, "options")
        assert caught.value.field == "options"


def test_a_card_tells_each_option_with_its_default_which_is_the_solvers_own() -> None:
    for card in solvers.cards():
        made = solvers.make(card.name)
        assert {one["name"]: one["default"] for one in card.to_json()["options"]} == {
            arg.name: int(getattr(made, arg.name)) for arg in card.options
        }
