"""The verbs of control: run a controller, change its mode, end it, try models against peers, and look back."""

import asyncio
import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from app.engine.base.errors import BadInput, Conflict
from app.engine.base.ids import new_id
from app.engine.base.platform import replace_file
from app.engine.base.records import Records
from app.engine.control import orders, report
from app.engine.control.actions import ActionLog
from app.engine.control.adapters.claims import put_back
from app.engine.control.records import (
    HOUR_S,
    KILLED_MODE,
    KINDS,
    MODES,
    NOT_APPLIED,
    RECOMMEND,
    SIMULATED,
    WORKERS,
    ResourceKind,
    need_kind,
    need_run,
)
from app.engine.jobs.base import Base
from app.engine.jobs.records import LIVE, Job
from app.engine.jobs.runs import Run, RunBook

_RUN: Final = "app.engine.control.work:run"
_TRIAL: Final = "app.engine.control.trials:trial"
_TUNE: Final = "app.engine.control.trials:tuning"
_CONFIRM: Final = "app.engine.control.blocks:confirm"
# With so many others beside it a controller tells less often: who looks on pays for each message.
_MANY: Final = 3
# How long a run may take to tell what the kill switch came to: it tells once a second at the least.
_HEARD_S: Final = 5.0
_REPLAY: Final = "app.engine.control.whatif:replay"


