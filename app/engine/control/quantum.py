"""The controller as a library: hand it a resource and a model, start it, stop it. Classical control inspired by physics.

Those that are started share a thread (`wheel`); a second one watches them, and when no turn of one comes for three turns and
the cool-down its resource goes to its safe size. `stop` leaves the resource there too. By default it only recommends:
`mode="apply"` acts.
"""

import dataclasses
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Self

import numpy as np

from app.engine.base.contracts import Resource, ResourceState
from app.engine.base.errors import BadInput, OutpostError
from app.engine.control.abreast import abreast
from app.engine.control.controller import Controller, Manner
from app.engine.control.envelope import LOST_TURNS, STALE_TURNS, Envelope, need_within
from app.engine.control.laws import Law, need, suited
from app.engine.control.models import LawModel, model
from app.engine.control.records import DEAD, RECOMMEND, Action, Decision, Tick
from app.engine.control.turns import LAST_TURN_S, Turns, need_tick

_KEPT_TICKS: Final = 36_000
_TUNE_AFTER_S: Final = 120.0
# The most workers a plant is simulated with, and units of sizes that are no tasks at once.
_MOST_WORKERS: Final = 1024
_NO_TASKS: Final = ("bytes", "per second", "items")


class QuantumController:
    """Steers one resource; `optimize` is one turn, `start` takes one every `tick_s` seconds until `stop`."""

    def __init__(
        self, resource: Resource, physics_model: str | LawModel = "auto", auto_tune: bool = False, *,
        mode: str = RECOMMEND, envelope: Envelope | None = None, tick_s: float = 0.1, safe: float | None = None,
        on_action: Callable[[Action], None] | None = None, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        need_tick(tick_s)
        plant, delay_s = getattr(resource, "plant", "sizing"), float(getattr(resource, "delay_s", 0.0)) or tick_s
        if isinstance(physics_model, str):
            physics_model = model(
                physics_model, plant=plant, low=resource.low, high=resource.high, delay_s=delay_s, tick_s=tick_s
            )
            physics_model = physics_model.following(suited(physics_model.law, resource))
        self.resource, self.physics_model, self.auto_tune, self.tick_s = resource, physics_model, auto_tune, tick_s
        size = resource.measure_state().size
        if envelope is not None and safe is not None and safe != envelope.safe:
            raise BadInput("The safe size is {safe} here and {other} in the envelope", field="safe", safe=safe,
                           other=envelope.safe)  # fmt: skip
        kept = min(max(size, resource.low), resource.high) if safe is None else safe
        self.envelope = envelope or Envelope(
            resource.low, resource.high, kept, stale_s=STALE_TURNS * tick_s, lost_s=LOST_TURNS * tick_s
        )
        need_within(self.envelope, resource)
        self._controller = Controller(
            resource, physics_model.law, self.envelope, size, manner=Manner(mode, delay_s), on_action=on_action
        )
        self._clock = clock
        self.ticks: deque[Tick] = deque(maxlen=_KEPT_TICKS)
        self.tuned: dict[str, Any] | None = None
        self._lock, self._begun_s = threading.RLock(), clock()
        # No turn is under way that was let go: the next one acts again.
        self._rested = True
        self._turns = Turns("controller", self._turn, self._revert, tick_s=tick_s, patience_s=3 * tick_s + self.envelope.cool_s,
                            clock=clock, leave=self.stop)  # fmt: skip
        self._tuning: threading.Thread | None = None
        # Of each turn that was believed: its end, how many arrived, and how long it was.
        self._arrivals: deque[tuple[float, float, float]] = deque(maxlen=_KEPT_TICKS)
        self._plant, self._delay_s = plant, delay_s

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def actions(self) -> tuple[Action, ...]:
        """Return the changes made, with their reasons, newest last."""
        return tuple(self._controller.actions)

    @property
    def mode(self) -> str:
        """Return observe, recommend or apply."""
        return self._controller.mode

    def set_mode(self, mode: str) -> None:
        """Observe, recommend or apply from the next turn on."""
        # Past the lock: a turn that hangs in the sensor holds it.
        self._controller.set_mode(mode)

    def start(self) -> None:
        """Take turns on a thread until `stop`; raises `Conflict` when it runs already."""
        self._begun_s = self._clock()
        self._turns.start()
        self._take_up()

    def _take_up(self) -> None:
        self._rested = False
        self._controller.take_up()

    def optimize(self) -> Tick:
        """Take one turn now and return what was done and why."""
        with self._lock:
            if self._rested:
                self._take_up()
            before = self._controller.seen
            tick = self._controller.tick(self._clock())
            span_s = tick.at_s - self.ticks[-1].at_s if self.ticks else self.tick_s
            self.ticks.append(tick)
            seen = self._controller.seen
            # What was not believed, or is old news, tells of no arrivals.
            if seen is not None and self._is_news(seen, before, tick.at_s):
                self._arrivals.append((tick.at_s, max(seen.raw, 0.0) * span_s / seen.service_s, span_s))
            return tick

    def _is_news(self, seen: ResourceState, before: ResourceState | None, now_s: float) -> bool:
        fresh = (before is None or seen.at_s > before.at_s) and now_s - seen.at_s <= self.envelope.stale_s
        return fresh and seen.service_s > 0

    def stop(self) -> float:
        """End the turns and leave the resource at its safe size, which is returned; a second call changes nothing.

        The size is set before the last turn is waited for, and past the lock: that turn may hang in the sensor. It is waited
        for two seconds, whoever takes it; when it comes back later it leaves the safe size. Nor is an actuator that hangs
        waited for any longer.
        """
        left = self._past(self._controller.let_go)
        if self._turns.stop() and left and self._lock.acquire(timeout=LAST_TURN_S):
            try:
                self._rested = self._past(self._controller.let_go)
            finally:
                self._lock.release()
        return self._controller.applied

    def kill(self) -> float:
        """Use the kill switch: the safe size at once, whatever a turn hangs in, and no action any more.

        An actuator that hangs is waited for two seconds.
        """
        self._past(self._controller.kill)
        return self._controller.applied

    @staticmethod
    def _past(leave: Callable[[], float]) -> bool:
        """Call `leave` on a thread of its own and tell whether it came through: it may hang in the actuator."""
        return abreast(lambda _row: leave(), (0,))

    def tune(self, *, candidates: int = 40, seeds: int = 12, seed: int = 0) -> dict[str, Any]:
        """Tune the model on the arrivals seen so far and take the settings if they are confirmed on a part not used for it.

        Raises `BadInput` when too little was seen, and for a size that is no number of tasks at once (bytes, a rate). The plant
        is simulated with the envelope's bounds, the delay and the turn of this controller. Returns {accepted, verdict, effect,
        low, high, law, settings}; `law` is another than asked where the automatic model gives way to a classical law.
        """
        from app.engine.control import trials

        self._need_tasks()
        with self._lock:
            seen = list(self._arrivals)
            service_s = self._controller.seen.service_s if self._controller.seen is not None else 0.05
        spec = {
            "model": self.physics_model.name, "resource": "threadpool" if self._plant == "sizing" else "queue",
            "trace_s": _spread(seen), "service_s": service_s, "candidates": candidates, "seeds": seeds * 4,
            "tuning_seeds": seeds, "plant": {
                **dict(zip(("low", "high"), self._bounds(), strict=True)),
                "lag_s": self._delay_s if self._plant == "sizing" else 0.0, "tick_s": self.tick_s, "start": self.envelope.safe,
            },
        }  # fmt: skip
        self.tuned = told = trials.tuning(spec, seed, before=self.physics_model.law)
        if told["accepted"]:
            law: Law = need(told["law"], self._plant)
            with self._lock:
                changed: Any = suited(dataclasses.replace(law, **told["settings"]), self.resource)  # type: ignore[type-var]
                self.physics_model = self.physics_model.following(changed)
                self._controller.follow(changed)
        return told

    def replay(self, model: str, *, last_s: float = 3600.0, seed: int = 0) -> dict[str, Any]:
        """Return what `model` would have made of the arrivals of the last hour (or `last_s`), beside the model in force.

        Both are simulated with service times drawn from `seed`. Raises `BadInput` as `tune` does.
        """
        from app.engine.control import whatif

        self._need_tasks()
        with self._lock:
            seen = list(self._arrivals)
            service_s = self._controller.seen.service_s if self._controller.seen is not None else 0.05
        until_s = seen[-1][0] if seen else 0.0
        times = np.array(_spread([one for one in seen if one[0] > until_s - last_s]))
        services = np.random.default_rng(np.random.SeedSequence([seed, 7])).exponential(service_s, len(times))
        begin_s = float(times[0]) if len(times) else 0.0
        load = whatif.Seen(
            times - begin_s, services, float(times[-1]) - begin_s + self.tick_s if len(times) else 0.0,
            self.physics_model.law, self._plant, *self._bounds(), self.tick_s, self._delay_s,
        )  # fmt: skip
        return whatif.compare(load, need(model, self._plant).name)

    def _bounds(self) -> tuple[int, int]:
        """Return the envelope's bounds as a simulated plant has them."""
        return max(1, math.ceil(self.envelope.low)), max(1, min(int(self.envelope.high), _MOST_WORKERS))

    def _need_tasks(self) -> None:
        if self.resource.unit in _NO_TASKS:
            raise BadInput("A size of {name} in {unit} is no number of tasks at once, and cannot be simulated as one",
                           field="resource", name=self.resource.name, unit=self.resource.unit)  # fmt: skip

    def _turn(self) -> None:
        self.optimize()
        if self.auto_tune and self._tuning is None and self._clock() - self._begun_s > _TUNE_AFTER_S:
            self._tuning = threading.Thread(target=self._tune_quietly, name="controller-tune", daemon=True)
            self._tuning.start()

    def _tune_quietly(self) -> None:
        try:
            self.tune()
        except OutpostError as error:
            self.tuned = {"accepted": False, "verdict": str(error)}

    def _revert(self) -> None:
        if self._controller.acting:
            # The turn hangs, perhaps in the resource and with the lock: go past both.
            self._controller.apply_now(Decision(self.envelope.safe, DEAD), self._clock())


def _spread(seen: Sequence[tuple[float, float, float]]) -> list[float]:
    """Return arrival times, those of each turn evenly within it; `seen` holds (end of the turn, arrivals, its length)."""
    return [end - span + span * k / max(1, round(count)) for end, count, span in seen for k in range(round(count))]
