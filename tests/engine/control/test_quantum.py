import dataclasses
import math
import threading

import numpy as np
import pytest

from app.engine.base.contracts import ResourceState
from app.engine.base.errors import BadInput, Conflict, Missing, Offline
from app.engine.control import Envelope, QuantumController, ThreadPoolResource, quantum
from app.engine.control.adapters.threadpool import ElasticThreadPool
from app.engine.control.records import SAFE

TICK_S = 0.1


class Sim:
    """A resource in the test's own time, whose sensor, delay and actuator can be broken."""

    name, unit, low, high, plant, delay_s = "sim", "workers", 2.0, 64.0, "sizing", 0.1

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.now_s, self.size, self.fault, self.asked = 0.0, 10.0, "", []
        self._last = None

    def clock(self):
        return self.now_s

    def measure_state(self):
        demand = float(self.random.poisson(20))
        state = ResourceState(
            self.now_s, demand, 0.0, 0.0, self.size, 0.0, 0.0, demand, 0.05, min(demand, self.size), 0.05, 0.05, 40.0
        )
        if self.fault == "lost":
            raise Offline("gone")
        if self.fault == "bug":
            raise KeyError("value")
        if self.fault == "stuck sensor":
            return self._last
        self._last = state
        lies = {"nan": math.nan, "negative": -5.0, "infinite": math.inf}
        if self.fault in lies:
            return state._replace(position=lies[self.fault])
        if self.fault == "late":
            return state._replace(at_s=self.now_s - 10 * TICK_S)
        if self.fault == "huge":
            return state._replace(position=1e9, raw=1e9, queue=1e9)
        return state

    def apply_control(self, new_size):
        self.asked.append(new_size)
        if self.fault == "flap":
            raise OSError("device busy")
        if self.fault == "actuator bug":
            raise RuntimeError("a bug of the adapter")
        if self.fault != "stuck actuator":
            self.size = float(round(new_size))
        return self.size

    def get_metrics(self):
        return {}


def steered(seed, **more):
    sim = Sim(seed)
    controller = QuantumController(sim, mode="apply", clock=sim.clock, safe=12.0, tick_s=TICK_S, **more)
    return sim, controller


def test_a_safe_size_that_would_not_be_the_one_in_force_is_refused():
    with pytest.raises(BadInput, match=r"is 20\.0 here and 12 in the envelope"):
        QuantumController(Sim(0), safe=20.0, envelope=Envelope(2, 64, 12))
    with pytest.raises(BadInput, match=r"safe size 1000\.0 is outside"):
        QuantumController(Sim(0), safe=1000.0)


def turn(sim, controller, count=1):
    ticks = []
    for _ in range(count):
        sim.now_s += TICK_S
        ticks.append(controller.optimize())
    return ticks


SENSOR = ("lost", "bug", "nan", "negative", "infinite", "stuck sensor", "late")
FAULTS = (*SENSOR, "huge", "stuck actuator", "flap", "actuator bug")


def test_a_hundred_injected_faults_break_no_bound_and_revert_within_three_turns():
    broken = 0
    for seed in range(100):
        fault = FAULTS[seed % len(FAULTS)]
        sim, controller = steered(seed)
        turn(sim, controller, 30)
        sim.fault = fault
        ticks = turn(sim, controller, 5)
        broken += sum(not sim.low <= size <= sim.high for size in sim.asked)
        if fault in SENSOR:
            # Held for two turns, and the safe size at the third.
            assert ticks[2].reason == SAFE, (fault, [tick.reason for tick in ticks])
            assert sim.size == 12.0
        sim.fault = ""
        turn(sim, controller, 40)
        assert sim.size > 12  # followed again
        assert controller.stop() == 12.0
    assert broken == 0


def test_a_cool_down_holds_the_revert_no_longer_than_itself():
    sim, controller = steered(1, envelope=Envelope(2, 64, 12, stale_s=0.2, lost_s=0.3, cool_s=0.5))
    turn(sim, controller, 30)
    sim.fault = "lost"
    turn(sim, controller, 4 + 5)
    assert sim.size == 12.0


