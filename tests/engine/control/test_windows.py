import numpy as np
import pytest

from app.engine.control.loads import TEST, Load, draw, trace_load
from app.engine.control.peers import Static
from app.engine.control.report import render
from app.engine.control.simulate import Plant, simulate
from app.engine.control.stats import Effect
from app.engine.control.trials import trial, tuning
from app.engine.control.windows import SHED, costs, count_of, drawn, gather, judged, memory_s

SMALL = {"model": "coherent", "against": ["pid"], "candidates": 1, "tuning_seeds": 1, "seeds": 3, "service_s": 0.05}


def recording(name, seed, seconds):
    batch = draw(Load(name, seconds=seconds), TEST, seed, 1)
    return batch.times[0][: batch.counts[0]]


def test_the_figures_of_all_windows_are_those_of_the_loads_whole():
    load, _faster = trace_load(recording("bursty", 1, 40.0), 0.05)
    batch = draw(load, TEST, 0, 1)
    outcome = simulate(Static(20.0), batch, Plant(start=20), load.seconds, windows=9, span_s=load.trace_s[-1] / 2)
    whole = costs(outcome.told, np.ones((1, 9)), service_s=0.05, weight=1.0, shed_price=0.0)
    assert whole[0] == pytest.approx(outcome.cost(0.05)[0], rel=0.01)
    plain = simulate(Static(20.0), batch, Plant(start=20), load.seconds)
    assert plain.cost(0.05).tolist() == outcome.cost(0.05).tolist()
    assert plain.told.size == 0


def test_a_window_keeps_what_stands_in_it_however_far_the_recording_was_turned_round():
    # Nothing comes in the middle third of the recording's second half.
    half = np.sort(np.random.default_rng(0).uniform(0, 20, 4000))
    half = half[(half < 20 / 3) | (half > 40 / 3)]
    load, _faster = trace_load(np.concatenate([half, 20 + half]), 0.05)
    batch = draw(load, TEST, 3, 4)
    told = simulate(Static(30.0), batch, Plant(start=30), load.seconds, windows=3, span_s=load.trace_s[-1] / 2).told
    tasks = told[:, :SHED].sum(axis=1)
    assert tasks[1] < 0.02 * tasks[0]


def test_what_was_shed_is_counted_and_no_wait():
    told = gather(np.array([0, 0, 1]), 2, np.array([0.1, -1.0, 0.2]), np.array([0.05, 0.05, 0.05]))
    assert told[:, SHED].tolist() == [1, 0]
    shares = np.array([[1.0, 1.0]])
    with_price = costs(told, shares, service_s=0.05, weight=0.0, shed_price=20.0)
    assert with_price[0] == pytest.approx(20 / 3)


def test_a_rate_remembers_for_its_correlation_time_and_chance_for_nothing():
    random = np.random.default_rng(5)
    assert memory_s(np.sort(random.uniform(0, 100, 20_000)), 100.0) == 0
    remembered = [memory_s(recording("drift", seed, 400.0), 400.0) for seed in range(6)]
    assert np.median(remembered) == pytest.approx(
        20.0, rel=0.5
    )  # the drift's own time constant, a little short as estimates are
    assert memory_s(np.empty(0), 1.0) == 0


def test_windows_are_taken_two_neighbours_at_a_time():
    shares = drawn(11, 4, draws=500)
    assert shares[0].tolist() == [1.0] * 11
    assert (shares.sum(axis=1) == 11).all()
    assert np.array_equal(shares, drawn(11, 4, draws=500))


def test_intervals_over_windows_hold_the_mean_of_a_known_process_as_often_as_they_say():
    held = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        values = 1.0 + 0.1 * random.normal(size=16)
        ones = drawn(16, seed, draws=400) @ values / 16
        plain = Effect("peer", float(1 - ones[0] / 2.0), 0, 0, 0, 0, 0, 0)
        (one,) = judged([plain], {"mine": ones, "peer": np.full(len(ones), 2.0)}, "mine", 16)
        held += one.low <= 0.5 <= one.high
    assert 180 <= held <= 200


def test_a_recording_is_one_sample_so_more_seeds_make_its_interval_no_narrower():
    times = recording("bursty", 2, 60.0)
    few, many = (trial({**SMALL, "seeds": seeds, "trace_s": times.tolist()}, 1) for seeds in (2, 12))
    assert few["interval"] == "windows of one recording"
    assert few["windows"] == many["windows"] >= 8
    widths = [told["per"][0]["high"] - told["per"][0]["low"] for told in (few, many)]
    assert widths[1] > 0.5 * widths[0]


def test_a_recording_that_is_too_short_tells_no_interval_and_confirms_nothing():
    times = recording("drift", 2, 20.0)
    assert count_of(trace_load(times, 0.05)[0]) == 0
    told = trial({**SMALL, "trace_s": times.tolist()}, 1)
    (one,) = told["per"]
    assert (one["low"], one["high"], one["p_holm"], one["verdict"]) == (None, None, None, "too short to tell")
    assert np.isfinite(one["effect"])
    page = render({"title": "Trial", "result": told}, ".html")
    assert "One recording is one sample, and this one is too short for an interval." in page
    assert not tuning({**SMALL, "trace_s": times.tolist()}, 1)["accepted"]
    assert count_of(Load("bursty")) == 0
