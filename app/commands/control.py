"""The rows of control: run a controller, look back at a run, list what can be controlled."""

import dataclasses
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call


async def _run(call: "Call", **args: Any) -> dict[str, Any]:
    return await call.engine.control.run(**args, actor=call.actor, cause=call.cause)


async def _show(call: "Call", *, id: str) -> dict[str, Any]:  # noqa: A002 - the argument's name on the command line
    return call.engine.control.show(id)


async def _resources(call: "Call") -> dict[str, Any]:
    return {"resources": [dataclasses.asdict(kind) for kind in call.engine.control.kinds]}


ROWS: tuple[Command, ...] = (
    Command(
        "control.run",
        "Run a controller",
        "Steer a real resource under a bursty load, in a process of its own. Service times are injected; sizes, queue and "
        "waits are measured. The static peer in the result is simulated with the same load and mean size.",
        _run,
        (
            Arg("resource", str, "What to control.", "threadpool", choices=("threadpool",)),
            Arg("seconds", float, "How long.", 10.0, unit="s", low=0.5, high=3600),
            Arg("seed", int, "Seed of the load; equal seeds meet equal arrivals and service times.", 0, low=0, high=2**64 - 1),
            Arg("low", int, "Smallest size.", 2, unit="threads", low=1, high=1024),
            Arg("high", int, "Largest size.", 64, unit="threads", low=1, high=1024),
            Arg("law", str, "The control law; static leaves the size alone.", "pid", choices=("pid", "static")),
            Arg(
                "rate_hz",
                float,
                "Tasks per second between bursts; three times as many within.",
                200.0,
                unit="Hz",
                low=1,
                high=2000,
            ),
            Arg("service_s", float, "Mean service time of a task.", 0.05, unit="s", low=0.001, high=10),
        ),
        returns="{ticks, mean_size, p99_wait_s, p50_wait_s, tasks, resizes, bounds_violations, overhead_ratio, static, series}",
    ),
    Command(
        "control.show",
        "Show a controller's run",
        "Show one run with its figures and its course.",
        _show,
        (Arg("id", str, "Id of the run.", positional=True),),
        role=Role.OBSERVER,
        danger=Danger.READ,
        returns="{id, title, spec, result, state}",
    ),
    Command(
        "control.resources",
        "List resources",
        "List what can be controlled, with bounds, unit, plant and delay.",
        _resources,
        role=Role.OBSERVER,
        danger=Danger.READ,
        returns="a list of {name, title, unit, low, high, plant, delay_s}",
    ),
)