def test_by_default_it_only_recommends():
    sim = Sim(0)
    controller = QuantumController(sim, "coherent", clock=sim.clock)
    ticks = turn(sim, controller, 30)
    assert controller.mode == "recommend"
    assert sim.asked == []
    assert ticks[-1].force > 5
    controller.set_mode("apply")
    turn(sim, controller, 10)
    assert controller.actions[-1].after == sim.size > 15


def test_the_issue_example_runs_on_a_real_pool_and_leaves_its_safe_size():
    with ElasticThreadPool(4, name="example") as pool:
        resource = ThreadPoolResource("example", min_threads=2, max_threads=64)
        controller = QuantumController(
            resource=resource, physics_model="optomechanical", auto_tune=True, mode="apply", tick_s=0.02
        )
        grown = threading.Event()
        controller._controller._on_action = lambda action: grown.set() if action.after > 4 else None
        done = threading.Event()
        controller.start()
        with pytest.raises(Conflict, match="runs already"):
            controller.start()
        futures = [pool.submit(done.wait, 5) for _ in range(40)]
        assert grown.wait(20)
        done.set()
        for future in futures:
            future.result(20)
        assert controller.stop() == 4
        assert controller.stop() == 4
        assert pool.counts().size == 4


def test_a_turn_that_hangs_is_noticed_and_the_safe_size_set():
    sim, gate, safe = Sim(0), threading.Event(), threading.Event()
    controller = QuantumController(sim, mode="apply", safe=12.0, tick_s=0.02)
    measure = sim.measure_state

    def hang():
        gate.wait(20)
        return measure()

    def told(action):
        if action.reason.startswith("controller silent"):
            safe.set()

    controller._controller._on_action = told
    controller.start()
    sim.measure_state = hang
    sim.size = 30.0
    controller._controller.applied = 30.0
    assert safe.wait(20)
    assert sim.size == 12.0
    gate.set()
    controller.stop()


def test_the_kill_switch():
    sim, controller = steered(0)
    turn(sim, controller, 20)
    assert controller.kill() == 12.0
    turn(sim, controller, 20)
    assert sim.size == 12.0


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_the_kill_switch_and_the_stop_do_not_wait_for_a_sensor_that_hangs(end, monkeypatch):
    monkeypatch.setattr("app.engine.control.turns.Turns.stop.__defaults__", (0.1,))
    sim, gate, inside = Sim(0), threading.Event(), threading.Event()
    controller = QuantumController(sim, mode="apply", safe=12.0, tick_s=0.02, envelope=Envelope(2, 64, 12, cool_s=30.0))
    measure = sim.measure_state

    def hang():
        inside.set()
        assert gate.wait(60)
        return measure()._replace(at_s=1e9, raw=60.0, position=60.0)

    sim.measure_state = hang
    sim.size = 30.0
    controller._controller.applied = 30.0
    controller.start()
    assert inside.wait(20)
    done = threading.Event()

    def call():
        assert getattr(controller, end)() == 12.0
        done.set()

    threading.Thread(target=call, daemon=True).start()
    assert done.wait(20)
    assert sim.size == 12.0
    gate.set()
    assert controller.stop() == 12.0
    assert controller._turns.stop(20)  # the turn that hung is over
    assert sim.size == 12.0
    assert set(sim.asked) == {12.0}


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_the_kill_switch_and_the_stop_do_not_wait_for_an_actuator_that_hangs(end, monkeypatch):
    monkeypatch.setattr("app.engine.control.abreast.PATIENCE_S", 0.1)
    sim, controller = steered(0)
    turn(sim, controller, 20)
    gate, apply = threading.Event(), sim.apply_control

    def hang(size):
        assert gate.wait(60)
        return apply(size)

    sim.apply_control = hang
    done = threading.Event()
    threading.Thread(target=lambda: (getattr(controller, end)(), done.set()), daemon=True).start()
    assert done.wait(20)
    gate.set()
    eventually = threading.Event()
    while sim.size != 12.0:
        eventually.wait(0.01)
    turn(sim, controller, 5)
    assert sim.size == 12.0


