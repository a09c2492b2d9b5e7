import pytest

from app.engine.base.contracts import ResourceState
from app.engine.base.errors import Offline
from app.engine.control.touch import Touch

STATE = ResourceState(1.0, 20.0, 4.0, 2.0, 10.0, 3.0, 0.0)


class Odd:
    name = "odd"
    told, taken = STATE, 10.0

    def measure_state(self):
        if isinstance(self.told, Exception):
            raise self.told
        return self.told

    def apply_control(self, _size):
        if isinstance(self.taken, Exception):
            raise self.taken
        return self.taken


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (Offline("{host} is gone", host="h"), "h is gone"),
        (KeyError("value"), "'value'"),
        (RuntimeError(), "RuntimeError"),
        (STATE._replace(position=-1.0), "figures"),
        (None, "None"),
    ],
)
def test_a_sensor_says_what_is_wrong_once_and_nothing_when_it_is_well_again(told, why, caplog):
    odd = Odd()
    touch = Touch(odd)
    odd.told = told
    assert [touch.measure() for _ in range(3)] == [None] * 3
    assert why in touch.sensor
    assert caplog.text.count("odd is not believed") == 1
    odd.told = STATE
    assert touch.measure() == STATE
    assert touch.sensor == ""


def test_what_knows_how_is_left_as_it_was_found_and_a_failure_there_is_told(caplog):
    odd, left = Odd(), []
    Touch(odd).leave()
    odd.leave_as_found = lambda: left.append(1)
    Touch(odd).leave()
    assert left == [1]
    odd.leave_as_found = lambda: 1 / 0
    Touch(odd).leave()
    assert "odd was not left as it was found: division by zero" in caplog.text


@pytest.mark.parametrize(("taken", "why"), [(OSError("busy"), "busy"), (None, "None"), (float("nan"), "no size")])
def test_an_actuator_says_what_is_wrong_once(taken, why, caplog):
    odd = Odd()
    touch = Touch(odd)
    odd.taken = taken
    assert [touch.apply(8.0) for _ in range(3)] == [None] * 3
    assert why in touch.actuator
    assert caplog.text.count("does not take the size 8") == 1
    odd.taken = 8
    assert touch.apply(8.0) == 8.0
    assert touch.actuator == ""
