import pytest

from app.engine.base.errors import BadInput
from app.engine.learning.records import LocalSpec, Part, Round


def test_a_spec_survives_the_wire():
    spec = LocalSpec(epochs=5, learning_rate=0.1, seed=2**64 - 1, round=7, client=3)
    document = spec.to_json()
    assert document["schema"] == 1
    assert LocalSpec.from_json({**document, "unknown": "kept out"}) == spec


@pytest.mark.parametrize(
    "field, value",
    [
        ("epochs", 0), ("epochs", "many"), ("batch", -1), ("learning_rate", float("nan")), ("seed", -1),
        ("model", "cnn"), ("algorithm", "magic"), ("round", 2**32), ("client", 1.5),
    ],
)  # fmt: skip
def test_a_spec_out_of_range_is_refused_by_name(field, value):
    with pytest.raises(BadInput) as caught:
        LocalSpec.from_json({field: value})
    assert caught.value.field == field


def test_a_round_tells_what_the_command_promises():
    row = Round(2, 0.5, 1.25, 0.01, 640, 1.5, (Part(0, "a", "done", 3),))
    assert row.to_json() == {
        "round": 2,
        "accuracy": 0.5,
        "loss": 1.25,
        "cpu_s": 0.01,
        "bytes": 640,
        "time_s": 1.5,
        "drift": None,
    }
