import pytest

from app.engine.base.errors import BadInput
from app.engine.learning.forecast import forecast, work_of
from app.engine.learning.records import LocalSpec
from app.engine.learning.work import simulate


def test_bytes_are_those_that_a_run_then_moves():
    for more in ({}, {"compress": "top-k"}, {"algorithm": "scaffold"}, {"sample_ratio": 0.5}, {"compress": "quantise"},
                 {"algorithm": "fedbuff"}, {"algorithm": "fedbuff", "sample_ratio": 0.6, "compress": "sketch"}):  # fmt: skip
        spec = {"clients": 10, "rounds": 2, "partition": "iid", **more}
        told = forecast("simulation", spec, 10, 143.7)
        moved = [row["bytes"] for row in simulate(spec, 0)["rounds"]]
        assert (told["bytes"], told["round_bytes"], told["bytes_are"]) == (sum(moved), moved[0], "exact")


@pytest.mark.parametrize(
    "more", [{"deadline_s": 0.1}, {"deadline_s": 0.1, "drop_stragglers": True}, {"dropout_rate": 0.5}, {"until_accuracy": 0.5}]
)
def test_where_chance_has_a_say_the_bytes_are_the_most_there_can_be(more):
    spec = {"clients": 10, "rounds": 6, "partition": "iid", **more}
    told = forecast("simulation", spec, 10, 143.7)
    assert told["bytes_are"] == "most"
    assert sum(row["bytes"] for row in simulate(spec, 0)["rounds"]) < told["bytes"]


def test_what_the_bytes_are_is_said_for_other_ways_too():
    poisson = {"rounds": 1, "selection": "poisson", "sample_ratio": 0.3}
    assert forecast("simulation", poisson, 10, 100)["bytes_are"] == "mean"
    assert forecast("simulation", {**poisson, "sample_ratio": 1.0}, 10, 100)["bytes_are"] == "exact"
    buffered = forecast("live", {"rounds": 1, "algorithm": "fedbuff", "quorum_ratio": 0.5}, 9, 100)
    assert (buffered["asked"], buffered["bytes_are"]) == (5, "answer")


def test_time_follows_the_pace_of_earlier_rounds():
    spec = {"rounds": 10, "epochs": 2}
    work = work_of(LocalSpec(), 100)
    slow, fast = (forecast("simulation", spec, 50, 100, [(work, took)] * 3) for took in (0.041, 0.021))
    assert slow["time_s"] == pytest.approx(10 * (50 * 0.04 + 0.001))
    assert slow["seen"] == 3
    assert fast["round_s"] == pytest.approx(slow["round_s"] / 2, rel=0.01)
    assert forecast("simulation", spec, 50, 100)["seen"] == 0


def test_live_nodes_train_at_once():
    one, many = (forecast("live", {"rounds": 1}, clients, 100) for clients in (1, 40))
    assert one["time_s"] == many["time_s"]
    assert many["bytes"] == 40 * one["bytes"]


def test_a_gradient_step_counts_as_three_forward_passes():
    # A pass of 6-5-3 is 2 (6 x 5 + 5 x 3) operations: forward, and two products backward, for 10 examples twice.
    assert work_of(LocalSpec(model="mlp-6-5-3", epochs=2), 10) == 3 * 90 * 10 * 2


def test_ditto_trains_twice_and_a_bad_setting_is_refused():
    assert work_of(LocalSpec(algorithm="ditto"), 10) == 2 * work_of(LocalSpec(), 10)
    with pytest.raises(BadInput):
        forecast("live", {"epochs": 0}, 3, 10)
