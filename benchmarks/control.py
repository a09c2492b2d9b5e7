"""What a controller costs and gains: laws per turn, a bank of a thousand, fifty with sensing, trials, a real pool.

Prints JSON lines {figure, value, unit, peer, settings}; `--part` picks what is measured. Effects are simulated, the rest
is measured here.
"""

import argparse
import contextlib
import dataclasses
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from app.engine.base.contracts import ResourceState
from app.engine.control import blocks, trials
from app.engine.control.adapters.threadpool import ElasticThreadPool, ThreadPoolResource
from app.engine.control.bank import MODELS, Columns, ControllerBank
from app.engine.control.controller import APPLY, Controller, Manner
from app.engine.control.envelope import Envelope
from app.engine.control.laws import LAWS, need
from app.engine.control.loads import TEST, Batch, Load, draw
from app.engine.control.ops import ARRAY, SCALAR
from app.engine.control.peers import Static
from app.engine.control.quantum import QuantumController
from app.engine.control.sight import Sight
from app.engine.control.simulate import CONTENDED, simulate

Line = tuple[str, float, str, str, dict[str, Any]]
PEERS = ["static", "pid", "gradient2", "aimd", "vegas", "hpa", "staffing"]


def per_call_us(call: Callable[[], object], count: int = 5000) -> float:
    begin_s = time.process_time()
    for _ in range(count):
        call()
    return 1e6 * (time.process_time() - begin_s) / count


def law_costs(_given: argparse.Namespace) -> Iterator[Line]:
    """One turn of each law alone, and of a bank of a thousand in one numpy turn."""
    random = np.random.default_rng(0)
    one = Sight(12.0, 0.05, 12.0, 0.0, 14.0, 0.06, 0.05, 20.0, 0.0, 2.0, 64.0, 0.3)
    drawn: list[Any] = [*(random.uniform(1, 20, 1000) for _ in range(9)), 2.0, 64.0, 0.3]
    many = Sight(*drawn)
    for name, law in LAWS.items():
        alone, bank = [law.begin()], [law.begin(np.zeros(1000))]

        def turn(law: Any = law, held: list[Any] = alone) -> None:
            held[0], _ = law.step(held[0], one, 0.1, SCALAR)

        def turns(law: Any = law, held: list[Any] = bank) -> None:
            held[0], _ = law.step(held[0], many, 0.1, ARRAY)

        yield f"control: a turn of {name}", per_call_us(turn), "us", name, {"controllers": 1}
        yield f"control: a turn of a thousand {name}", per_call_us(turns, 600), "us", name, {"controllers": 1000}


def bank(_given: argparse.Namespace) -> Iterator[Line]:
    """A thousand controllers in one compiled turn, envelope included; the median of many turns."""
    random, count = np.random.default_rng(0), 1000
    for name, law in MODELS.items():
        columns = Columns([law] * count, [Envelope(2, 64, 4)] * count, [10.0] * count, delays_s=[0.3] * count, mode="apply")
        columns.seen.T[:] = [1.0, 0.0, 12.0, 0.05, 12.0, 0.0, 14.0, 0.05, 20.0]
        took_us = []
        for turn in range(600):
            columns.seen[1], columns.seen[2] = 0.1 * turn, random.poisson(15, count)
            begin_s = time.perf_counter()
            columns.tick(0.1 * turn)
            took_us.append(1e6 * (time.perf_counter() - begin_s))
        yield (
            f"control: a turn of a bank of a thousand, {name}",
            statistics.median(took_us[100:]),
            "us",
            "",
            {"controllers": count},
        )


def fifty(given: argparse.Namespace) -> Iterator[Line]:
    """Fifty controllers on fifty idle pools at 10 Hz, sensing included: share of a core, one by one and as a bank."""
    pools = [ElasticThreadPool(2, name=f"p{k}") for k in range(50)]
    try:
        resources = [ThreadPoolResource(pool) for pool in pools]
        controllers = [Controller(one, LAWS["coherent"], Envelope(2, 64, 4, lost_s=math.inf), 2.0, manner=Manner(APPLY))
                       for one in resources]  # fmt: skip

        def each() -> None:
            for controller in controllers:
                controller.tick(time.monotonic())

        together = ControllerBank(resources, "auto", mode="apply")
        settings = {"controllers": 50, "rate_hz": 10}
        yield "control: fifty controllers at 10 Hz, one by one", _share(each, given.seconds), "ratio", "", settings
        yield "control: fifty controllers at 10 Hz", _share(together.optimize, given.seconds), "ratio", "", settings
    finally:
        for pool in pools:
            pool.shutdown()


