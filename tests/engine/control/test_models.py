import pytest

from app.engine.base.contracts import ResourceState
from app.engine.base.errors import BadInput
from app.engine.control.laws import MODELS
from app.engine.control.models import model

STATE = ResourceState(1.0, 20.0, 4.0, 2.0, 10.0, 3.0, 0.0, 20.0, 0.05, 10.0, 0.05, 0.05, 20.0)


@pytest.mark.parametrize("plant", ["sizing", "admission"])
@pytest.mark.parametrize("name", MODELS)
def test_a_force_keeps_the_size_in_bounds(name, plant):
    made = model(name, plant=plant, low=2, high=16)
    for _ in range(20):
        assert 2 <= STATE.size + made.calculate_force(STATE) <= 16


@pytest.mark.parametrize("name", MODELS)
def test_more_demand_than_workers_pulls_upwards(name):
    made = model(name, low=2, high=64)
    assert [made.calculate_force(STATE) for _ in range(20)][-1] > 5


def test_the_next_state_is_kinematics_over_the_delay():
    after = model("coherent", delay_s=0.5).predict_next_state(STATE)
    assert after.position == pytest.approx(20 + 4 * 0.5 + 0.5 * 2 * 0.25)
    assert after.velocity == pytest.approx(5.0)
    assert (after.at_s, after.queue) == (1.5, pytest.approx(3 + (22.25 - 10) * 0.5 / 0.05))


def test_an_unknown_model_is_refused():
    with pytest.raises(BadInput, match="choose from auto, optomechanical, parametric, coherent"):
        model("pid")
