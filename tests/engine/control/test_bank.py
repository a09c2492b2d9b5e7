import math
import threading

import numpy as np
import pytest

from app.engine.base.contracts import ResourceState
from app.engine.base.errors import BadInput, Conflict, Offline
from app.engine.control import ControllerBank, ElasticThreadPool, ThreadPoolResource
from app.engine.control.bank import MODELS, REASONS, Columns, _compiled
from app.engine.control.controller import Controller, Manner, sight_of
from app.engine.control.envelope import Envelope
from app.engine.control.records import APPLY, DEAD, RECOMMENDED, SAFE

TIGHT = Envelope(2, 40, 10, up_per_s=60.0, down_per_s=25.0, stale_s=0.25, lost_s=0.35, cool_s=0.15, canary=0.8)
WIDE = Envelope(2, 64, 10)


class Played:
    """A resource that plays a course of states, the same to a controller and to a row of a bank."""

    name, unit, low, high, plant = "played", "workers", 2.0, 64.0, "sizing"

    def __init__(self, seed, contended):
        self.random = np.random.default_rng(seed)
        self.size, self.turn, self.contended = 10.0, 0, contended
        self.state = None

    def step(self, now_s):
        self.turn += 1
        if 40 <= self.turn < 46 and not self.contended:
            self.state = None
            return
        surge = 30.0 if self.turn // 12 % 2 else 6.0
        demand = float(self.random.poisson(surge))
        busy = min(demand, self.size)
        rtt_s = 0.05 * (1 + 0.004 * busy * (busy - 1)) if self.contended else 0.05
        self.state = ResourceState(
            now_s, demand, 0.0, 0.0, self.size, max(0.0, demand - self.size), 0.0, demand, 0.05, busy, rtt_s, rtt_s, 4 * busy
        )

    def measure_state(self):
        if self.state is None:
            raise Offline("gone")
        return self.state._replace(size=self.size)

    def apply_control(self, new_size):
        self.size = float(round(new_size))
        return self.size

    def get_metrics(self):
        return {}


@pytest.mark.parametrize("contended", [False, True])
@pytest.mark.parametrize("envelope", [TIGHT, WIDE])
@pytest.mark.parametrize("name", list(MODELS))
@pytest.mark.parametrize("delay_s", [0.1, 0.3])
def test_a_row_of_a_bank_does_what_a_controller_does(name, envelope, contended, delay_s):
    law, turns = MODELS[name], 70  # before a search for periods would begin to tell
    one, row = Played(1, contended), Played(1, contended)
    controller = Controller(one, law, envelope, 10.0, manner=Manner(APPLY, delay_s))
    bank = Columns([law], [envelope], [10.0], delays_s=[delay_s], mode=APPLY)
    for turn in range(turns):
        now_s = 100.0 + 0.1 * turn
        one.step(now_s)
        row.step(now_s)
        tick = controller.tick(now_s)
        bank.see([row.measure_state() if row.state is not None else None])
        size = float(bank.tick(now_s)[0])
        assert size == pytest.approx(controller._level, abs=1e-6), turn
        assert REASONS[bank.reasons[0]] == tick.reason, turn
        row.apply_control(size)


def test_rows_do_not_know_of_each_other():
    laws, envelopes = [MODELS["auto"], MODELS["coherent"]], [WIDE, TIGHT]
    both = Columns(laws, envelopes, [10.0, 10.0], delays_s=[0.1, 0.3], mode=APPLY)
    alone = [
        Columns([law], [e], [10.0], delays_s=[d], mode=APPLY) for law, e, d in zip(laws, envelopes, (0.1, 0.3), strict=True)
    ]
    plays = [Played(1, contended=False), Played(2, contended=False)]
    for turn in range(60):
        now_s = 0.1 * turn
        for play in plays:
            play.step(now_s)
        states = [play.measure_state() if play.state is not None else None for play in plays]
        both.see(states)
        for one, state in zip(alone, states, strict=True):
            one.see([state])
        sizes = both.tick(now_s)
        assert sizes.tolist() == [float(one.tick(now_s)[0]) for one in alone]
        for play, size in zip(plays, sizes.tolist(), strict=True):
            play.apply_control(size)


