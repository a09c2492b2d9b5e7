import pytest

from app.engine.base.errors import BadInput
from app.engine.control.whatif import replay

RUN = {"resource": "threadpool", "seconds": 20.0, "low": 2, "high": 32, "rate_hz": 60.0, "law": "static"}


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


def test_a_run_that_has_met_nothing_yet_is_refused():
    with pytest.raises(BadInput, match="Too few arrivals"):
        replay({"run": RUN, "run_seed": 1, "model": "auto", "until_s": 0.0}, 0)