def singly(given: argparse.Namespace) -> Iterator[Line]:
    """Fifty `QuantumController`s, started one by one, on fifty idle pools at 10 Hz: share of a core."""
    with contextlib.ExitStack() as stack:
        pools = [stack.enter_context(ElasticThreadPool(2, name=f"s{k}")) for k in range(50)]
        for pool in pools:
            stack.enter_context(QuantumController(ThreadPoolResource(pool), mode="apply"))
        begin_s, cpu_s = time.monotonic(), time.process_time()
        time.sleep(given.seconds)
        share = (time.process_time() - cpu_s) / (time.monotonic() - begin_s)
    yield "control: fifty controllers at 10 Hz, started one by one", share, "ratio", "", {"controllers": 50, "rate_hz": 10}


def _share(turn: Callable[[], object], seconds: float) -> float:
    """Return the CPU of `turn` ten times a second, as a share of one core."""
    turn()
    begin_s, cpu_s = time.monotonic(), time.process_time()
    for number in range(round(seconds * 10)):
        turn()
        time.sleep(max(0.0, begin_s + (number + 1) / 10 - time.monotonic()))
    return (time.process_time() - cpu_s) / (time.monotonic() - begin_s)


def gains(given: argparse.Namespace) -> Iterator[Line]:
    """Trials of the automatic model on every class of load; a trace where one is given."""
    # The kind whose delay is 300 ms.
    sizing = {"resource": "processpool", "against": PEERS}
    specs: list[dict[str, Any]] = [{**sizing, "load": load} for load in ("bursty", "periodic", "drift")]
    specs.extend(
        {"load": load, "resource": "queue", "rate_hz": 120.0, "against": ["static", "static-hindsight", "gradient2"]}
        for load in ("bursty", "periodic", "drift", "steady")
    )
    if given.trace:
        specs.append(_recorded(given) | sizing)
    specs = [spec for spec in specs if not given.only or _place(spec).split()[0] in given.only]
    for spec in specs:
        told = trials.trial({**spec, "seeds": given.seeds}, given.seed)
        settings = {"load": spec.get("named", spec["load"]), "resource": spec["resource"], "seeds": told["seeds"]}
        for one in told["per"]:
            more = {**settings, "low": one["low"], "high": one["high"], "p_holm": one["p_holm"]}
            yield f"control: gain over {one['against']}, {_place(settings)}", one["effect"], "ratio", one["against"], more
        classical = [one for one in told["per"] if not one["against"].startswith("static")]
        if classical and settings["resource"] == "processpool":
            best = min(classical, key=lambda one: told["laws"][one["against"]]["cost"])
            more = {**settings, "low": best["low"], "high": best["high"], "picked": told["picked"]["law"]}
            yield (
                f"control: gain over the best classical law, {_place(settings)}",
                best["effect"],
                "ratio",
                best["against"],
                more,
            )
        yield (
            f"control: same against same, {_place(settings)}",
            told["aa"]["effect"],
            "ratio",
            "itself",
            {**settings, **told["aa"]},
        )
        yield (
            f"control: same against same, either way, {_place(settings)}",
            abs(told["aa"]["effect"]),
            "ratio",
            "itself",
            {**settings, **told["aa"]},
        )


# What chance may leave of an A/A test that is to tell half a percent, and the loads that show how noisy it is.
AA_ERROR, AA_FIRST = 0.0025, 200


