import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.contracts import Resource, ResourceState
from app.engine.base.errors import Offline
from app.engine.control.controller import Aim, Controller
from app.engine.control.envelope import Envelope
from app.engine.control.laws import LAWS
from app.engine.control.records import BAD, FREE, RATE, SAFE, STALE

ENVELOPE = Envelope(low=2, high=64, safe=10, up_per_s=100, down_per_s=50)


class Scripted:
    """A resource whose sensor says what the test wants, and which does as it is told."""

    name, unit, low, high = "scripted", "workers", 2.0, 64.0

    def __init__(self):
        self.state: ResourceState | Exception = ResourceState(0.0, 20.0, 0.0, 0.0, 10.0, 0.0, 0.0)
        self.sizes: list[float] = []
        self.stuck_at: float | None = None

    def say(self, at_s, **figures):
        self.state = dataclasses.replace(ResourceState(at_s, 20.0, 0.0, 0.0, 10.0, 0.0, 0.0), **figures)

    def measure_state(self):
        if isinstance(self.state, Exception):
            raise self.state
        return self.state

    def apply_control(self, new_size):
        self.sizes.append(new_size)
        return float(round(new_size)) if self.stuck_at is None else self.stuck_at

    def get_metrics(self):
        return {}


def make(law="pid"):
    resource = Scripted()
    return resource, Controller(resource, LAWS[law], ENVELOPE, Aim(beta=1.0, queue_per_worker=6.0), 10.0)


def play(resource, controller, ticks, start=0, **figures):
    made = []
    for k in range(start, start + ticks):
        resource.say(k * 0.1, **figures)
        made.append(controller.tick(k * 0.1))
    return made


def test_scripted_resource_fills_the_contract():
    filled: Resource = Scripted()
    assert filled.low < filled.high


def test_size_settles_on_the_square_root_set_point():
    resource, controller = make()
    last = play(resource, controller, 40)[-1]
    assert last.target == pytest.approx(20 + math.sqrt(20))
    assert last.size == round(last.target)
    assert last.reason == FREE


def test_a_queue_asks_for_more_than_the_demand():
    resource, controller = make()
    last = play(resource, controller, 40, queue=12.0)[-1]
    assert last.target == pytest.approx(22 + math.sqrt(20))
    assert last.queue == 12.0


def test_first_turn_changes_nothing_because_no_time_has_passed():
    resource, controller = make()
    assert play(resource, controller, 1)[0].size == 10.0


def test_static_law_never_moves():
    resource, controller = make("static")
    assert {tick.size for tick in play(resource, controller, 30)} == {10.0}


@pytest.mark.parametrize("lie", [{"position": math.nan}, {"position": -3.0}, {"queue": math.inf}])
def test_a_lying_sensor_holds_the_size_then_brings_it_to_safety(lie):
    resource, controller = make()
    before = play(resource, controller, 40)[-1].size
    ticks = play(resource, controller, 40, start=40, **lie)
    assert ticks[0].reason == BAD
    assert ticks[0].size == before
    assert [t.reason for t in ticks].index(STALE) < [t.reason for t in ticks].index(SAFE)
    assert ticks[-1].size == ENVELOPE.safe


@pytest.mark.parametrize("error", [Offline("gone"), OSError("gone"), ValueError("gone")])
def test_a_vanished_resource_is_held_then_made_safe(error):
    resource, controller = make()
    play(resource, controller, 20)
    resource.state = error
    ticks = [controller.tick(2.0 + 0.1 * k) for k in range(40)]
    assert ticks[0].reason == BAD
    assert ticks[-1].reason == SAFE
    assert ticks[-1].size == ENVELOPE.safe


def test_a_stuck_sensor_counts_as_stale_although_its_figures_are_sane():
    resource, controller = make()
    play(resource, controller, 20)
    ticks = [controller.tick(2.0 + 0.1 * k) for k in range(40)]
    assert STALE in [t.reason for t in ticks]
    assert ticks[-1].reason == SAFE


def test_a_sensor_stamped_in_the_future_goes_stale_all_the_same():
    resource, controller = make()
    resource.say(1e9)
    ticks = [controller.tick(0.1 * k) for k in range(40)]
    assert ticks[-1].reason == SAFE


def test_a_sensor_that_comes_back_is_followed_again():
    resource, controller = make()
    play(resource, controller, 20)
    play(resource, controller, 30, start=20, position=math.nan)
    assert play(resource, controller, 40, start=50)[-1].size == round(20 + math.sqrt(20))


def test_an_actuator_that_does_not_obey_winds_nothing_up():
    resource, controller = make()
    resource.stuck_at = 10.0
    play(resource, controller, 100)
    resource.stuck_at = None
    tick = play(resource, controller, 1, start=100, position=5.0)[0]
    assert tick.size < 10.0


def test_a_sudden_demand_is_followed_at_the_rate_limit_and_named_so():
    resource, controller = make()
    play(resource, controller, 40)
    tick = play(resource, controller, 1, start=40, position=60.0, queue=200.0)[0]
    assert tick.reason == RATE


def test_letting_go_leaves_the_safe_size():
    resource, controller = make()
    play(resource, controller, 30)
    assert controller.let_go() == ENVELOPE.safe
    assert resource.sizes[-1] == ENVELOPE.safe


figure = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(0, 200))


@given(st.lists(st.tuples(figure, figure, figure, st.booleans()), min_size=1, max_size=30))
def test_no_sensor_can_make_it_leave_the_bounds_or_the_rate(readings):
    resource, controller = make()
    size = 10.0
    for k, (at_s, position, queue, stuck) in enumerate(readings):
        if not stuck:
            resource.say(at_s, position=position, queue=queue)
        controller.tick(0.1 * k)
        assert 2 <= resource.sizes[-1] <= 64
        assert -5 - 1e-6 <= resource.sizes[-1] - size <= 10 + 1e-6
        size = resource.sizes[-1]