class ControlService:
    """Runs controllers as jobs, in processes of their own, and keeps their runs; used on the loop only."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._book = RunBook(base, "control_runs")
        self._orders = base.home / "control"
        self._log: ActionLog | None = None
        self._live: dict[str, Path] = {}

    async def start(self) -> None:
        """Load the runs of this home, and write down from now on what controllers do."""
        await self._book.load()
        self._log = ActionLog(self._base)
        await asyncio.to_thread(put_back)  # of runs that were killed, from whichever home

    def _state(self, run: Run) -> str:
        job = self._base.jobs.records.get(run.job_id)
        return run.state if job is None else job.state

    async def refresh(self) -> None:
        """Take over what other consoles wrote."""
        await self._book.refresh()

    async def stop(self) -> None:
        """Write what controllers did last; the jobs end with their pool."""
        if self._log is not None:
            await self._log.stop()

    @property
    def records(self) -> Records[Run]:
        """Return the observable runs, newest last."""
        return self._book.records

    async def resources(self) -> dict[str, Any]:
        """Return every kind of resource with its bounds, and why this system does not let it be steered where it does not."""
        from app.engine.control.adapters.cgroup import lacking

        why = {"cgroup": await asyncio.to_thread(lacking)}
        return {"resources": [{**dataclasses.asdict(kind), "why_not": why.get(kind.name, "")} for kind in KINDS.values()]}

    async def run(
        self, *, resource: str, seconds: float, seed: int, low: int, high: int, law: str, mode: str = RECOMMEND,
        rate_hz: float, service_s: float, policy: str = "two_choices", agents: dict[str, Any] | None = None, tuned: str = "",
        group: str = "", actor: str, cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Steer `resource` for `seconds` under a bursty load and return the figures; see `work.run`.

        The `mode` says whether it looks, says what it would do, or does it.
        `tuned` is the id of a tuning of `law`: what it found steers. `group` is a control group's folder; its load is yours.
        A balancer spreads by `policy` over servers of its own, or over `agents` as in `rig_agents`.
        """
        if mode not in MODES:
            raise BadInput("A mode is observe, recommend or apply, not {mode}", field="mode", mode=mode)
        kind = need_kind(resource)
        if (kind.name == "cgroup") != bool(group):
            raise BadInput(
                "A control group is named by its folder, and nothing else is", field="group", hint="Give it with --group."
            )
        from app.engine.control.laws import need

        found = self._found(tuned, (law,), kind.plant).get(law, {})
        run_id = new_id()
        orders_file = self._orders / f"{run_id}.orders"
        spec = {
            **_load_of(kind, seconds, low, high, rate_hz, service_s), "law": need(law, kind.plant).name, "mode": mode,
            "seed": seed, "orders": str(orders_file), **found,
        }  # fmt: skip
        name = f"{law}, tuned," if found else law
        if kind.name == "balancer":
            spec["policy"] = policy
        if group:
            spec["group"] = _place(Path(group))
        if agents:
            spec |= {"agents": agents, "high": min(spec["high"], len(agents["peers"]))}
            spec["low"] = min(spec["low"], spec["high"])
        self._live[run_id] = orders_file
        try:
            self._hush()
            return await self._book.execute(
                "control", _RUN, spec, title=f"{name} on {kind.name}, {seconds:g} s", source=kind.name, seed=seed,
                actor=actor, cause=cause, run_id=run_id,
            )  # fmt: skip
        finally:
            await self._ended(run_id, group)

    async def _ended(self, run_id: str, group: str) -> None:
        """Clear away what a run left, and give a group its limit back where the run itself could not."""
        await asyncio.to_thread(self._live.pop(run_id).unlink, missing_ok=True)
        begun = self._book.records.get(run_id)
        if group and begun is not None:
            await self._book.over(begun.job_id)  # who was cancelled may have had to be killed
            await asyncio.to_thread(put_back)
        if self._log is not None:
            await self._log.flush()

    def _hush(self) -> None:
        """Have every controller tell less often where many run."""
        if len(self._live) > _MANY:
            for file in self._live.values():
                orders.give(file, orders.RARELY)

    async def trial(
        self, *, resource: str, model: str, against: str, seeds: int, trace: Path | None, load: str, weight: float,
        candidates: int, service_s: float, seed: int, actor: str, cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Try `model` against peers (names with commas between) on loads from `seed`; see `trials.trial`."""
        spec: dict[str, Any] = {
            "resource": resource, "model": model, "against": [name for name in against.split(",") if name.strip()],
            "seeds": seeds, "load": load, "weight": weight, "candidates": candidates, "service_s": service_s,
            "rate_hz": 120.0 if need_kind(resource).plant == "admission" else 200.0,
        }  # fmt: skip
        from app.engine.control.trials import asked_of

        asked_of(spec)
        spec["trace"] = _place(trace)
        return await self._book.execute(
            "control-trial", _TRIAL, spec, title=f"Trial of {model} on {trace.name if trace else load}, {seeds} seeds",
            source=trace.name if trace else resource, seed=seed, actor=actor, cause=cause,
        )  # fmt: skip

    async def confirm(
        self, *, resource: str, model: str, against: str, blocks: int, seconds: float, low: int, high: int, rate_hz: float,
        service_s: float, seed: int, tuned: str = "", actor: str, cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Try `model` against peers on the real resource in paired blocks in random order; see `blocks.confirm`.

        `tuned` holds ids of tunings, with commas between: who was tuned plays what was found, others their defaults.
        """
        from app.engine.control.blocks import names_of

        kind = _served(resource)
        spec: dict[str, Any] = {
            "resource": kind.name, "model": model, "against": [name for name in against.split(",") if name.strip()],
            "blocks": blocks, "run": _load_of(kind, seconds, low, high, rate_hz, service_s),
        }  # fmt: skip
        spec["tuned"] = self._found(tuned, names_of(spec), kind.plant)
        return await self._book.execute(
            "control-trial", _CONFIRM, spec, title=f"{model} on a real {kind.name}, {blocks} blocks", source=kind.name,
            seed=seed, actor=actor, cause=cause,
        )  # fmt: skip

    async def tune(
        self, *, resource: str, model: str, trace: Path | None, load: str, candidates: int, seeds: int, seed: int,
        actor: str, cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Search settings for `model`, confirmed on loads it has not seen; see `trials.tuning`. `id` is what `tuned` takes."""
        spec: dict[str, Any] = {
            "resource": resource, "model": model, "load": load, "candidates": candidates, "seeds": seeds,
            "rate_hz": 120.0 if need_kind(resource).plant == "admission" else 200.0,
        }  # fmt: skip
        from app.engine.control.trials import asked_of

        asked_of({**spec, "against": ["static-best"]})
        spec["trace"] = _place(trace)
        run_id = new_id()
        told = await self._book.execute(
            "control-trial", _TUNE, spec, title=f"Tuning of {model} on {trace.name if trace else load}",
            source=trace.name if trace else resource, seed=seed, actor=actor, cause=cause, run_id=run_id,
        )  # fmt: skip
        return {**told, "id": run_id}

    async def replay(self, run_id: str, *, model: str, seconds: float = HOUR_S, actor: str, cause: str = "") -> dict[str, Any]:
        """Simulate what `model` would have done with the last `seconds` of the load of a run; see `whatif.replay`."""
        from app.engine.control.laws import need

        run = self._book.records.need(run_id)
        resource = run.spec.get("resource", "threadpool")
        if resource not in SIMULATED:
            raise Conflict("{title} served no tasks whose waits could be played again", title=run.title,
                           hint="A batch is no plant that could be simulated." if resource == "batch" else "")  # fmt: skip
        if "rate_hz" not in run.spec or "law" not in run.spec or "agents" in run.spec:
            raise Conflict("{title} is no run of a controller and cannot be replayed", title=run.title)
        job = self._base.jobs.records.get(run.job_id)
        met_s = job.done if job is not None and job.done > 0 else float(run.spec["seconds"])
        kind = need_kind(resource)
        last = {**(job.partial if job is not None else {}), **(run.result or {})}
        mode = _mode_of(run, job) or RECOMMEND
        spec = {"run": {**run.spec, "mode": mode}, "since_s": float(last.get("mode_since_s", 0.0)),
                "mode_size": float(last.get("mode_size", 0.0)),
                "run_seed": run.spec.get("seed", 0), "model": need(model, kind.plant).name,
                "until_s": met_s, "last_s": seconds}  # fmt: skip
        return await self._book.execute(
            "control-trial", _REPLAY, spec, title=f"What if {model}: {run.title}", source=run_id, seed=0, actor=actor,
            cause=cause,
        )  # fmt: skip

    def _found(self, tunings: str, names: Iterable[str], plant: str) -> dict[str, dict[str, Any]]:
        """Return {name: {law, settings}} of tunings (ids with commas between); each must be of one of `names` and accepted."""
        from app.engine.control.laws import set_to

        told: dict[str, dict[str, Any]] = {}
        for run in [self._book.records.need(one.strip()) for one in tunings.split(",") if one.strip()]:
            result, model = run.result or {}, str(run.spec.get("model", ""))
            if "accepted" not in result:
                raise Conflict("{title} is no tuning that came to an end", title=run.title)
            if not result["accepted"]:
                raise Conflict("{title} was refused, what it found is no improvement", title=run.title)
            if model not in names or need_kind(run.spec["resource"]).plant != plant:
                raise BadInput("{title} fits neither {names} nor a resource of this kind of plant", field="tuned",
                               title=run.title, names=", ".join(names))  # fmt: skip
            told[model] = {"law": set_to(result["law"], result["settings"], plant).name, "settings": result["settings"]}
        return told

    def order(self, run_id: str, order: str) -> dict[str, Any]:
        """Tell a controller that runs now its mode, to end, or to be killed; raises `Missing`, `Conflict` when it ended."""
        run = self._book.records.need(run_id)
        if run.state not in LIVE or "orders" not in run.spec:
            raise Conflict("{title} does not run now", title=run.title)
        # A row may have come from another console: where its orders go there is nothing to be written to here.
        file = self._live.get(run_id)
        if file is None:
            raise Conflict("{title} does not run in this console", title=run.title, hint="Give the order where it was started.")
        job = self._base.jobs.records.get(run.job_id)
        if order in MODES and job is not None and job.partial.get("mode") == KILLED_MODE:
            raise Conflict("{title} was taken off by the kill switch and acts no more", title=run.title,
                           hint="End it, and run another.")  # fmt: skip
        orders.give(file, order)
        return {"id": run.id, "order": order}

    async def kill(self, run_id: str) -> dict[str, Any]:
        """Use the kill switch of a run and tell what it came to, once the run has told it; raises as `order`.

        `outcome` is done, refused (the resource did not take its safe size, which is asked for again each turn), ended (the run
        ended meanwhile) or unheard (it told nothing for five seconds: it may hang in its resource).
        """
        told = self.order(run_id, orders.KILL)
        heard = asyncio.Event()
        undo = self._base.jobs.records.watch(lambda _change: heard.set())
        try:
            async with asyncio.timeout(_HEARD_S):
                while (outcome := self._killed(run_id)) is None:
                    heard.clear()
                    await heard.wait()
        except TimeoutError:
            outcome = {"outcome": "unheard"}
        finally:
            undo()
        return {**told, "size": None, "reason": "", **outcome}

    def _killed(self, run_id: str) -> dict[str, Any] | None:
        """Return what the kill switch of a run came to; None while it has told nothing."""
        run = self._book.records.need(run_id)
        job = self._base.jobs.records.get(run.job_id)
        now = job.partial if job is not None else {}
        if now.get("mode") == KILLED_MODE:
            reason = str(now.get("reason", ""))
            done = "refused" if reason.startswith(NOT_APPLIED) else "done"
            return {"outcome": done, "size": now.get("size"), "reason": reason}
        return {"outcome": "ended"} if self._state(run) not in LIVE else None

    def list(self) -> dict[str, Any]:
        """Return every run of a controller, newest first, with what it does now."""
        return {"controllers": [self._line(run) for run in sorted(self._book.records, key=lambda run: -run.created_us)]}

    def _line(self, run: Run) -> dict[str, Any]:
        job = self._base.jobs.records.get(run.job_id)
        now = dict(job.partial) if job is not None else {}
        result = run.result or (job.result if job is not None else None) or {}
        last: dict[str, Any] = ((result or now).get("actions") or ({},))[-1]
        if self._state(run) not in LIVE:
            # Nothing steers any more: what is, is what was left.
            now |= {"target": None, "force": None, "bound": "", "size": last.get("after", now.get("size"))}
        mode = _mode_of(run, job)
        return {
            "id": run.id, "title": run.title, "state": job.state if job is not None else run.state, "source": run.source,
            "mode": mode, "target": now.get("target"), "size": now.get("size"), "force": now.get("force"),
            "action_reason": last.get("reason", ""), "action_before": last.get("before"), "action_after": last.get("after"),
            "turn_reason": now.get("reason", ""), "bound": now.get("bound", ""), "created_us": run.created_us,
        }  # fmt: skip

    def show(self, run_id: str) -> dict[str, Any]:
        """Return one run with all that was kept of it; raises `Missing`."""
        return dataclasses.asdict(self._book.records.need(run_id))

    async def export(self, run_id: str, file: Path, *, replace: bool = False) -> dict[str, Any]:
        """Write a run as JSON, CSV (its course or its effects) or an HTML report, by the ending of `file`.

        Raises `Conflict` when the file exists and is not to be replaced, or there is no result yet for a table or a page.
        """
        document = self.show(run_id)
        data = report.render(document, file.suffix.lower()).encode("utf-8", "replace")
        await asyncio.to_thread(_write, file, data, replace=replace)
        return {"file": str(file), "size_bytes": len(data)}


def _mode_of(run: Run, job: Job | None) -> str:
    """Return the mode of a run: what its result says, else what it told last, else what was asked."""
    result = run.result or (job.result if job is not None else None) or {}
    now = job.partial if job is not None else {}
    return str(result.get("mode") or now.get("mode") or run.spec.get("mode", ""))


def _served(name: str) -> ResourceKind:
    """Return a kind that serves tasks, on which a model can be proved by their waits; raises `BadInput` for others."""
    kind = need_kind(name)
    if name not in WORKERS:
        raise BadInput("{name} serves no tasks by whose waits models could be told apart; choose from {known}",
                       field="resource", name=name, known=", ".join(WORKERS))  # fmt: skip
    return kind


def _load_of(  # noqa: PLR0917 - what was asked, in order
    kind: ResourceKind, seconds: float, low: int, high: int, rate_hz: float, service_s: float
) -> dict[str, Any]:
    """Return resource, bounds and load as `work.plan_of` reads them; raises `BadInput` for bounds it cannot have."""
    suits = need_run(kind.name)
    low, high = low or min(suits.low, high or suits.high), high or max(suits.high, low)
    if not 1 <= low <= high:
        raise BadInput("low {low} and high {high} must be ascending and at least 1", field="low", low=low, high=high)
    if max(low, kind.low) > min(high, kind.high):
        raise BadInput("{name} has between {low} and {high} {unit}", field="low", name=kind.name, low=int(kind.low),
                       high=int(kind.high), unit=kind.unit)  # fmt: skip
    most = suits.high if kind.name == "balancer" else high
    return {
        "resource": kind.name, "seconds": seconds, "low": int(max(low, kind.low)), "high": int(min(high, kind.high, most)),
        "rate_hz": rate_hz or suits.rate_hz, "service_s": service_s,
    }  # fmt: skip


def _place(trace: Path | None) -> str:
    """Return where a trace lies, for a worker that stands in another folder."""
    return "" if trace is None else str(trace.absolute())


def _write(file: Path, data: bytes, *, replace: bool) -> None:
    if file.exists() and not replace:
        raise Conflict("{file} exists already", file=file, hint="Give another name, or replace it.")
    try:
        replace_file(file, data)
    except OSError as error:
        raise BadInput("{file} cannot be written: {why}", field="file", file=file, why=error.strerror or error) from error