def same(given: argparse.Namespace) -> Iterator[Line]:
    """The tuned automatic model against itself: contended loads, a trace; as many as tell half a percent, or `--loads`."""
    specs: list[dict[str, Any]] = [
        {"load": load, "resource": "queue", "rate_hz": 120.0, "against": ["static"]}
        for load in ("bursty", "periodic", "drift", "steady")
    ]
    if given.trace:
        specs.append(_recorded(given) | {"against": ["static"]})
    for spec in specs:
        if given.only and _place(spec) not in given.only and spec["load"] not in given.only:
            continue
        asked = trials.asked_of(spec)
        law = trials.Bench(asked, given.seed, lambda: False).picked("auto").law
        count = given.loads or AA_FIRST
        told = trials.same_against_same(asked, law, given.seed, range(count))
        # Few loads seldom show the worst of them, so more may be needed than these let think.
        while not given.loads and (count := 100 * math.ceil((float(told.std(ddof=1)) / AA_ERROR) ** 2 / 100)) > len(told):
            told = np.concatenate([told, trials.same_against_same(asked, law, given.seed, range(len(told), count))])
        effect, error = float(told.mean()), float(told.std(ddof=1)) / math.sqrt(len(told))
        settings = {"load": spec.get("named", spec["load"]), "resource": spec["resource"], "seeds": len(told),
                    "effect": effect, "standard_error": error}  # fmt: skip
        yield f"control: same against same, many loads, {_place(settings)}", abs(effect), "ratio", "itself", settings


def _recorded(given: argparse.Namespace) -> dict[str, Any]:
    return {"load": "trace", "resource": "processpool", "trace": str(given.trace), "named": given.named}


def _place(settings: dict[str, Any]) -> str:
    """Return the class of load, and on a contended plant that too; bursts are the plain `contended`."""
    load = str(settings["load"])
    return load if settings["resource"] != "queue" else "contended" if load == "bursty" else f"contended {load}"


# Contended plants unlike the one of the trials: kappa, tasks per s, service in s.
OTHER_PLANTS = {"four times the slowdown": (0.01, 80.0, 0.05), "a quarter of the slowdown": (0.0006, 220.0, 0.05),
                "slow tasks": (0.0025, 30.0, 0.2), "quick tasks": (0.0025, 300.0, 0.02)}  # fmt: skip


def plants(given: argparse.Namespace) -> Iterator[Line]:
    """The automatic model, untuned, on contended plants of other kinds, against the best fixed limit in hindsight."""
    for name, (kappa, rate_hz, service_s) in OTHER_PLANTS.items():
        plant, effects = dataclasses.replace(CONTENDED, kappa=kappa), {}
        for load in ("bursty", "periodic", "drift", "steady"):
            asked = Load(load, 80.0, rate_hz, service_s)
            batch = draw(asked, TEST, given.seed, min(given.seeds, 40))

            def cost(law: Any, batch: Batch = batch) -> Any:
                return simulate(law, batch, plant, 80.0).cost(service_s, contended=True)  # noqa: B023 - called at once

            fixed = min((cost(Static(float(level))) for level in range(6, 65, 2)), key=lambda costs: float(costs.mean()))
            effects[load] = round(float((1 - cost(need("auto", "admission")) / fixed).mean()), 4)
        settings = {"seeds": min(given.seeds, 40), "kappa": kappa, "rate_hz": rate_hz, "service_s": service_s, **effects}
        figure = f"control: untuned over static-hindsight, contended, {name}, the worst load"
        yield figure, min(effects.values()), "ratio", "static-hindsight", settings


