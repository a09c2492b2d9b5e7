"""The job that runs a controller on a real resource under a bursty load, in a process of its own.

The service time is injected: each task waits an exponential time instead of computing, so that the figures mean the
same on two cores as on sixty-four. Everything else (the resource, its queue, waits, resizes) is real and measured; which
resources there are stands in `rigs`.
"""

import math
import time
from array import array
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from app.engine.base.contracts import Report, Stop, never, silent
from app.engine.control import metrics, queueing, workload
from app.engine.control.controller import Controller, Manner
from app.engine.control.envelope import LOST_TURNS, STALE_TURNS, Envelope
from app.engine.control.laws import SIZING, set_to, suited
from app.engine.control.orders import END, KILL, RARELY, Orders
from app.engine.control.records import KILLED_MODE, RECOMMEND, RUNS, Action, Tick, need_kind, need_run
from app.engine.control.rig_balancer import EACH
from app.engine.control.rigs import Rig, rig_of

_MOST_NAP_S, _DRAIN_S = 0.02, 2.0
_UP_PER_S, _DOWN_PER_S = 300.0, 30.0
# Of a size in bytes: shares of the span between its bounds.
_UP_SHARE, _DOWN_SHARE = 10.0, 0.5
_AIMED_WAIT_S = 0.01
_KEPT_ACTIONS, _TOLD_ACTIONS = 500, 4
# How many turns are told in one message, and how many where many run: who looks on pays for each message, and for each time
# that something comes. So controllers tell together, at whole multiples of that on the clock.
_TELL_EVERY, _TELL_RARELY = 4, 10
# Resources for which a fixed size can be told exactly, by the recursion over the same arrivals.
COMPARED = ("threadpool", "processpool")


@dataclass(frozen=True)
class Plan:
    """What a run is asked to do, with the load it will meet."""

    seconds: float
    low: int
    high: int
    law: str
    mode: str
    tick_s: float
    service_s: float
    bursts: workload.Bursts
    times_s: workload.Floats
    services_s: workload.Floats
    resource: str = "threadpool"
    settings: dict[str, float] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


