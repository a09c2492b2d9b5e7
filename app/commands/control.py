"""The rows of control: run a controller, look back at a run, list what can be controlled."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.engine.base.command import Arg, Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call


_SIMULATED = ("threadpool", "processpool", "connections", "queue", "balancer")
_WORKERS = ("threadpool", "processpool", "connections", "queue", "balancer", "batch")
_RUNNABLE = (*_WORKERS, "socket", "memory", "ratelimit", "cgroup")
_POLICIES = ("round_robin", "least", "two_choices", "weighted")
_LAWS = (
    "auto", "optomechanical", "parametric", "coherent",
    "pid", "static", "aimd", "gradient2", "vegas", "hpa", "staffing", "literal",
)  # fmt: skip


async def _run(call: "Call", *, nodes: str, model: str, **args: Any) -> dict[str, Any]:
    if not nodes.strip():
        return await call.engine.control.run(**args, actor=call.actor, cause=call.cause)
    from app.engine.flows.activate import Parts
    from app.engine.flows.balance import balance

    engine = call.engine
    parts = Parts(engine.jobs, engine.link, engine.models, engine.fleet)
    return await balance(parts, engine.control, nodes=nodes, model=model, **args, actor=call.actor, cause=call.cause)


async def _trial(call: "Call", **args: Any) -> dict[str, Any]:
    return await call.engine.control.trial(**args, actor=call.actor, cause=call.cause)


async def _confirm(call: "Call", **args: Any) -> dict[str, Any]:
    return await call.engine.control.confirm(**args, actor=call.actor, cause=call.cause)


async def _tune(call: "Call", **args: Any) -> dict[str, Any]:
    return await call.engine.control.tune(**args, actor=call.actor, cause=call.cause)


async def _replay(call: "Call", *, id: str, model: str, seconds: float) -> dict[str, Any]:  # noqa: A002 - the argument's name
    return await call.engine.control.replay(id, model=model, seconds=seconds, actor=call.actor, cause=call.cause)


async def _list(call: "Call") -> dict[str, Any]:
    return call.engine.control.list()


async def _stop(call: "Call", *, id: str, kill: bool) -> dict[str, Any]:  # noqa: A002 - the argument's name
    return await call.engine.control.kill(id) if kill else call.engine.control.order(id, "end")


async def _mode(call: "Call", *, id: str, mode: str) -> dict[str, Any]:  # noqa: A002 - the argument's name
    return call.engine.control.order(id, mode)


async def _export(call: "Call", *, id: str, file: Path, replace: bool) -> dict[str, Any]:  # noqa: A002 - the argument's name
    return await call.engine.control.export(id, file, replace=replace)


async def _show(call: "Call", *, id: str) -> dict[str, Any]:  # noqa: A002 - the argument's name on the command line
    return call.engine.control.show(id)


async def _resources(call: "Call") -> dict[str, Any]:
    return await call.engine.control.resources()


_RESOURCE = Arg("resource", str, "What to control; its kind of plant is simulated.", "threadpool", choices=_SIMULATED)
_MODEL = Arg("model", str, "The model to try.", "auto", choices=_LAWS)
_TRACE = Arg("trace", Path, "A CSV whose first column holds arrival time stamps; one half tunes, the other is reported.", None)
_LOAD = Arg(
    "load", str, "The class of load where no trace is given.", "bursty", choices=("bursty", "periodic", "drift", "steady")
)
_REAL = Arg("resource", str, "What to control.", "threadpool", choices=_WORKERS)
_OWN: Final = "automatic"
_LOWEST = Arg(
    "low", int, "Smallest size, in the resource's unit. 0 takes what suits the resource.", 0, low=0, high=1 << 34, blank=_OWN
)
_HIGHEST = Arg(
    "high", int, "Largest size, in the resource's unit. 0 takes what suits the resource.", 0, low=0, high=1 << 34, blank=_OWN
)
_RATE = Arg(
    "rate_hz", float, "Tasks per second between bursts; three times as many within. 0 takes what suits the resource.", 0.0,
    unit="Hz", low=0, high=2000, blank=_OWN,
)  # fmt: skip
_SERVICE = Arg("service_s", float, "Mean service time of a task.", 0.05, unit="s", low=0.001, high=10)
_SEED = Arg("seed", int, "Seed of the family of loads.", 0, low=0, high=2**64 - 1)
_CANDIDATES = Arg("candidates", int, "Settings tried in tuning, for the model and for each peer.", 40, low=1, high=1000)
_TUNED = Arg("tuned", str, "Id of a tuning of the law: what it found steers.", "")
_ID = Arg("id", str, "Id of the run.", positional=True)

ROWS: tuple[Command, ...] = (
    Command(
        "control.run",
        "Run a controller",
        "Steer a real resource under a bursty load, in a process of its own: it only recommends until its mode is "
        "apply. Service times are injected; sizes, queue and "
        "waits are measured. The static peer in the result is simulated with the same load and mean size.",
        _run,
        (
            dataclasses.replace(_REAL, choices=_RUNNABLE),
            Arg("seconds", float, "How long.", 10.0, unit="s", low=0.5, high=3600),
            Arg("seed", int, "Seed of the load; equal seeds meet equal arrivals and service times.", 0, low=0, high=2**64 - 1),
            _LOWEST,
            _HIGHEST,
            Arg("law", str, "The model or peer that decides; static leaves the size alone.", "auto", choices=_LAWS),
            Arg("mode", str, "Look, say what it would do, or do it.", "recommend", choices=("observe", "recommend", "apply")),
            _RATE,
            _SERVICE,
            Arg("policy", str, "How a balancer spreads requests.", "two_choices", choices=_POLICIES),
            _TUNED,
            Arg("group", str, "Folder of the control group to steer (cgroup v2); what runs in it is yours.", ""),
            Arg("nodes", str, "Balance over these live nodes (all, names, a query) instead of servers of our own.", ""),
            Arg("model", str, "The model that nodes are asked for.", "digits"),
        ),
        returns="{ticks, mean_size, p99_wait_s, p50_wait_s, tasks, resizes, bounds_violations, overhead_ratio, static, series}",
    ),
    Command(
        "control.list",
        "List controllers",
        "List the controllers that run, with mode, target, size and force, the reason of the last action and of the last turn, "
        "and the bound in force; and those that ran.",
        _list,
        role=Role.OBSERVER,
        danger=Danger.READ,
        returns="{controllers: [{id, title, state, mode, target, size, force, action_reason, action_before, action_after, "
        "turn_reason, bound}]}",
    ),
    Command(
        "control.stop",
        "End a controller",
        "End a running controller; its resource is left at its safe size. The kill switch tells what it came to: done, "
        "refused by the resource, ended meanwhile, or unheard within five seconds.",
        _stop,
        (_ID, Arg("kill", bool, "Use the kill switch: the safe size at once, and no action any more.", False)),
        returns="{id, order}, of a kill {id, order, outcome, size, reason}",
    ),
    Command(
        "control.mode",
        "Change a controller's mode",
        "Let a running controller observe only, recommend, or apply what it decides.",
        _mode,
        (_ID, Arg("mode", str, "The mode from the next turn on.", positional=True, choices=("observe", "recommend", "apply"))),
        returns="{id, order}",
    ),
    Command(
        "control.trial",
        "Try a model against peers",
        "Run paired, simulated trials on loads that neither model nor peers were tuned on. Effects are fractions of the peer's "
        "cost, intervals are bootstrapped and corrected after Holm; an interval that reaches zero shows no improvement.",
        _trial,
        (
            _RESOURCE,
            _MODEL,
            Arg(
                "against",
                str,
                "Peers, with commas: laws, static (the default size, staffed; 32 where more can be slower), static-best, "
                "static-hindsight.",
                "static,pid,gradient2",
            ),
            Arg("seeds", int, "Paired loads.", 1000, low=2, high=100_000),
            _TRACE,
            _LOAD,
            Arg("weight", float, "Weight of the 99th percentile against the workers paid.", 1.0, low=0.01, high=100),
            _CANDIDATES,
            _SERVICE,
            _SEED,
        ),
        returns="{per: [{against, effect, low, high, p_holm, verdict}], floor, seeds, trace, picked, laws, weights, aa}",
    ),
    Command(
        "control.confirm",
        "Confirm a model on a real resource",
        "Run paired blocks on a real resource: in each, model and peers meet the same load in random order. Waits, sizes and "
        "what was turned away are measured; effects and intervals as in a trial.",
        _confirm,
        (
            _REAL,
            _MODEL,
            Arg(
                "against",
                str,
                "Peers, with commas: laws, static (the safe size: staffed; 8 for queues, connections and batches).",
                "static",
            ),
            Arg("blocks", int, "Paired blocks.", 30, low=30, high=10_000),
            Arg("seconds", float, "How long each law runs in a block.", 5.0, unit="s", low=0.5, high=600),
            _LOWEST,
            _HIGHEST,
            _RATE,
            _SERVICE,
            _SEED,
            dataclasses.replace(
                _TUNED, help="Ids of tunings, with commas: who was tuned plays what was found, others play their defaults."
            ),
        ),
        returns="{per: [{against, effect, low, high, p_holm, verdict}], floor, blocks, laws, tuned}",
    ),
    Command(
        "control.tune",
        "Tune a model",
        "Search a model's settings on one part of the loads and confirm them on another; refused when the gain's interval "
        "reaches zero.",
        _tune,
        (
            _RESOURCE,
            _MODEL,
            _TRACE,
            _LOAD,
            _CANDIDATES,
            Arg("seeds", int, "Loads of the confirmation.", 200, low=2, high=10_000),
            _SEED,
        ),
        returns="{id, accepted, verdict, effect, low, high, law, settings, tried}",
    ),
    Command(
        "control.replay",
        "Replay a run under another model",
        "Simulate what another model would have done with the load of a run, its last hour at most, beside the law it had; the "
        "run may still go on.",
        _replay,
        (_ID, _MODEL, Arg("seconds", float, "How much of its load, counted back.", 3600.0, unit="s", low=1, high=3600)),
        returns="{model, against, effect, laws}",
    ),
    Command(
        "control.export",
        "Write a report of a run or trial",
        "Write a run or trial as JSON, as CSV, or as an HTML page with its intervals drawn.",
        _export,
        (
            _ID,
            Arg("file", Path, "Where to write; the ending .json, .csv or .html decides the form."),
            Arg("replace", bool, "Replace the file if it exists.", default=False),
        ),
        role=Role.OBSERVER,
        returns="{file, size_bytes}",
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
        "List what can be controlled, with bounds, unit, plant and delay, and why not where this system does not let it be.",
        _resources,
        role=Role.OBSERVER,
        danger=Danger.READ,
        returns="{resources: [{name, title, unit, low, high, plant, delay_s, why_not}]}",
    ),
)