class Faulty:
    """A resource in a time of its own whose sensor and actuator can be broken."""

    name, unit, low, high, plant, delay_s = "faulty", "workers", 2.0, 64.0, "sizing", 0.1

    def __init__(self, seed: int) -> None:
        self.random, self.now_s, self.size, self.fault = np.random.default_rng(seed), 0.0, 10.0, ""
        self.asked: list[float] = []
        self.last: ResourceState | None = None

    def measure_state(self) -> ResourceState:
        """Return what the sensor says."""
        demand = float(self.random.poisson(20))
        state = ResourceState(self.now_s, demand, 0.0, 0.0, self.size, 0.0, 0.0, demand, 0.05, demand, 0.05, 0.05, 40.0)
        if self.fault == "lost":
            raise OSError("gone")
        if self.fault == "bug":
            raise KeyError("value")
        if self.fault == "stuck sensor" and self.last is not None:
            return self.last
        self.last = state
        lies = {"nan": math.nan, "negative": -5.0, "infinite": math.inf}
        changed = {"position": lies[self.fault]} if self.fault in lies else {}
        if self.fault == "late":
            changed = {"at_s": self.now_s - 1.0}
        elif self.fault == "huge":
            changed = {"position": 1e9, "raw": 1e9, "queue": 1e9}
        return state._replace(**changed)

    def apply_control(self, new_size: float) -> float:
        """Set the size, if the actuator lets itself be moved."""
        self.asked.append(new_size)
        if self.fault == "flap":
            raise OSError("busy")
        if self.fault == "actuator bug":
            raise RuntimeError("a bug of the adapter")
        self.size = self.size if self.fault == "stuck actuator" else float(round(new_size))
        return self.size

    def get_metrics(self) -> dict[str, float]:
        """Return nothing."""
        return {}


def faults(given: argparse.Namespace) -> Iterator[Line]:
    """A hundred injected faults in simulated time, alone and in a bank: bounds broken, and turns until the safe size."""
    sensor = ("lost", "bug", "nan", "negative", "infinite", "stuck sensor", "late")
    kinds, broken, slowest = (*sensor, "huge", "stuck actuator", "flap", "actuator bug"), 0, 0
    for number in range(100):
        one, fault = Faulty(given.seed + number), kinds[number % len(kinds)]
        made: Any = QuantumController if number % 2 else ControllerBank
        steered = made(one if number % 2 else [one], mode="apply", clock=lambda one=one: one.now_s)
        for turn in range(40):
            one.now_s += 0.1
            one.fault = fault if turn >= 30 else ""
            steered.optimize()
            if turn >= 30 and fault in sensor and one.size != 10.0:
                slowest = max(slowest, turn - 30 + 2)  # not yet safe after this turn: the next one at the soonest
        broken += sum(not one.low <= size <= one.high for size in one.asked)
    settings = {"faults": 100, "kinds": len(kinds), "kind": "injected, in simulated time"}
    yield "control: bounds broken in a hundred injected faults", broken, "sizes", "", settings
    yield "control: turns from a lost sensor to the safe size, the slowest", slowest, "turns", "", settings


def real(given: argparse.Namespace) -> Iterator[Line]:
    """Paired blocks on the real pool in random order: the model against the default fixed size and PID, the cost J of each."""
    spec = {
        "resource": "threadpool", "model": "auto", "against": ["static", "pid"], "blocks": given.blocks,
        "run": {"seconds": given.seconds, "low": 2, "high": 64, "rate_hz": 200.0},
    }  # fmt: skip
    told = blocks.confirm(spec, given.seed)
    for one in told["per"]:
        more = {
            "blocks": told["blocks"],
            "seconds": given.seconds,
            "low": one["low"],
            "high": one["high"],
            "p_holm": one["p_holm"],
        }
        yield f"control: real gain over {one['against']}", one["effect"], "ratio", one["against"], more


PARTS = {
    "laws": law_costs,
    "bank": bank,
    "fifty": fifty,
    "singly": singly,
    "gains": gains,
    "same": same,
    "plants": plants,
    "faults": faults,
    "real": real,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=[*PARTS, "all"], default="all")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--loads", type=int, default=0, help="of the A/A test alone; 0: as many as tell half a percent")
    parser.add_argument("--blocks", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trace", type=Path)
    parser.add_argument("--named", default="trace", help="what the figures of the trace are called")
    parser.add_argument("--only", nargs="*", default=[], help="loads of the trials: bursty periodic drift contended trace")
    given = parser.parse_args()
    for name, part in PARTS.items():
        if given.part in (name, "all"):
            for figure, value, unit, peer, settings in part(given):
                print(
                    json.dumps({"figure": figure, "value": value, "unit": unit, "peer": peer, "settings": settings}), flush=True
                )


if __name__ == "__main__":
    main()
