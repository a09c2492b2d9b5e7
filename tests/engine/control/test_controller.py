import dataclasses
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.contracts import Resource, ResourceState
from app.engine.base.errors import Offline
from app.engine.control.controller import Controller, Manner
from app.engine.control.envelope import Envelope
from app.engine.control.laws import LAWS
from app.engine.control.peers import Staffing
from app.engine.control.records import BAD, COOL, FREE, KILLED, OBSERVED, RATE, RECOMMENDED, RINGS, SAFE, STALE

ENVELOPE = Envelope(low=2, high=64, safe=10, up_per_s=100, down_per_s=50)


class Scripted:
    """A resource whose sensor says what the test wants, and which does as it is told."""

    name, unit, low, high = "scripted", "workers", 2.0, 64.0

    def __init__(self):
        self.state: ResourceState | Exception = ResourceState(0.0, 20.0, 0.0, 0.0, 10.0, 0.0, 0.0)
        self.sizes: list[float] = []
        self.stuck_at: float | None = None

    def say(self, at_s, **figures):
        self.state = ResourceState(at_s, 20.0, 0.0, 0.0, 10.0, 0.0, 0.0)._replace(**figures)

    def measure_state(self):
        if isinstance(self.state, Exception):
            raise self.state
        return self.state

    def apply_control(self, new_size):
        self.sizes.append(new_size)
        return float(round(new_size)) if self.stuck_at is None else self.stuck_at

    def get_metrics(self):
        return {}


def make(law=None, envelope=ENVELOPE, **more):
    resource = Scripted()
    law = law or Staffing(tau_s=0.1, beta=1.0, drain_s=0.3)
    return resource, Controller(resource, law, envelope, 10.0, **{"manner": Manner("apply"), **more})


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


def test_a_queue_asks_for_the_workers_that_empty_it_in_time():
    resource, controller = make()
    last = play(resource, controller, 40, queue=12.0, service_s=0.05)[-1]
    assert last.target == pytest.approx(20 + math.sqrt(20) + 12 * 0.05 / 0.3)
    assert last.queue == 12.0


def test_first_turn_changes_nothing_because_no_time_has_passed():
    resource, controller = make()
    assert play(resource, controller, 1)[0].size == 10.0


def test_static_law_never_moves():
    resource, controller = make(LAWS["static"])
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
    assert play(resource, controller, 4, start=100, position=5.0)[-1].size < 10.0


def test_a_sudden_demand_is_followed_at_the_rate_limit_and_named_so():
    resource, controller = make()
    play(resource, controller, 40)
    tick = play(resource, controller, 1, start=40, position=60.0, queue=200.0, service_s=0.05)[0]
    assert tick.reason == tick.bound == RATE


@pytest.mark.parametrize(("mode", "reason"), [("observe", OBSERVED), ("recommend", RECOMMENDED)])
def test_a_mode_that_does_not_act_leaves_the_size_and_says_what_it_would_do(mode, reason):
    resource, controller = make(manner=Manner(mode))
    last = play(resource, controller, 20)[-1]
    assert last.bound == RATE  # what would hold it back
    assert resource.sizes == []
    assert (last.size, last.reason) == (10.0, reason)
    assert last.force == pytest.approx(10 + math.sqrt(20))
    assert controller.let_go() == 10.0
    assert resource.sizes == []


def test_who_is_told_no_mode_only_recommends():
    resource, controller = make(manner=Manner())
    assert play(resource, controller, 20)[-1].reason == RECOMMENDED
    assert resource.sizes == []


def test_switching_to_apply_acts_from_the_next_turn_on():
    resource, controller = make(manner=Manner("observe"))
    play(resource, controller, 20)
    controller.set_mode("apply")
    assert play(resource, controller, 20, start=20)[-1].size == round(20 + math.sqrt(20))


def test_after_a_change_the_size_rests_for_the_cool_down():
    resource, controller = make(envelope=dataclasses.replace(ENVELOPE, cool_s=0.5))
    ticks = play(resource, controller, 40)
    changed = [tick.at_s for before, tick in itertools.pairwise(ticks) if tick.size != before.size]
    assert COOL in [tick.reason for tick in ticks]
    assert min(b - a for a, b in itertools.pairwise(changed)) >= 0.5 - 1e-9


def test_a_canary_grants_a_share_of_each_wish():
    resource, controller = make(envelope=dataclasses.replace(ENVELOPE, canary=0.25))
    ticks = play(resource, controller, 2)
    assert ticks[1].size - 10 == pytest.approx(0.25 * (ticks[1].target - 10), abs=0.5)
    # In the long run too: a size that stands at the whole wish in the end was no share.
    *_, last = play(resource, controller, 100, start=2)
    assert last.target > 20
    assert last.size - 10 == pytest.approx(0.25 * (last.target - 10), abs=0.6)


def test_the_kill_switch_is_at_once_and_for_good():
    resource, controller = make()
    play(resource, controller, 30)
    assert controller.kill() == ENVELOPE.safe
    made = len(resource.sizes)
    last = play(resource, controller, 10, start=30, position=60.0)[-1]
    assert (last.size, last.reason, len(resource.sizes)) == (ENVELOPE.safe, KILLED, made)


