import importlib.util
import math
from pathlib import Path

import numpy as np

from app.engine.base.contracts import Budget
from app.engine.qubo.anneal import Annealing, _Form
from app.engine.qubo.exact import spectrum
from app.engine.qubo.exchange import COLD_RATIO, HOT_RATIO, RUNGS, SWEEPS_PER_LOOK, Ladder
from app.engine.qubo.lengths import Length
from app.engine.qubo.planted import cubes
from app.engine.qubo.problem import build
from app.engine.qubo.schedule import field_scale


def small():
    rng = np.random.default_rng(5)
    i, j = np.triu_indices(6, 1)
    return build(rng.integers(-3, 4, 6), (i, j, rng.integers(-4, 5, len(i))))


def test_every_rung_keeps_the_boltzmann_distribution_of_its_temperature() -> None:
    problem = small()
    form = _Form(problem)
    ladder = Ladder(form, np.random.default_rng(1))
    told = np.array([(ladder.look(), list(ladder.energies))[1] for _ in range(500)])
    levels = (spectrum(problem) - form.constant) / form.ising.unit
    for rung in (0, RUNGS // 2, RUNGS - 1):
        temperature = 2 * np.geomspace(HOT_RATIO, COLD_RATIO, RUNGS)[rung] * field_scale(form.ising)
        weights = np.exp(-(levels - levels.min()) / temperature)
        mean = (weights * levels).sum() / weights.sum()
        spread = np.sqrt((weights * (levels - mean) ** 2).sum() / weights.sum())
        assert abs(told[:, rung].mean() - mean) < 5 * spread / np.sqrt(500) + 1e-9


def test_the_energies_it_carries_are_those_of_its_states() -> None:
    problem, _, _ = cubes((4, 4, 6), 3)
    form = _Form(problem)
    ladder = Ladder(form, np.random.default_rng(2))
    for state in ladder.look():
        assert any(state is other for other in ladder.states)
    for (spins, _), energy in zip(ladder.states, ladder.energies, strict=True):
        assert problem.energy(form.sample(spins)) == energy * form.ising.unit + form.constant


def test_a_run_of_anneals_and_exchange_is_made_again_from_its_plan() -> None:
    problem, best_cut, _ = cubes((8, 8, 8), 4)
    found = Annealing().solve(problem, Budget(0.6), 9)
    assert found.info["looks"] > 0
    again = Annealing(**found.info["replay"]["options"]).solve(problem, Budget(0.0), 9)
    np.testing.assert_array_equal(again.sample, found.sample)
    assert -found.energy <= best_cut


def test_exchange_alone_finds_what_was_planted() -> None:
    problem, best_cut, _ = cubes((8, 8, 8), 4)
    found = Annealing(plan=(Length(64, 64, traded=True),), thread=0).solve(problem, Budget(60.0), 1)
    assert -found.energy == best_cut
    assert (found.info["anneals"], found.info["sweeps"]) == (0, 64 * SWEEPS_PER_LOOK)


def test_without_exchange_there_are_anneals_only() -> None:
    problem, _, _ = cubes((4, 4, 6), 3)
    assert Annealing(exchange=False).solve(problem, Budget(0.3), 1).info["looks"] == 0


def test_the_benchmark_marks_a_ratio_whose_other_side_missed_as_a_floor():
    file = Path(__file__).parents[3] / "benchmarks" / "qubo_common.py"
    spec = importlib.util.spec_from_file_location("qubo_common", file)
    common = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(common)
    assert common.median_ratio([3.0, math.inf, 5.0], [1.0, 2.0, math.inf], cap=30.0) == (2.5, {})
    assert common.median_ratio([math.inf] * 2, [1.0, 2.0], cap=30.0) == (20.0, {"at_least": True})
    ratio, floor = common.median_ratio([1.0, 2.0], [math.inf] * 2, cap=30.0)
    assert (math.isnan(ratio), floor) == (True, {})
    assert common.restart_bound([math.inf, 3.0], [1.0, 2.0], cap=30.0) is None
    bound = common.restart_bound([math.inf] * 20, [2.0], cap=30.0)
    rate_hz = math.log(2) / (bound * 2.0)  # of a peer whose median is just that
    assert math.isclose(math.exp(-rate_hz * 20 * 30.0), 0.05)  # and which misses in all of that time one time in twenty