@dataclass
class Trail:
    """A run under way and what it leaves behind."""

    plan: Plan
    rig: Rig
    start_s: float = field(default_factory=time.monotonic)
    ticks: list[Tick] = field(default_factory=list)
    actions: "deque[dict[str, Any]]" = field(default_factory=lambda: deque(maxlen=_KEPT_ACTIONS))
    made: int = 0
    held: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    waits_s: "array[float]" = field(default_factory=lambda: array("d"))
    orders: Orders = field(default_factory=Orders)
    told_to_end: bool = False
    tell_every: int = _TELL_EVERY
    telling: int = -1
    submitted: int = 0
    control_cpu_s: float = 0.0
    wall_s: float = 0.0

    def __post_init__(self) -> None:
        self.epoch_s = time.time() - self.start_s
        self.mode = self.plan.mode
        # When in the run its mode last changed: what was met before was met under another. And the size it then had, which
        # is the one it keeps where the mode does not act.
        self.mode_since_s = self.mode_size = 0.0

    def take_mode(self, mode: str, size: float) -> None:
        """Note the mode in force from now on, and the size it has now."""
        if mode != self.mode:
            self.mode, self.mode_since_s, self.mode_size = mode, self.age_s(), size

    def note(self, action: Action) -> None:
        """Keep an action with its number and its time of day."""
        self.made += 1
        self.actions.append({"n": self.made, "at_us": round(1e6 * (self.epoch_s + action.at_s)), **asdict(action)})

    def age_s(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.start_s

    def next_due_s(self) -> float:
        """Return when the next task arrives; infinite after the last."""
        times_s = self.plan.times_s
        return float(times_s[self.submitted]) if self.submitted < len(times_s) else math.inf


def run(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:
    """Steer a pool for `spec["seconds"]`; return {ticks, mean_size, p99_wait_s, …}, sizes in threads, all JSON.

    `spec` may also give low, high, law, mode (recommend unless told otherwise), tick_s, service_s and
    the fields of `workload.Bursts`.
    """
    plan = plan_of(spec, seed)
    safe = safe_of(plan)
    plant = need_kind(plan.resource).plant
    law = set_to(plan.law, plan.settings, plant)
    trail = Trail(plan, rig_of(plan.resource, safe, plan.low, plan.high, plan.more), orders=Orders(spec.get("orders")))
    safe = round(getattr(trail.rig, "safe", safe))
    completed = False
    try:
        delay_s = max(plan.tick_s, need_kind(plan.resource).delay_s) if plant == SIZING else 0.0
        resource = trail.rig.resource
        controller = Controller(resource, suited(law, resource), _envelope(plan, safe), float(safe),
                                manner=Manner(plan.mode, delay_s), on_action=trail.note)  # fmt: skip
        trail.mode_size = controller.applied
        completed = _steer(trail, controller, report, stop)
        controller.let_go()
        _drain(trail, stop)
    finally:
        if not completed:
            trail.rig.wake()
        unserved_s = trail.rig.close()
    if completed:
        report(plan.seconds, plan.seconds, unit="s", samples=trail.held)
    trail.waits_s.extend(trail.rig.take_waits())
    trail.waits_s.extend(unserved_s)
    return _result(trail, safe, len(unserved_s))


def plan_of(spec: dict[str, Any], seed: int) -> Plan:
    """Return the plan `spec` asks for, its load drawn from `seed`."""
    names = ("rate_hz", "factor", "burst_s", "gap_s")
    bursts = workload.Bursts(**{name: float(spec[name]) for name in names if spec.get(name)})
    seconds, service_s = float(spec["seconds"]), float(spec.get("service_s", 0.05))
    resource = str(spec.get("resource", "threadpool"))
    suits, passed = need_run(resource), ("policy", "agents", "group", "mode")
    times_s = workload.arrivals(bursts, seconds, seed) if suits.rate_hz else np.empty(0)
    return Plan(
        seconds, int(spec.get("low") or suits.low), int(spec.get("high") or suits.high), str(spec.get("law", "auto")),
        str(spec.get("mode", RECOMMEND)),
        float(spec.get("tick_s", 0.1)), service_s, bursts, times_s, workload.services(len(times_s), service_s, seed),
        resource, dict(spec.get("settings") or {}),
        {"service_s": service_s, **{name: spec[name] for name in passed if name in spec}},
    )  # fmt: skip


def safe_of(plan: Plan) -> int:
    """Return the size that is safe: a modest one, and where more workers are always faster staffed by Erlang C."""
    modest = RUNS[plan.resource].safe
    if modest:
        return min(max(plan.low, modest), plan.high)
    each = EACH if plan.resource == "balancer" else 1
    return max(plan.low, min(plan.high, -(-_staffed(plan, each * plan.low, each * plan.high) // each)))


def _staffed(plan: Plan, low: int, high: int) -> int:
    return queueing.staff_for(plan.bursts.mean_hz, plan.service_s, _AIMED_WAIT_S, low, high)


def _envelope(plan: Plan, safe: int) -> Envelope:
    up_per_s, down_per_s = _UP_PER_S, _DOWN_PER_S
    if need_kind(plan.resource).unit == "bytes":
        up_per_s, down_per_s = ((plan.high - plan.low) * share or math.inf for share in (_UP_SHARE, _DOWN_SHARE))
    stale_s, lost_s = STALE_TURNS * plan.tick_s, LOST_TURNS * plan.tick_s
    return Envelope(plan.low, plan.high, safe, up_per_s, down_per_s, stale_s=stale_s, lost_s=lost_s)


def _steer(trail: Trail, controller: Controller, report: Report, stop: Stop) -> bool:
    """Play the load and take a turn every `tick_s`; tell whether the time was served in full."""
    plan, turn, stopped = trail.plan, 0, False
    while (now_s := trail.age_s()) < plan.seconds and not (stopped := stop()) and not trail.told_to_end:
        _submit_due(trail, now_s)
        if now_s >= turn * plan.tick_s:
            _heed(controller, trail)
            tick = _turn(controller, trail)
            turn = max(turn, int(now_s / plan.tick_s))  # a late turn skips those it missed
            trail.waits_s.extend(trail.rig.take_waits())
            _tell(report, trail, tick, turn)
            turn += 1
        nap_s = min(turn * plan.tick_s, trail.next_due_s(), plan.seconds) - trail.age_s()
        if nap_s > 0:
            time.sleep(min(nap_s, _MOST_NAP_S))
    if not stopped and not trail.told_to_end:
        _submit_due(trail, plan.seconds)  # what fell due since the last turn, on a busy machine
    trail.wall_s = trail.age_s()
    return not stopped


def _heed(controller: Controller, trail: Trail) -> None:
    """Follow what an operator asked for since the last turn: a mode, an end, or the kill switch."""
    for order in trail.orders.take():
        if order == END:
            trail.told_to_end = True
        elif order == KILL:
            _kill(controller, trail)
        elif order == RARELY:
            trail.tell_every = _TELL_RARELY
        elif not controller.killed:
            controller.set_mode(order)
            trail.take_mode(order, controller.applied)


def _kill(controller: Controller, trail: Trail) -> None:
    """Take the controller off; that is an action where the size was the safe one already, or stays another, too."""
    before, size = trail.made, controller.applied
    controller.kill()
    if trail.made == before:
        trail.note(Action(time.monotonic(), size, controller.envelope.safe, controller.applied, controller.killed_reason))
    trail.take_mode(KILLED_MODE, controller.applied)


def _drain(trail: Trail, stop: Stop) -> None:
    """Give what is queued at the end a moment to be served; what is not is counted with the wait it had so far."""
    until_s = trail.age_s() + _DRAIN_S
    while trail.rig.counts()[0] and trail.age_s() < until_s and not stop():
        time.sleep(_MOST_NAP_S)


def _submit_due(trail: Trail, now_s: float) -> None:
    while (due_s := trail.next_due_s()) <= now_s:
        service_s = float(trail.plan.services_s[trail.submitted])
        trail.rig.submit(service_s, trail.start_s + due_s)
        trail.submitted += 1


def _turn(controller: Controller, trail: Trail) -> Tick:
    before_s = time.thread_time()
    tick = controller.tick(time.monotonic())
    trail.control_cpu_s += time.thread_time() - before_s
    trail.ticks.append(tick)
    return tick


def _tell(report: Report, trail: Trail, tick: Tick, turn: int) -> None:
    """Keep the turn's figures, and send them with those of the turns before: who looks on pays for each message."""
    plan = trail.plan
    now = {
        "target": tick.target, "size": tick.size, "queue": tick.queue, "wait_s": tick.wait_s, "force": tick.force,
        "position": tick.position, "velocity": tick.velocity,
    }  # fmt: skip
    for metric, value in now.items():
        trail.held.setdefault(metric, []).append((trail.epoch_s + tick.at_s, value))
    part = (int((trail.epoch_s + trail.start_s) / plan.tick_s) + turn) // trail.tell_every
    if part == trail.telling:
        return
    trail.telling = part
    samples, trail.held = trail.held, {}
    more = {"reason": tick.reason, "bound": tick.bound, "mode": trail.mode, "mode_since_s": trail.mode_since_s,
            "mode_size": trail.mode_size, "actions": list(trail.actions)[-max(_TOLD_ACTIONS, trail.tell_every) :]}  # fmt: skip
    report(min(turn * plan.tick_s, plan.seconds), plan.seconds, unit="s", partial={**now, **more}, samples=samples)


def _result(trail: Trail, safe: int, unserved: int) -> dict[str, Any]:
    plan, ticks, waits_s = trail.plan, trail.ticks, trail.waits_s
    sizes = [tick.size for tick in ticks]
    begin_s = ticks[0].at_s if ticks else 0.0
    times_s = [tick.at_s - begin_s for tick in ticks]
    mean_size = metrics.mean_over_time(times_s, sizes, max(trail.wall_s, times_s[-1] if times_s else 0.0))
    columns = metrics.series(ticks)
    columns["at_s"] = [round(at_s - begin_s, 4) for at_s in columns["at_s"]]
    return {
        "schema": 1,
        "ticks": len(ticks),
        "mean_size": mean_size,
        "p99_wait_s": metrics.percentile_s(waits_s, 0.99),
        "p50_wait_s": metrics.percentile_s(waits_s, 0.5),
        "resource": plan.resource,
        "unit": trail.rig.resource.unit,
        "tasks": trail.rig.counts()[1],
        "shed": trail.rig.counts()[2],
        "submitted": trail.submitted,
        "unserved": unserved,
        "resizes": metrics.resizes([float(safe), *sizes]),
        "bounds_violations": metrics.outside(sizes, plan.low, plan.high),
        "overhead_ratio": trail.control_cpu_s / trail.wall_s if trail.wall_s else 0.0,
        "wall_s": trail.wall_s,
        "mode": trail.mode,
        "mode_since_s": trail.mode_since_s,
        "mode_size": trail.mode_size,
        "ended_early": trail.told_to_end,
        "law": plan.law,
        "settings": plan.settings,
        "actions": [{**one, "at_s": round(one["at_s"] - begin_s, 4)} for one in trail.actions],
        "safe_size": safe,
        "service_time": _service_time(trail),
        "backends": getattr(trail.rig, "backends", list)(),
        "static": _static_peer(plan, trail.submitted, mean_size) if plan.resource in COMPARED else None,
        "series": columns,
    }


def _service_time(trail: Trail) -> dict[str, Any]:
    """Return what the mean service was, and whether it was injected; agents serve in their own time, a group none."""
    if trail.plan.more.get("agents"):
        return {"mean_s": trail.rig.resource.measure_state().service_s * EACH, "kind": "measured"}
    if not RUNS[trail.plan.resource].rate_hz:
        return {"mean_s": 0.0, "kind": "none"}
    return {"mean_s": trail.plan.service_s, "kind": "injected"}


def _static_peer(plan: Plan, submitted: int, mean_size: float) -> dict[str, Any]:
    """Return what a pool of the same mean size, never resized, would have done with this very load; simulated."""
    size = max(1, round(mean_size))
    waits_s = queueing.fifo_waits_s(plan.times_s[:submitted], plan.services_s[:submitted], size)
    return {
        "size": size,
        "p99_wait_s": metrics.percentile_s(waits_s, 0.99),
        "p50_wait_s": metrics.percentile_s(waits_s, 0.5),
        "kind": "simulated",
    }