def test_swinging_to_and_fro_halves_the_gain():
    resource, controller = make(envelope=Envelope(2, 64, 10))
    reasons = []
    for k in range(60):
        resource.say(k * 0.1, position=60.0 if k // 2 % 2 else 2.0)
        reasons.append(controller.tick(k * 0.1).reason)
    assert RINGS in reasons


def test_each_change_is_kept_with_its_reason_and_told():
    told = []
    resource, controller = make(on_action=told.append)
    ticks = play(resource, controller, 20)
    assert told == list(controller.actions)
    assert told[0].before == 10.0
    assert told[-1].after == ticks[-1].size
    assert {action.reason for action in told} <= {FREE, RATE}


def test_another_law_starts_from_the_size_in_force():
    resource, controller = make()
    before = play(resource, controller, 40)[-1].size
    controller.follow(LAWS["coherent"])
    after = play(resource, controller, 3, start=40)
    assert max(abs(tick.size - before) for tick in after) < 3


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
        now = resource.sizes[-1] if resource.sizes else size  # nothing is asked for while nothing is to change
        assert 2 <= now <= 64
        assert -5 - 1e-6 <= now - size <= 10 + 1e-6
        size = now


@pytest.mark.parametrize("error", [OSError("device busy"), KeyError("gone"), RuntimeError("a bug of the adapter")])
def test_a_size_that_is_not_taken_says_why_and_is_asked_again(error):
    resource, controller = make()
    take = resource.apply_control

    def refuse(_size):
        raise error

    resource.apply_control = refuse
    tick = play(resource, controller, 3, position=40.0)[-1]
    assert tick.reason == f"not applied: {error}"
    assert tick.size == 10.0
    resource.apply_control = take
    assert play(resource, controller, 20, start=3, position=40.0)[-1].size > 20


@pytest.mark.parametrize(
    "answer", [None, (1.0, 2.0), ResourceState(*["x"] * 14), KeyError("x"), RuntimeError("x"), TypeError()]
)
def test_a_sensor_with_a_bug_is_a_sensor_that_is_lost(answer, caplog):
    resource, controller = make()
    play(resource, controller, 30)
    resource.state = answer
    reasons = [controller.tick(0.1 * k).reason for k in range(30, 60)]
    assert reasons[-1] == SAFE
    assert resource.sizes[-1] == ENVELOPE.safe
    assert caplog.text.count("scripted is not believed") == 1
    assert play(resource, controller, 30, start=60)[-1].size > 20


@pytest.mark.parametrize("answer", [None, math.nan, "x"])
def test_an_actuator_that_tells_no_size_is_stuck(answer):
    resource, controller = make()
    resource.apply_control = lambda _size: answer
    tick = play(resource, controller, 3, position=40.0)[-1]
    assert tick.reason.startswith("not applied: ")
    assert tick.size == 10.0


def test_who_acted_and_then_only_recommended_still_lets_go_to_the_safe_size():
    resource, controller = make()
    assert play(resource, controller, 30, position=40.0)[-1].size > 30
    controller.set_mode("recommend")
    play(resource, controller, 3, start=30, size=resource.sizes[-1])
    assert controller.acting
    assert controller.let_go() == ENVELOPE.safe
    assert not controller.acting
    made = len(resource.sizes)
    assert controller.let_go() == ENVELOPE.safe
    assert len(resource.sizes) == made


def test_a_kill_that_the_actuator_refused_is_asked_again():
    resource, controller = make()
    play(resource, controller, 30, position=40.0)
    take = resource.apply_control

    def refuse(_size):
        raise OSError("device busy")

    resource.apply_control = refuse
    assert controller.kill() > 30
    resource.apply_control = take
    last = play(resource, controller, 2, start=30, position=40.0)[-1]
    assert (last.size, last.reason, resource.sizes[-1]) == (ENVELOPE.safe, KILLED, ENVELOPE.safe)


@pytest.mark.parametrize("mode", ["apply", "observe"])
def test_a_kill_says_that_its_size_is_not_in_force_until_it_is(mode):
    resource, controller = make(manner=Manner(mode))
    play(resource, controller, 30, position=40.0, size=30.0)
    take = resource.apply_control

    def refuse(_size):
        raise OSError("device busy")

    resource.apply_control = refuse
    controller.kill()
    assert controller.killed_reason == "not applied: device busy"
    assert play(resource, controller, 1, start=30, size=30.0)[-1].reason == "not applied: device busy"
    resource.apply_control = lambda _size: 30.0
    assert play(resource, controller, 1, start=31, size=30.0)[-1].reason == "not applied: it stays at 30"
    resource.apply_control = take
    assert play(resource, controller, 1, start=32, size=30.0)[-1].reason == KILLED
    assert resource.sizes[-1] == ENVELOPE.safe


@pytest.mark.parametrize("end", ["kill", "let_go"])
def test_a_size_that_was_on_its_way_at_the_end_is_taken_back(end):
    resource, controller = make()
    play(resource, controller, 30)
    take = resource.apply_control

    def slow(size):
        resource.apply_control = take
        getattr(controller, end)()  # from another thread, in life
        return take(size)

    resource.apply_control = slow
    play(resource, controller, 1, start=30, position=60.0)
    assert resource.sizes[-1] == controller.applied == ENVELOPE.safe
    play(resource, controller, 5, start=31, position=60.0)
    assert resource.sizes[-1] == ENVELOPE.safe
