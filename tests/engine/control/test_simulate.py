import dataclasses

import numpy as np
import pytest

from app.engine.control import queueing
from app.engine.control.laws import LAWS, LIMITS
from app.engine.control.loads import TEST, Load, draw
from app.engine.control.peers import Static
from app.engine.control.simulate import CONTENDED, Plant, simulate, spread


def test_a_fixed_size_agrees_with_the_exact_recursion():
    load = Load("steady", seconds=40)
    batch = draw(load, TEST, 0, 2)
    outcome = simulate(Static(14.0), batch, Plant(start=14), load.seconds)
    for row in range(2):
        count = batch.counts[row]
        waits = queueing.fifo_waits_s(batch.times[row, :count], batch.services[row, :count], 14)
        exact = np.quantile(waits + batch.services[row, :count], 0.99, method="higher")
        assert outcome.p99_s[row] == pytest.approx(exact, rel=1e-4)
    assert outcome.resource_ratio == pytest.approx(14 * 40 / batch.services[:, :].sum(axis=1), rel=0.2)


def test_mean_wait_agrees_with_erlang_c():
    load = Load("steady", seconds=400)
    batch = draw(load, TEST, 1, 6)
    waits = [
        queueing.fifo_waits_s(batch.times[k, : batch.counts[k]], batch.services[k, : batch.counts[k]], 13).mean()
        for k in range(6)
    ]
    assert np.mean(waits) == pytest.approx(queueing.mean_wait_s(13, 200, 0.05), rel=0.2)


def test_enough_workers_cost_the_floor_and_no_less():
    load = Load("steady", seconds=40)
    batch = draw(load, TEST, 0, 4)
    outcome = simulate(Static(60.0), batch, Plant(start=60), load.seconds)
    assert outcome.p99_s / (4.605 * 0.05) == pytest.approx(np.ones(4), abs=0.1)
    assert np.all(outcome.cost(0.05) > 2)


def test_a_growth_takes_the_delay():
    load = Load("steady", seconds=20)
    batch = draw(load, TEST, 0, 8)
    slow, fast = (simulate(Static(14.0), batch, Plant(start=2, lag_s=lag), load.seconds).p99_s.mean() for lag in (2.0, 0.0))
    assert slow > fast + 1.0


@pytest.mark.parametrize("name", list(LAWS))
def test_no_law_leaves_the_bounds(name):
    load = Load("bursty", seconds=15)
    outcome = simulate(LAWS[name], draw(load, TEST, 0, 4), Plant(low=4, high=30), load.seconds, keep=True)
    assert outcome.sizes.min() >= 4
    assert outcome.sizes.max() <= 30


def test_settings_in_arrays_equal_settings_one_by_one():
    load = Load("bursty", seconds=15)
    batch = draw(load, TEST, 0, 3)
    many, rows = spread(LAWS["coherent"], {"beta": np.array([0.2, 1.5])}, 3)
    together = simulate(many, batch, Plant(), load.seconds, rows=rows).cost(0.05)
    for k, beta in enumerate((0.2, 1.5)):
        alone = simulate(dataclasses.replace(LAWS["coherent"], beta=beta), batch, Plant(), load.seconds).cost(0.05)
        assert together[3 * k : 3 * k + 3] == pytest.approx(alone)


def test_more_at_once_is_slower_on_the_contended_plant_and_the_fit_sees_it():
    load = Load("bursty", seconds=40, rate_hz=120)
    batch = draw(load, TEST, 0, 4)

    def cost(law):
        return simulate(law, batch, CONTENDED, load.seconds).cost(0.05, contended=True).mean()

    best = min(cost(Static(float(level))) for level in (12, 16, 18, 22))
    assert cost(Static(48.0)) > 1.4 * best
    assert cost(LAWS["coherent"]) > 2 * best
    assert cost(LIMITS["fitted"]) < 1.1 * best
    auto = simulate(LIMITS["auto"], batch, CONTENDED, load.seconds)
    assert auto.most_size.max() < 30  # n* is 20
