import pytest

from app.engine.base.errors import BadInput
from app.engine.control import whatif
from app.engine.control.whatif import replay

RUN = {"resource": "threadpool", "seconds": 20.0, "low": 2, "high": 32, "rate_hz": 60.0, "law": "static", "mode": "apply"}


def test_the_last_part_of_a_run_is_played_again_under_another_model():
    told = replay({"run": RUN, "run_seed": 1, "model": "auto", "until_s": 12.0, "last_s": 5.0}, 0)
    assert (told["from_s"], told["until_s"], told["seconds"], told["kind"]) == (7.0, 12.0, 5.0, "simulated")
    assert set(told["laws"]) == {"auto", "static"}
    assert len(set(told["laws"]["static"]["sizes"])) == 1
    assert told["effect"] == pytest.approx(1 - told["laws"]["auto"]["cost"] / told["laws"]["static"]["cost"])


def test_a_law_against_itself_changes_nothing():
    told = replay({"run": RUN, "run_seed": 1, "model": "static"}, 0)
    assert told["effect"] == 0.0
    assert told["seconds"] == 20.0


def test_a_run_on_a_contended_resource_is_replayed_on_a_contended_plant():
    spec = {**RUN, "resource": "queue", "law": "auto"}
    told = replay({"run": spec, "run_seed": 1, "model": "static"}, 0)
    assert told["laws"]["static"]["cost"] > 0
    assert told["laws"]["auto"]["mean_size"] <= 32


def test_only_what_was_met_since_the_mode_last_changed_is_played():
    told = replay({"run": {**RUN, "law": "auto"}, "run_seed": 1, "model": "pid", "until_s": 12.0, "since_s": 7.0}, 0)
    assert (told["from_s"], told["seconds"], told["mode_since_s"], told["against"]) == (7.0, 5.0, 7.0, "auto")
    killed = replay({"run": {**RUN, "mode": "killed"}, "run_seed": 1, "model": "pid"}, 0)
    assert killed["against"].startswith("static ")


def test_a_run_that_acted_and_then_only_recommended_is_compared_with_the_size_it_had_when_its_mode_changed():
    spec = {
        "run": {**RUN, "law": "auto", "mode": "recommend"},
        "run_seed": 1,
        "model": "auto",
        "since_s": 7.0,
        "mode_size": 17.0,
    }
    told = replay(spec, 0)
    assert told["against"] == "static 17"
    assert set(told["laws"]["static 17"]["sizes"]) == {17.0}
    with pytest.raises(BadInput, match="since its mode last changed"):
        replay({**spec, "since_s": 20.0}, 0)


def test_a_run_that_has_met_nothing_yet_is_refused():
    with pytest.raises(BadInput, match="Too few arrivals"):
        replay({"run": RUN, "run_seed": 1, "model": "auto", "until_s": 0.0}, 0)


@pytest.mark.parametrize(
    ("resource", "lag_s", "mean_s"), [("threadpool", 0.1, 0.05), ("processpool", 0.3, 0.05), ("balancer", 0.1, 0.0125)]
)
def test_each_kind_is_played_with_its_delay_and_for_what_one_of_it_serves_at_once(resource, lag_s, mean_s, monkeypatch):
    asked, real = [], whatif.simulate

    def watch(law, batch, plant, seconds, **more):
        asked.append((plant.lag_s, float(batch.services.mean())))
        return real(law, batch, plant, seconds, **more)

    monkeypatch.setattr(whatif, "simulate", watch)
    replay({"run": {**RUN, "resource": resource, "high": 16, "service_s": 0.05}, "run_seed": 1, "model": "auto"}, 0)
    for lag, mean in asked:
        assert lag == lag_s
        assert mean == pytest.approx(mean_s, rel=0.1)


def test_batches_are_not_played_as_a_plant_they_are_not():
    with pytest.raises(BadInput, match="A larger batch shares one fixed cost"):
        replay({"run": {**RUN, "resource": "batch", "law": "auto"}, "run_seed": 1, "model": "static"}, 0)


def test_a_run_that_only_recommended_is_compared_with_the_fixed_size_it_had():
    spec = {**RUN, "law": "auto", "mode": "recommend"}
    told = replay({"run": spec, "run_seed": 1, "model": "auto"}, 0)
    (size,) = set(told["laws"][told["against"]]["sizes"])
    assert told["against"] == f"static {size:g}"
    assert told["effect"] == pytest.approx(1 - told["laws"]["auto"]["cost"] / told["laws"][told["against"]]["cost"])
    acted = replay({"run": {**spec, "mode": "apply"}, "run_seed": 1, "model": "pid"}, 0)
    assert acted["against"] == "auto"