@pytest.mark.parametrize("patient", [True, False])
def test_a_turn_taken_by_hand_whose_actuator_is_slow_leaves_the_safe_size_when_it_is_stopped_meanwhile(patient, monkeypatch):
    monkeypatch.setattr("app.engine.control.quantum.LAST_TURN_S", 20 if patient else 0.1)
    sim, controller = steered(0)
    inside, gate, apply = threading.Event(), threading.Event(), sim.apply_control

    def slow(size):
        if threading.current_thread() is turning:
            inside.set()
            assert gate.wait(60)
        return apply(size)

    sim.apply_control = slow
    turning = threading.Thread(target=turn, args=(sim, controller, 2), daemon=True)
    turning.start()
    assert inside.wait(20)
    stopping = threading.Thread(target=controller.stop, daemon=True)
    stopping.start()
    if not patient:
        stopping.join(20)
    gate.set()
    stopping.join(20)
    turning.join(20)
    assert sim.size == 12.0


def test_the_mode_can_be_changed_while_a_turn_hangs_in_the_sensor():
    sim, controller = steered(0)
    gate, inside, measure = threading.Event(), threading.Event(), sim.measure_state

    def hang():
        inside.set()
        assert gate.wait(60)
        return measure()

    sim.measure_state = hang
    hung = threading.Thread(target=controller.optimize, daemon=True)
    hung.start()
    assert inside.wait(20)
    done = threading.Event()
    threading.Thread(target=lambda: (controller.set_mode("observe"), done.set()), daemon=True).start()
    assert done.wait(20)
    gate.set()
    hung.join(20)
    assert controller.mode == "observe"


def test_what_acted_is_left_at_its_safe_size_though_it_only_recommends_now():
    sim, controller = steered(0)
    turn(sim, controller, 30)
    assert sim.size > 15
    controller.set_mode("recommend")
    turn(sim, controller, 3)
    assert controller.stop() == sim.size == 12.0
    idle = Sim(0)
    looks = QuantumController(idle, mode="recommend", clock=idle.clock)
    turn(idle, looks, 3)
    assert looks.stop() == 10.0
    assert idle.asked == []


def test_the_watch_reverts_what_acted_though_it_only_recommends_now():
    sim, controller = steered(0)
    turn(sim, controller, 30)
    controller.set_mode("observe")
    controller._revert()
    assert sim.size == 12.0


def test_tuning_on_what_was_seen_is_judged_on_what_was_not():
    sim, controller = steered(0, physics_model="coherent")
    turn(sim, controller, 100)
    before = controller.physics_model.law
    told = controller.tune(candidates=2, seeds=2)
    assert told["accepted"] == (told["verdict"] == "better") == (controller.physics_model.law is not before)
    assert controller.tuned == told
    with pytest.raises(BadInput, match="at least 100 arrivals"):
        steered(1)[1].tune()


def test_a_second_tuning_must_be_better_than_the_law_in_force_not_than_its_defaults(monkeypatch):
    from app.engine.control import trials

    judged, real = [], trials.simulate
    monkeypatch.setattr(trials, "simulate", lambda law, *more, **named: (judged.append(law), real(law, *more, **named))[1])
    sim, controller = steered(0, physics_model="coherent")
    turn(sim, controller, 100)
    own = dataclasses.replace(controller.physics_model.law, beta=1.2345)
    controller.physics_model = controller.physics_model.following(own)
    controller.tune(candidates=1, seeds=1)
    assert own in judged


@pytest.mark.parametrize(("plant", "lag_s"), [("sizing", 0.7), ("admission", 0.0)])
def test_tuning_plays_the_bounds_the_delay_and_the_turn_of_this_controller(plant, lag_s, monkeypatch):
    from app.engine.control import trials

    asked, real = [], trials.simulate

    def watch(law, batch, plant, seconds, **more):
        asked.append(plant)
        return real(law, batch, plant, seconds, **more)

    monkeypatch.setattr(trials, "simulate", watch)
    sim = Sim(0)
    sim.plant, sim.delay_s = plant, 0.7
    envelope = Envelope(3, 17, 5)
    controller = QuantumController(sim, clock=sim.clock, tick_s=0.2, envelope=envelope)
    for _ in range(60):
        sim.now_s += 0.2
        controller.optimize()
    controller.tune(candidates=1, seeds=1)
    (one,) = set(asked)
    assert (one.kind, one.low, one.high, one.start, one.tick_s, one.lag_s) == (plant, 3, 17, 5, 0.2, lag_s)