def test_real_pools_are_steered_together_and_left_at_their_safe_sizes():
    pools = [ElasticThreadPool(4, name=f"bank-{k}") for k in range(3)]
    done, grown = threading.Event(), threading.Event()
    told = []

    def heard(row, action):
        told.append((row, action))
        if row == 1 and action.after > 4:
            grown.set()

    bank = ControllerBank([ThreadPoolResource(pool, 2, 32) for pool in pools], mode="apply", tick_s=0.02, on_action=heard)
    bank.start()
    with pytest.raises(Conflict, match="runs already"):
        bank.start()
    futures = [pools[1].submit(done.wait, 20) for _ in range(40)]
    assert grown.wait(20)
    done.set()
    for future in futures:
        future.result(20)
    assert bank.stop() == [4.0, 4.0, 4.0]
    assert [pool.counts().size for pool in pools] == [4, 4, 4]
    assert list(bank.actions) == told
    assert all(2 <= action.after <= 32 and action.reason for _, action in told)
    for pool in pools:
        pool.shutdown()


def test_a_look_at_a_state_tells_what_a_controller_would_see_and_finds_out_lies():
    base = ResourceState(1.0, 12.0, 0.0, 0.0, 10.0, 3.0, 0.1)
    full = base._replace(raw=11.0, service_s=0.05, busy=9.0, rtt_s=0.06, done=4.0)
    lies = [base._replace(**{name: value}) for name, value in (("position", math.nan), ("queue", -1.0), ("velocity", math.inf))]
    states = [base, full, None, *lies]
    count = len(states)
    columns = Columns([MODELS["auto"]] * count, [WIDE] * count, [10.0] * count, delays_s=[0.1] * count)
    columns.see(states)
    assert columns.seen[0].tolist() == [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    for row, state in enumerate((base, full)):
        sight = sight_of(state, state.size, 2.0, 64.0, 0.1)
        seen = (state.at_s, sight.demand, sight.service_s, sight.busy, sight.queue, sight.size, sight.rtt_s, sight.done)
        assert columns.seen[1:, row].tolist() == list(seen)


def test_by_default_a_bank_only_recommends():
    with ElasticThreadPool(4, name="bank-r") as pool:
        bank = ControllerBank([ThreadPoolResource(pool, 2, 32)])
        bank.optimize()
        bank.optimize()
        assert REASONS[bank.columns.reasons[0]] == RECOMMENDED
        assert bank.stop() == [4.0]
        with pytest.raises(BadInput, match="observe, recommend or apply"):
            bank.set_mode("shout")


def test_a_resource_that_lies_or_is_stuck_is_held_and_brought_to_its_safe_size():
    now_s = [0.0]
    play = Played(1, contended=False)
    play.step(0.0)
    bank = ControllerBank(
        [play], mode="apply", clock=lambda: now_s[0], envelopes=[Envelope(2, 64, 12, stale_s=0.2, lost_s=0.3)]
    )

    def turn(count):
        for _ in range(count):
            now_s[0] += 0.1
            play.step(now_s[0])
            bank.optimize()

    turn(30)
    honest = play.measure_state
    play.measure_state = lambda: honest()._replace(position=math.nan)
    turn(5)
    assert REASONS[bank.columns.reasons[0]] == SAFE
    assert play.size == 12.0
    play.measure_state = honest
    steer, asked = play.apply_control, []
    play.apply_control = lambda size: asked.append(size) or play.size  # stuck
    turn(20)
    assert play.size == 12.0
    assert all(2 <= size <= 64 for size in asked)
    play.apply_control = steer
    turn(20)
    assert play.size != 12.0


def test_a_bank_is_refused_what_it_cannot_do():
    with pytest.raises(BadInput, match="knows no model parametric; choose from auto"):
        ControllerBank([Played(0, contended=False)], "parametric")
    with pytest.raises(BadInput, match="a law, an envelope, a size and a delay"):
        Columns([], [], [], delays_s=[])


def both(count=2, **more):
    """A bank of `count` that has grown, on a clock of its own."""
    now_s = [0.0]
    plays = [Played(seed, contended=False) for seed in range(count)]
    for play in plays:
        play.step(0.0)
    envelopes = [Envelope(2, 64, 12, stale_s=0.2, lost_s=0.3)] * count
    bank = ControllerBank(plays, mode="apply", clock=lambda: now_s[0], envelopes=envelopes, **more)

    def turn(turns):
        for _ in range(turns):
            now_s[0] += 0.1
            for play in plays:
                play.step(now_s[0])
            bank.optimize()

    return plays, bank, turn


@pytest.mark.parametrize("bug", [KeyError("value"), RuntimeError("vanished"), TypeError()])
def test_one_resource_that_vanishes_or_has_a_bug_stops_no_other(bug):
    (gone, well), bank, turn = both()
    turn(30)

    def broken(*_args):
        raise bug

    sizes, measure, steer = [], gone.measure_state, gone.apply_control
    gone.measure_state = broken
    for _ in range(30):
        turn(1)
        sizes.append(well.size)
    assert gone.size == 12.0
    assert REASONS[bank.columns.reasons[0]] == SAFE
    assert len(set(sizes)) > 3
    assert list(bank.troubles) == [0]
    gone.measure_state, gone.apply_control = measure, broken
    turn(30)
    assert gone.size == 12.0
    assert list(bank.troubles) == [0]
    gone.apply_control = steer
    turn(30)
    assert gone.size != 12.0
    assert bank.troubles == {}


def test_a_sensor_that_tells_something_else_altogether_stops_no_other():
    (odd, well), bank, turn = both()
    turn(30)
    odd.measure_state = lambda: (1.0, "x")
    before = well.size
    turn(20)
    assert odd.size == 12.0
    assert well.size != before or bank.actions[-1][0] == 1


def test_the_kill_switch_of_a_bank_is_at_once_and_for_good():
    plays, bank, turn = both()
    turn(30)
    assert any(play.size != 12.0 for play in plays)
    assert bank.kill() == [12.0, 12.0]
    turn(20)
    assert [play.size for play in plays] == [12.0, 12.0]
    assert bank.stop() == [12.0, 12.0]


def test_the_kill_switch_of_a_bank_is_asked_again_where_an_actuator_did_not_obey():
    plays, bank, turn = both()
    turn(30)
    take, plays[0].size = plays[0].apply_control, 30.0
    plays[0].apply_control = lambda _size: 30.0
    assert bank.kill() == [30.0, 12.0]
    turn(2)
    assert plays[0].size == 30.0
    plays[0].apply_control = take
    turn(1)
    assert [play.size for play in plays] == bank.applied == [12.0, 12.0]


def test_a_bank_that_acted_and_then_only_recommends_is_let_go_to_its_safe_sizes():
    plays, bank, turn = both()
    turn(30)
    bank.set_mode("recommend")
    turn(3)
    assert bank.stop() == [12.0, 12.0]
    assert [play.size for play in plays] == [12.0, 12.0]


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_neither_the_kill_switch_nor_the_stop_of_a_bank_waits_for_a_sensor_that_hangs(end, monkeypatch):
    monkeypatch.setattr("app.engine.control.turns.Turns.stop.__defaults__", (0.1,))
    plays = [Played(0, contended=False), Played(1, contended=False)]
    for play in plays:
        play.step(0.0)
    envelopes = [Envelope(2, 64, 12, cool_s=30.0)] * 2
    bank = ControllerBank(plays, mode="apply", tick_s=0.02, envelopes=envelopes)
    inside, gate, done, asked = threading.Event(), threading.Event(), threading.Event(), []
    measure, steer = plays[0].measure_state, plays[1].apply_control

    def hang():
        inside.set()
        assert gate.wait(60)
        return measure()._replace(position=60.0, raw=60.0)

    plays[0].measure_state = hang
    plays[1].apply_control = lambda size: asked.append(size) or steer(size)
    plays[0].size = plays[1].size = 30.0
    bank.start()
    assert inside.wait(20)

    def call():
        getattr(bank, end)()
        done.set()

    threading.Thread(target=call, daemon=True).start()
    assert done.wait(20)
    assert [play.size for play in plays] == [12.0, 12.0]
    gate.set()
    assert bank.stop() == [12.0, 12.0]
    assert bank._turns.stop(20)  # the turn that hung is over
    assert [play.size for play in plays] == [12.0, 12.0]
    assert set(asked) == {12.0}


@pytest.mark.parametrize("end", ["kill", "stop", "dead"])
def test_an_actuator_that_hangs_keeps_no_other_from_its_safe_size(end, monkeypatch):
    monkeypatch.setattr("app.engine.control.abreast.PATIENCE_S", 0.2)
    plays, bank, turn = both(4)
    turn(30)
    gate, back, asked, steer = threading.Event(), threading.Event(), [], plays[0].apply_control

    def hang(size):
        asked.append(size)
        assert gate.wait(60)
        steer(size)
        back.set()
        return size

    plays[0].apply_control = hang
    for play in plays:
        play.size = 30.0
    done = threading.Event()

    def call():
        bank._to_safe(DEAD) if end == "dead" else getattr(bank, end)()
        done.set()

    threading.Thread(target=call, daemon=True).start()
    assert done.wait(20)
    assert [play.size for play in plays[1:]] == [12.0] * 3
    bank._to_safe(DEAD)  # as the watch does again: who hangs is not asked on top
    assert asked == [12.0]
    gate.set()
    assert back.wait(20)
    assert plays[0].size == 12.0


def test_a_canary_share_holds_in_the_long_run_too():
    envelope = Envelope(2, 64, 10, canary=0.1)
    bank = Columns([MODELS["coherent"]], [envelope], [10.0], delays_s=[0.1], mode=APPLY)
    for turn in range(200):
        size = float(bank.sizes[0])
        bank.see([ResourceState(0.1 * turn, 40.0, 0.0, 0.0, size, 0.0, 0.0, 40.0, 0.05, size, 0.05, 0.05, 40.0)])
        bank.tick(0.1 * turn)
    assert bank.wanted(0) > 40
    assert bank.sizes[0] == pytest.approx(10 + 0.1 * (bank.wanted(0) - 10), abs=0.5)


def test_the_kernel_is_compiled_by_the_constructor_for_just_what_turns_hand_it(monkeypatch):
    kernel, heard = _compiled(), []
    for name in ("look", "decide"):
        made = getattr(kernel, name)

        def call(*args, made=made, name=name):
            heard.append((name, [getattr(one, "dtype", type(one)) for one in args], [getattr(one, "ndim", 0) for one in args]))
            return made(*args)

        monkeypatch.setattr(kernel, name, call)
    _compiled.cache_clear()
    bank = Columns([MODELS["auto"]] * 2, [WIDE] * 2, [10.0] * 2, delays_s=[0.1] * 2)
    first, heard[:] = list(heard), []
    assert [one[0] for one in first] == ["look", "decide"]
    bank.see([None, None])
    bank.tick(0.1)
    bank.tick(0.2)
    assert heard == [*first, first[1]]


@pytest.mark.parametrize("tick_s", [0, -1.0, math.nan, math.inf, 1e10])
def test_a_bank_takes_no_turns_of_no_time_or_of_more_than_a_thread_can_wait(tick_s):
    plays, _bank, _turn = both()
    with pytest.raises(BadInput, match="A turn takes a number of seconds"):
        ControllerBank(plays, envelopes=[WIDE] * len(plays), tick_s=tick_s)


@pytest.mark.parametrize("killed", [False, True])
def test_what_outlives_the_program_is_left_as_it_was_found(killed):
    plays, bank, turn = both()
    left = []
    for number, play in enumerate(plays):
        play.leave_as_found = lambda number=number: left.append(number)
    turn(5)
    if killed:
        bank.kill()
    assert left == []
    bank.stop()
    assert set(left) == set(range(len(plays)))


def test_an_envelope_beyond_what_a_resource_takes_is_refused():
    plays, _bank, _turn = both()
    with pytest.raises(BadInput, match="reaches beyond the resource, which takes 2"):
        ControllerBank(plays, envelopes=[Envelope(2, 64, 12), Envelope(2, 65, 12)])


def test_a_bank_that_hangs_in_a_turn_taken_by_hand_can_be_stopped(monkeypatch):
    monkeypatch.setattr("app.engine.control.bank.LAST_TURN_S", 0.1)
    plays, bank, turn = both()
    turn(5)
    inside, gate, measure = threading.Event(), threading.Event(), plays[0].measure_state

    def hang():
        inside.set()
        assert gate.wait(60)
        return measure()

    plays[0].measure_state = hang
    turning = threading.Thread(target=bank.optimize, daemon=True)
    turning.start()
    assert inside.wait(20)
    stopping = threading.Thread(target=bank.stop, daemon=True)
    stopping.start()
    stopping.join(20)
    assert not stopping.is_alive()
    gate.set()
    turning.join(20)
    assert [play.size for play in plays] == [12.0, 12.0]
