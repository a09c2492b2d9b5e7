"""Proof on the real thing: paired blocks on a live resource, model and peers in random order within each block.

A block plays one load, with its own seed, once for every law. The cost is J = 1 + w p99 wait / (ln 100 S) + paid / needed,
as in the simulator with the mean service S known; on a contended plant 20 × the share turned away takes the place of what
is paid. Intervals as in a trial.
"""

from dataclasses import asdict
from typing import Any, Final

import numpy as np

from app.engine.base.contracts import Report, Stop, never, silent
from app.engine.base.errors import BadInput, Cancelled
from app.engine.control import stats
from app.engine.control.laws import ADMISSION, need, set_to
from app.engine.control.records import APPLY, need_kind
from app.engine.control.rig_balancer import EACH
from app.engine.control.simulate import P99_OF_EXPONENTIAL, SHED_PRICE
from app.engine.control.work import plan_of, run

LEAST_BLOCKS: Final = 30


def cost(told: dict[str, Any], spec: dict[str, Any], seed: int) -> float:
    """Return J of one run of `work.run` with `spec` and `seed`."""
    plan = plan_of(spec, seed)
    slow = told["p99_wait_s"] / (P99_OF_EXPONENTIAL * plan.service_s)
    if need_kind(plan.resource).plant == ADMISSION:
        return float(1 + slow + SHED_PRICE * told["shed"] / max(1, told["submitted"]))
    each = EACH if plan.resource == "balancer" else 1
    needed = float(plan.services_s.sum()) / plan.seconds
    return float(1 + slow + each * told["mean_size"] / max(needed, 1e-9))


def floor_of(resource: str) -> float:
    """Return the least J there can be: on a contended plant nothing is paid for a size."""
    return 1.0 if need_kind(resource).plant == ADMISSION else 2.0


def names_of(spec: dict[str, Any]) -> tuple[str, ...]:
    """Return the model and its peers; raises `BadInput` for unknown ones and for fewer than thirty blocks."""
    plant = need_kind(str(spec["resource"])).plant
    peers = dict.fromkeys(str(name).strip() for name in spec["against"])
    model = str(spec["model"])
    if not peers or model in peers:
        raise BadInput("A trial needs peers other than the model itself", field="against")
    if int(spec["blocks"]) < LEAST_BLOCKS:
        raise BadInput("At least {least} blocks are needed to tell anything", field="blocks", least=LEAST_BLOCKS)
    for name, tuned in dict(spec.get("tuned") or {}).items():
        if name not in (model, *peers):
            raise BadInput("{name} takes no part, so its tuning cannot be used", field="tuned", name=name)
        set_to(tuned["law"], tuned["settings"], plant)
    return tuple(need(name, plant).name for name in (model, *peers))


def confirm(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:
    """Return {per: [{against, effect, low, high, p_holm, …}], blocks, …}, measured on the real resource."""
    model, *peers = names_of(spec)
    tuned = dict(spec.get("tuned") or {})
    blocks, names = int(spec["blocks"]), [model, *peers]
    random = np.random.default_rng(np.random.SeedSequence([seed, 41]))
    costs: dict[str, list[float]] = {name: [] for name in names}
    waits: dict[str, list[float]] = {name: [] for name in names}
    sizes: dict[str, list[float]] = {name: [] for name in names}
    for block in range(blocks):
        for place, name in enumerate(random.permutation(names).tolist()):
            asked = {**spec["run"], "resource": spec["resource"], "law": name, "mode": APPLY, **tuned.get(name, {})}
            told = run(asked, seed + block, stop=stop)
            if stop():
                raise Cancelled("The blocks were ended before they were done")
            costs[name].append(cost(told, asked, seed + block))
            waits[name].append(told["p99_wait_s"])
            sizes[name].append(told["mean_size"])
            done = block * len(names) + place + 1
            report(float(done), float(blocks * len(names)), unit="runs", partial={"phase": "measuring", "law": name})
    floor = floor_of(str(spec["resource"]))
    effects = stats.paired(np.array(costs[model]), {name: np.array(costs[name]) for name in peers}, seed=seed, floor=floor)
    return {
        "schema": 1, "kind": "measured", "model": model, "load": "bursty", "resource": spec["resource"], "seeds": blocks,
        "blocks": blocks, "floor": floor, "trace": "", "tuned": tuned,
        "per": [{**asdict(effect), "verdict": effect.verdict} for effect in effects],
        "laws": {
            name: {
                "cost": float(np.mean(costs[name])), "p99_s": float(np.mean(waits[name])),
                "mean_size": float(np.mean(sizes[name])), "blocks": [round(value, 4) for value in costs[name]],
            }
            for name in names
        },
    }  # fmt: skip
