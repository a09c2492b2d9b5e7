"""What if: the load of the last hour again, under another model, beside the law it had; both simulated.

A run that does not act has a fixed size, whatever it recommends: that is what another model is compared with then. Where an
operator changed its mode, only what it met since is played, and the fixed size is the one it had then: before, it was another
run. A backend
of a balancer serves several requests at once: it is played as one that serves them as many times as quickly.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from app.engine.base.contracts import Report, Stop, never, silent
from app.engine.base.errors import BadInput
from app.engine.control import queueing
from app.engine.control.laws import ADMISSION, Law, need, set_to
from app.engine.control.loads import Batch, Floats
from app.engine.control.peers import Static
from app.engine.control.records import APPLY, HOUR_S, need_simulated
from app.engine.control.simulate import CONTENDED, Plant, simulate

_KEPT_SIZES: Final = 1200
_FEWEST: Final = 2


@dataclass(frozen=True)
class Seen:
    """A load that was met: ascending arrivals and services in s, for how long, under which law, on what kind of plant."""

    times_s: Floats
    services_s: Floats
    seconds: float
    law: Law
    kind: str
    low: int
    high: int
    tick_s: float
    lag_s: float
    # How many tasks at once are the work of one unit of the size.
    each: int = 1
    # The size that both begin with; 0 staffs it for the load.
    start: float = 0.0
    # What the law in force is called, where it is not to be its own name.
    named: str = ""


def compare(seen: Seen, model: str) -> dict[str, Any]:
    """Return {model, against, effect, laws}: `effect` is the share of the cost that `model` would have saved.

    A law whose settings are not its defaults is called `… tuned` there.
    """
    if len(seen.times_s) < _FEWEST or seen.seconds <= 0:
        raise BadInput("Too few arrivals were seen to play them again", field="model")
    services_s = seen.services_s / seen.each
    rate_hz, service_s = len(seen.times_s) / seen.seconds, float(services_s.mean())
    start = round(seen.start) or queueing.staff_for(rate_hz, service_s, 0.01, seen.low, seen.high)
    plant = Plant(low=seen.low, high=seen.high, lag_s=seen.lag_s, tick_s=seen.tick_s, start=start)
    if seen.kind == ADMISSION:
        begun = start if seen.start else CONTENDED.start
        plant = replace(CONTENDED, low=seen.low, high=seen.high, tick_s=seen.tick_s, start=begun)
    batch = Batch(seen.times_s[None], services_s[None], np.array([len(seen.times_s)]))
    told: dict[str, Any] = {}
    own = seen.named or (seen.law.name if seen.law == need(seen.law.name, seen.kind) else f"{seen.law.name} tuned")
    for name, law in {model: need(model, seen.kind), own: seen.law}.items():
        outcome = simulate(law, batch, plant, seen.seconds, keep=True)
        sizes = outcome.sizes[0]
        told[name] = {
            "cost": float(outcome.cost(service_s, contended=seen.kind == ADMISSION)[0]), "p99_s": float(outcome.p99_s[0]),
            "resource_ratio": float(outcome.resource_ratio[0]), "resizes_hz": float(outcome.resizes_hz[0]),
            "mean_size": float(sizes.mean()), "sizes": sizes[:: max(1, -(-len(sizes) // _KEPT_SIZES))].tolist(),
        }  # fmt: skip
    return {
        "schema": 1, "kind": "simulated", "model": model, "against": own,
        "effect": 1 - told[model]["cost"] / told[own]["cost"], "tick_s": seen.tick_s, "seconds": seen.seconds,
        "laws": told,
    }  # fmt: skip


def replay(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:
    """Play the load of a run again, the last `spec["last_s"]` of the `spec["until_s"]` seconds it has run."""
    del stop
    from app.engine.control.rig_balancer import EACH
    from app.engine.control.work import plan_of, safe_of

    plan = plan_of(spec["run"], int(spec["run_seed"]))
    until_s = min(plan.seconds, float(spec.get("until_s", plan.seconds)))
    since_s = min(until_s, float(spec.get("since_s", 0.0)))
    begin_s = max(since_s, until_s - float(spec.get("last_s", HOUR_S)))
    kept = (plan.times_s >= begin_s) & (plan.times_s < until_s)
    kind = need_simulated(plan.resource)
    law, named, start = set_to(plan.law, plan.settings, kind.plant), "", float(spec.get("mode_size", 0.0))
    if plan.mode != APPLY:
        start = start or float(safe_of(plan))
        law, named = Static(start), f"static {start:g}"
    if since_s and kept.sum() < _FEWEST:
        raise BadInput("Too few arrivals were seen since its mode last changed to play them again", field="model")
    seen = Seen(plan.times_s[kept] - begin_s, plan.services_s[kept], until_s - begin_s, law, kind.plant, plan.low, plan.high,
                plan.tick_s, kind.delay_s, EACH if kind.name == "balancer" else 1, start, named)  # fmt: skip
    told = compare(seen, str(spec["model"]))
    report(1, 1, unit="runs")
    return {**told, "from_s": begin_s, "until_s": until_s, "seed": seed, "mode": plan.mode, "mode_since_s": since_s}
