"""What a controller costs and gains: laws per turn, a bank of a thousand, fifty with sensing, trials, a real pool.

Prints JSON lines {figure, value, unit, peer, settings}; `--part` picks what is measured. Effects are simulated, the rest
is measured here.
"""

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from app.engine.control import trials, work
from app.engine.control.adapters.threadpool import ElasticThreadPool, ThreadPoolResource
from app.engine.control.controller import Controller
from app.engine.control.envelope import Envelope
from app.engine.control.laws import LAWS
from app.engine.control.ops import ARRAY, SCALAR
from app.engine.control.sight import Sight

Line = tuple[str, float, str, str, dict[str, Any]]
PEERS = ["static", "pid", "gradient2", "aimd", "hpa", "staffing"]


def per_call_us(call: Callable[[], object], count: int = 5000) -> float:
    begin_s = time.process_time()
    for _ in range(count):
        call()
    return 1e6 * (time.process_time() - begin_s) / count


def law_costs(_given: argparse.Namespace) -> Iterator[Line]:
    """One turn of each law alone, and of a bank of a thousand in one numpy turn."""
    random = np.random.default_rng(0)
    one = Sight(12.0, 0.05, 12.0, 0.0, 14.0, 0.06, 0.05, 20.0, 0.0, 2.0, 64.0, 0.3)
    many = Sight(*(random.uniform(1, 20, 1000) for _ in range(9)), 2.0, 64.0, 0.3)
    for name, law in LAWS.items():
        alone, bank = [law.begin()], [law.begin(np.zeros(1000))]

        def turn(law: Any = law, held: list[Any] = alone) -> None:
            held[0], _ = law.step(held[0], one, 0.1, SCALAR)

        def turns(law: Any = law, held: list[Any] = bank) -> None:
            held[0], _ = law.step(held[0], many, 0.1, ARRAY)

        yield f"control: a turn of {name}", per_call_us(turn), "us", name, {"controllers": 1}
        yield f"control: a turn of a thousand {name}", per_call_us(turns, 600), "us", name, {"controllers": 1000}


def fifty(given: argparse.Namespace) -> Iterator[Line]:
    """Fifty controllers on fifty idle pools at 10 Hz, sensing included: share of a core."""
    pools = [ElasticThreadPool(2, name=f"p{k}") for k in range(50)]
    try:
        controllers = [
            Controller(ThreadPoolResource(pool), LAWS["coherent"], Envelope(2, 64, 4, lost_s=math.inf), 2.0) for pool in pools
        ]
        begin_s, cpu_s = time.monotonic(), time.process_time()
        for turn in range(round(given.seconds * 10)):
            for controller in controllers:
                controller.tick(time.monotonic())
            time.sleep(max(0.0, begin_s + (turn + 1) / 10 - time.monotonic()))
        used = (time.process_time() - cpu_s) / (time.monotonic() - begin_s)
        yield "control: fifty controllers at 10 Hz", used, "ratio", "", {"controllers": 50, "rate_hz": 10}
    finally:
        for pool in pools:
            pool.shutdown()


def gains(given: argparse.Namespace) -> Iterator[Line]:
    """Trials of the automatic model on every class of load; a trace where one is given."""
    specs: list[dict[str, Any]] = [{"load": load, "against": PEERS} for load in ("bursty", "periodic", "drift")]
    specs.append(
        {"load": "bursty", "resource": "queue", "rate_hz": 120.0, "against": ["static", "static-hindsight", "gradient2"]}
    )
    if given.trace:
        specs.append({"load": "trace", "trace": str(given.trace), "against": PEERS})
    for spec in specs:
        told = trials.trial({**spec, "seeds": given.seeds}, given.seed)
        settings = {"load": spec["load"], "resource": spec.get("resource", "threadpool"), "seeds": told["seeds"]}
        for one in told["per"]:
            more = {**settings, "low": one["low"], "high": one["high"], "p_holm": one["p_holm"]}
            yield f"control: gain over {one['against']}, {_place(settings)}", one["effect"], "ratio", one["against"], more
        yield f"control: same against same, {_place(settings)}", told["aa"]["effect"], "ratio", "itself", {**settings, **told["aa"]}


def _place(settings: dict[str, Any]) -> str:
    return "contended" if settings["resource"] == "queue" else str(settings["load"])


def blocks(given: argparse.Namespace) -> Iterator[Line]:
    """Paired blocks on the real pool in random order: the model against the default fixed size, the cost J of each."""
    random, effects = np.random.default_rng(given.seed), []
    for block in range(given.blocks):
        costs = {}
        for law in random.permutation(["auto", "static"]):
            spec = {"seconds": given.seconds, "law": str(law)}
            told = work.run(spec, given.seed + block)
            plan = work.plan_of(spec, given.seed + block)
            offered = plan.services_s.sum() / given.seconds
            costs[str(law)] = (told["p99_wait_s"] + plan.service_s) / plan.service_s + told["mean_size"] / offered
        effects.append(1 - costs["auto"] / costs["static"])
    half = 1.96 * statistics.stdev(effects) / math.sqrt(len(effects)) if len(effects) > 1 else math.inf
    mean = statistics.fmean(effects)
    yield "control: real gain over the default fixed size", mean, "ratio", "static", {"blocks": len(effects), "low": mean - half, "high": mean + half}


PARTS = {"laws": law_costs, "fifty": fifty, "gains": gains, "blocks": blocks}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=[*PARTS, "all"], default="all")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--blocks", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trace", type=Path)
    given = parser.parse_args()
    for name, part in PARTS.items():
        if given.part in (name, "all"):
            for figure, value, unit, peer, settings in part(given):
                print(
                    json.dumps({"figure": figure, "value": value, "unit": unit, "peer": peer, "settings": settings}), flush=True
                )


if __name__ == "__main__":
    main()
