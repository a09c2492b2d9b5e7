from pathlib import Path

import numpy as np
import pytest

from app.engine.base.contracts import Budget
from app.engine.qubo import anneal, scan_kernel
from app.engine.qubo.anneal import Annealing, warm_up
from app.engine.qubo.planted import torus
from app.engine.qubo.reader import read_problem

DATA = Path(__file__).parents[3].parent / "shared" / "data"


def test_planted_problems_are_solved_to_their_optimum() -> None:
    for seed in range(3):
        problem, best_cut, _ = torus(30, 40, seed)
        assert -Annealing(sweeps=4000).solve(problem, Budget(60.0), seed).energy == best_cut


def test_samples_are_local_optima_with_their_own_energies() -> None:
    problem, _, _ = torus(6, 8, 1)
    found = Annealing(sweeps=20, anneals=9).solve(problem, Budget(9.0), 2)
    np.testing.assert_allclose(problem.energies(found.samples), found.energies)
    for sample, energy in zip(found.samples, found.energies, strict=True):
        flipped = (sample[None] + np.eye(problem.n, dtype=np.int8)) % 2
        assert (problem.energies(flipped) >= energy).all()


def test_two_threads_are_two_walks_and_the_better_one_is_made_again() -> None:
    problem, _, _ = torus(40, 50, 7)
    found = Annealing().solve(problem, Budget(0.3, 2), 3)
    recipe = found.info["replay"]
    assert recipe["options"]["thread"] in {0, 1}
    again = Annealing(**recipe["options"]).solve(problem, Budget(0.0), 3)
    assert again.energy == found.energy
    np.testing.assert_array_equal(again.sample, found.sample)


def test_a_stop_between_ends_an_anneal_that_is_made_again_to_the_same_point() -> None:
    problem, _, _ = torus(40, 50, 8)
    asked = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 12

    found = Annealing(sweeps=10**6).solve(problem, Budget(3600.0), 4, stop=stop)
    ((_, ended, _, _),) = found.info["replay"]["options"]["plan"]
    assert 0 < ended < 10**6
    again = Annealing(**found.info["replay"]["options"]).solve(problem, Budget(0.0), 4)
    np.testing.assert_array_equal(again.sample, found.sample)


def test_warm_up_compiles_both_kinds_of_number() -> None:
    warm_up()
    assert len(scan_kernel.anneal.signatures) >= 2
    assert len(scan_kernel.recombine.signatures) >= 2


@pytest.mark.parametrize(
    "name, sweeps, target",
    [
        ("maxcut/G1.txt", 3000, 11_600),
        ("maxcut/G22.txt", 4000, 13_340),
        ("maxcut/G55.txt", 5000, 10_260),
        ("qubo/bqp250_1.qubo", 900, 45_500),
    ],
)
def test_published_problems_are_solved_near_their_best_known(name: str, sweeps: int, target: int) -> None:
    if not (DATA / name).exists():
        pytest.skip("shared data absent")
    problem = read_problem(DATA / name)
    found = Annealing(sweeps=sweeps, anneals=3).solve(problem, Budget(60.0), 1)
    assert problem.objective(found.sample) >= target


def test_the_form_of_a_problem_is_worked_out_once_and_an_anneal_of_a_moment_is_looked_at_once(monkeypatch) -> None:
    problem, _, _ = torus(6, 8, 1)
    forms, passing, asked = [], [], []
    monkeypatch.setattr(anneal, "_Form", lambda one, build=anneal._Form: forms.append(one) or build(one))
    monkeypatch.setattr(anneal.Walk, "_keep_passing", lambda *_: passing.append(1))

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 12

    for seed in range(2):
        Annealing(now=lambda: 0.0).solve(problem, Budget(1.0), seed, stop=stop)
    assert (forms, passing) == ([problem], [])
