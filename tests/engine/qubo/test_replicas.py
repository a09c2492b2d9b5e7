from pathlib import Path

import numpy as np
import pytest

from app.engine.base.contracts import Budget
from app.engine.qubo.problem import max_cut
from app.engine.qubo.reader import read_problem
from app.engine.qubo.replicas import ReplicaAnnealing, warm_up

DATA = Path(__file__).parents[3].parent / "shared" / "data"


def grid(rows: int, cols: int):
    """A bipartite torus (even sides): all edges can be cut."""
    node = np.arange(rows * cols).reshape(rows, cols)
    i = np.concatenate([node.ravel(), node.ravel()])
    j = np.concatenate([np.roll(node, 1, 0).ravel(), np.roll(node, 1, 1).ravel()])
    return max_cut(rows * cols, (i, j, np.ones(len(i))))


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_do_not_change_a_run_of_fixed_sweeps(threads: int) -> None:
    problem = grid(6, 8)
    one = ReplicaAnnealing(sweeps=40, replicas=96).solve(problem, Budget(9.0, 1), 5)
    other = ReplicaAnnealing(sweeps=40, replicas=96).solve(problem, Budget(9.0, threads), 5)
    np.testing.assert_array_equal(one.samples, other.samples)
    assert one.info["counts"] == other.info["counts"]
    assert one.info["sweeps"] == 3 * 40


def test_a_bipartite_torus_is_cut_whole() -> None:
    problem = grid(20, 30)
    found = ReplicaAnnealing(sweeps=2000).solve(problem, Budget(9.0), 1)
    assert -found.energy == problem.couplings


def test_samples_are_local_optima_with_their_own_energies() -> None:
    problem = grid(6, 8)
    found = ReplicaAnnealing(sweeps=3).solve(problem, Budget(9.0), 2)
    np.testing.assert_allclose(problem.energies(found.samples), found.energies)
    for sample, energy in zip(found.samples, found.energies, strict=True):
        for k in range(problem.n):
            flipped = sample.copy()
            flipped[k] ^= 1
            assert problem.energy(flipped) >= energy - 1e-9


def test_every_thread_has_replicas_of_its_own_within_a_budget() -> None:
    found = ReplicaAnnealing().solve(grid(4, 4), Budget(0.1, 2), 3)
    assert found.info["replicas"] == 64
    assert found.energy == -32


def test_warm_up_compiles_both_kinds_of_number() -> None:
    from app.engine.qubo import replicas_kernel

    warm_up()
    assert len(replicas_kernel.anneal.signatures) >= 2
    assert len(replicas_kernel.lane_energies.signatures) >= 2


@pytest.mark.parametrize(
    "name, sweeps, target",
    [("maxcut/G1.txt", 1500, 11_600), ("maxcut/G22.txt", 1000, 13_320), ("qubo/bqp250_1.qubo", 500, 45_607)],
)
def test_published_problems_are_solved_near_their_best_known(name: str, sweeps: int, target: int) -> None:
    if not (DATA / name).exists():
        pytest.skip("shared data absent")
    problem = read_problem(DATA / name)
    found = ReplicaAnnealing(sweeps=sweeps).solve(problem, Budget(60.0), 1)
    assert problem.objective(found.sample) >= target