@pytest.mark.parametrize("unit", ["bytes", "per second", "items"])
def test_what_is_no_number_of_tasks_is_neither_tuned_nor_replayed_as_one(unit):
    sim, controller = steered(0)
    turn(sim, controller, 100)
    sim.unit = unit
    with pytest.raises(BadInput, match=f"A size of sim in {unit} is no number of tasks"):
        controller.tune()
    with pytest.raises(BadInput, match="no number of tasks"):
        controller.replay("static")


def test_the_last_hour_is_played_again_under_another_model():
    sim, controller = steered(0, physics_model="coherent")
    turn(sim, controller, 100)
    told = controller.replay("static", last_s=5.0)
    assert (told["against"], told["kind"], set(told["laws"])) == ("coherent", "simulated", {"static", "coherent"})
    assert 4.5 < told["seconds"] < 5.2
    assert told == controller.replay("static", last_s=5.0)
    assert controller.replay("coherent")["effect"] == 0.0
    with pytest.raises(BadInput, match="Too few arrivals"):
        steered(1)[1].replay("static")


def test_what_cannot_be_steered_is_refused_with_one_line():
    with pytest.raises(BadInput, match="no physics model warp; choose from auto, optomechanical"):
        QuantumController(Sim(0), "warp")
    with pytest.raises(Missing, match="no thread pool named nobody"):
        ThreadPoolResource("nobody")
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as stiff, pytest.raises(BadInput, match="ThreadPoolExecutor cannot shrink"):
        ThreadPoolResource(stiff)
    with ElasticThreadPool(2) as pool, pytest.raises(BadInput, match="ascending"):
        ThreadPoolResource(pool, min_threads=9, max_threads=3)


def test_turns_without_a_believed_reading_bring_no_arrivals():
    for fault in SENSOR:
        sim, controller = steered(0)
        turn(sim, controller, 10)
        before = list(controller._arrivals)
        sim.fault = fault
        turn(sim, controller, 50)
        assert list(controller._arrivals) == before, fault


def test_arrivals_are_counted_over_the_time_a_turn_really_took():
    sim, controller = steered(0)
    turn(sim, controller, 2)
    sim.now_s += 0.5
    controller.optimize()
    end_s, count, span_s = controller._arrivals[-1]
    assert (end_s, span_s) == (pytest.approx(0.7), pytest.approx(0.5))
    assert count == pytest.approx(controller._controller.seen.raw * 0.5 / 0.05)
    times = quantum._spread([(end_s, 5.0, span_s)])
    assert times == pytest.approx([0.2, 0.3, 0.4, 0.5, 0.6])


def test_a_replay_plays_the_bounds_and_the_delay_of_this_controller(monkeypatch):
    asked = []
    monkeypatch.setattr("app.engine.control.whatif.compare", lambda seen, _model: asked.append(seen) or {})
    sim = Sim(0)
    sim.delay_s = 0.7
    controller = QuantumController(sim, clock=sim.clock, tick_s=0.2, envelope=Envelope(3, 17, 5))
    for _ in range(60):
        sim.now_s += 0.2
        controller.optimize()
    controller.replay("static")
    (one,) = asked
    assert (one.low, one.high, one.lag_s, one.tick_s, one.each) == (3, 17, 0.7, 0.2, 1)


@pytest.mark.parametrize(("low", "high"), [(1, 64), (2, 65)])
def test_an_envelope_beyond_the_resource_is_refused(low, high):
    with pytest.raises(BadInput, match="reaches beyond the resource, which takes 2"):
        QuantumController(Sim(0), envelope=Envelope(low, high, 12))
