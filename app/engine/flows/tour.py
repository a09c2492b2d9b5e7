"""The tour: an operator's shift through every domain, each step checked against what it claims.

It uses nothing but commands, so it proves the door as well as what lies behind it.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from app.engine.base.errors import Conflict, Timeout
from app.engine.base.funnel import as_outpost_error

NODES = 6
TARGET_ACCURACY = 0.90
OFFLINE_WITHIN_S = 10.0
_SETTLE_S = 0.5  # tables redraw ten times a second; a picture waits until they have
AUDITED = {"fleet.demo", "learning.train", "model.activate", "qubo.solve", "circuit.run", "control.run"}


class Stage(Protocol):
    """Where the tour plays: an engine (with its window) on a home of its own, opened and closed on request."""

    async def open(self) -> None:
        """Open the engine and its window."""

    async def close(self) -> None:
        """Close both; what was stored stays."""

    async def run(self, command: str, **args: Any) -> Any:
        """Run a command through the engine's door."""

    def shoot(self, folder: Path) -> list[Path]:
        """Save a picture of every page and return the files."""

    def tidy(self) -> None:
        """Remove the home of the tour."""


@dataclass(frozen=True)
class Step:
    """One checked step: what was checked, what was seen, and whether it held."""

    name: str
    checked: str
    value: Any
    passed: bool
    wall_s: float

    def document(self) -> dict[str, Any]:
        """Return the step as it stands in report.json."""
        row = asdict(self)
        row["pass"] = row.pop("passed")
        return row


@dataclass
class Notes:
    """What later steps need from earlier ones, and the curves for the report."""

    graph: str = ""
    circuit: str = ""
    run_id: str = ""
    model_id: str = ""
    victim: str = ""
    pictures: list[Path] = field(default_factory=list)
    curves: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


Work = Callable[[Stage, Notes], Awaitable[tuple[Any, bool]]]


async def _start_fleet(stage: Stage, _notes: Notes) -> tuple[Any, bool]:
    await stage.run("fleet.demo", nodes=NODES)
    nodes = await _until(stage, lambda rows: sum(row["state"] == "online" for row in rows) >= NODES, 30)
    return {"online": sum(row["state"] == "online" for row in nodes)}, len(nodes) == NODES


async def _train(stage: Stage, notes: Notes) -> tuple[Any, bool]:
    told = await stage.run("learning.train", rounds=20, seed=1)
    notes.run_id = told["run_id"]
    notes.curves["test accuracy"] = [(row["round"], row["accuracy"]) for row in told["rounds"]]
    notes.curves["training loss"] = [(row["round"], row["loss"]) for row in told["rounds"]]
    accuracy = told["final_accuracy"]
    return {"final_accuracy": accuracy, "rounds": len(told["rounds"])}, accuracy >= TARGET_ACCURACY


async def _export(stage: Stage, notes: Notes) -> tuple[Any, bool]:
    model = await stage.run("learning.export", run=notes.run_id)
    notes.model_id = model["id"]
    return {key: model[key] for key in ("id", "name", "version", "artifact")}, model["artifact"].startswith("sha256:")


async def _activate(stage: Stage, notes: Notes) -> tuple[Any, bool]:
    told = await stage.run("model.activate", model=notes.model_id, nodes="all")
    done = [row for row in told["nodes"] if row["state"] == "succeeded"]
    return {"activated": len(done), "nodes": len(told["nodes"])}, len(done) == NODES


async def _compare(stage: Stage, notes: Notes) -> tuple[Any, bool]:
    told = await stage.run("model.check", model=notes.model_id, rows=100)
    worst = max((row["largest_difference"] for row in told["nodes"]), default=1.0)
    agree = [row for row in told["nodes"] if row["agreement_ratio"] == 1.0]
    return {"nodes_agreeing": len(agree), "rows": told["rows"], "largest_difference": worst}, len(agree) == NODES


async def _solve(stage: Stage, notes: Notes) -> tuple[Any, bool]:
    notes.graph = (await stage.run("qubo.sample"))["file"]
    told = await stage.run("qubo.solve", file=notes.graph, seconds=3.0, threads=1, seed=1)
    notes.curves["best energy"] = [(t_s, energy) for t_s, energy in told.get("trace", [])]
    good = told["verified"] and told["objective"] > 0 and len(told["sample"]) == told["n"]
    return {key: told[key] for key in ("objective", "energy", "solver", "n", "wall_s", "verified")}, bool(good)


async def _circuit(stage: Stage, notes: Notes) -> tuple[Any, bool]:
    samples = (await stage.run("circuit.samples"))["samples"]
    notes.circuit = next(row["file"] for row in samples if "ghz" in row["name"].lower())
    told = await stage.run("circuit.run", file=notes.circuit, shots=2000, seed=1)
    ends = sum(count for bits, count in told["counts"].items() if len(set(bits.replace(" ", ""))) == 1)
    return {"counts": told["counts"], "simulator": told["simulator"]}, ends == 2000 and len(told["counts"]) == 2


async def _control(stage: Stage, _notes: Notes) -> tuple[Any, bool]:
    told = await stage.run("control.run", resource="threadpool", seconds=10.0, seed=1, mode="apply")
    shown = {key: told[key] for key in ("ticks", "mean_size", "p99_wait_s")}
    return shown, told["ticks"] >= 80 and told["mean_size"] > 0 and told.get("bounds_violations", 0) == 0


async def _pictures(_stage: Stage, notes: Notes) -> tuple[Any, bool]:
    names = [path.name for path in notes.pictures]
    return {"pages": names}, len(names) >= 8


async def _lose_one(stage: Stage, notes: Notes) -> tuple[Any, bool]:
    nodes = (await stage.run("fleet.list"))["nodes"]
    notes.victim = nodes[-1]["name"]
    started_s = time.monotonic()
    await stage.run("fleet.kill", node=notes.victim)
    await _until(stage, lambda rows: _state(rows, notes.victim) in ("suspect", "offline"), OFFLINE_WITHIN_S)
    suspect_s = time.monotonic() - started_s
    await _until(stage, lambda rows: _state(rows, notes.victim) == "offline", OFFLINE_WITHIN_S + 2)
    offline_s = time.monotonic() - started_s
    return {"node": notes.victim, "suspect_after_s": suspect_s, "offline_after_s": offline_s}, offline_s <= OFFLINE_WITHIN_S


async def _reopen(stage: Stage, notes: Notes) -> tuple[Any, bool]:
    await stage.close()
    await stage.open()
    nodes = (await stage.run("fleet.list"))["nodes"]
    found: dict[str, Any] = {
        "nodes": len(nodes),
        "learning": notes.run_id in _column(await stage.run("learning.list"), "runs", "id"),
        "model": notes.model_id in _column(await stage.run("model.list"), "models", "id"),
        "jobs": _column(await stage.run("job.list", state="done", limit=200), "jobs", "kind"),
        "audited": _column(await stage.run("audit.list", limit=500), "entries", "command"),
    }
    held = found["nodes"] == NODES and found["learning"] and found["model"]
    held = held and set(found["jobs"]) >= {"qubo", "circuits", "control"} and set(found["audited"]) >= AUDITED
    return found, bool(held)


STEPS: tuple[tuple[str, str, Work], ...] = (
    ("Start six agents", "six real agent processes are paired and online", _start_fleet),
    ("Train on them", f"federated digits model reaches {TARGET_ACCURACY:.0%} test accuracy", _train),
    ("Export", "the model is registered as an ONNX artifact", _export),
    ("Activate everywhere", "every agent committed the model", _activate),
    ("Compare predictions", "each agent's predictions equal the engine's own on 100 rows", _compare),
    ("Solve the bundled graph", "the objective was recomputed independently and agrees", _solve),
    ("Run the bundled circuit", "a GHZ state gives only all-zeros and all-ones", _circuit),
    ("Steer a thread pool", "ten seconds of control, bounds never left", _control),
    ("Lose a node", f"a killed agent is offline within {OFFLINE_WITHIN_S:.0f} s", _lose_one),
    ("Picture every page", "a picture of each page was saved", _pictures),
    ("Stop and reopen", "runs, models, nodes, jobs and audit are still there", _reopen),
)


async def play(stage: Stage, out: Path, *, visible: bool) -> dict[str, Any]:
    """Play every step and write report.json, report.html and the pictures into `out`; returns report.json's content."""
    from app.engine.flows.report import write_html

    await asyncio.to_thread(_fresh, out)
    notes, steps = Notes(), []
    started_s = time.monotonic()
    await stage.open()
    try:
        for name, checked, work in STEPS:
            if work is _pictures:
                await asyncio.sleep(_SETTLE_S)
                notes.pictures = stage.shoot(out)
            steps.append(await _step(stage, notes, name, checked, work))
    finally:
        await stage.close()
    good = all(step.passed for step in steps)
    document = {
        "schema": 1, "steps": [step.document() for step in steps], "wall_s": time.monotonic() - started_s,
        "pass": good, "report": str(out / "report.html"), "visible": visible,
    }  # fmt: skip
    await asyncio.to_thread(write_html, out, document, notes.curves, notes.pictures)
    if good:
        await asyncio.to_thread(stage.tidy)
    return document


async def _step(stage: Stage, notes: Notes, name: str, checked: str, work: Work) -> Step:
    began_s = time.monotonic()
    try:
        value, passed = await work(stage, notes)
    except Exception as error:  # noqa: BLE001 - a failed step is a result, and the next ones still tell something
        value, passed = {"error": str(as_outpost_error(error)), "kind": type(error).__name__}, False
    return Step(name, checked, value, passed, time.monotonic() - began_s)


def _fresh(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise Conflict("{out} is not a folder", out=out, hint="Choose another with --out.")
    out.mkdir(parents=True, exist_ok=True)


def _column(told: dict[str, Any], table: str, key: str) -> list[str]:
    return sorted({row[key] for row in told[table]})


def _state(rows: list[dict[str, Any]], name: str) -> str:
    return next((row["state"] for row in rows if row["name"] == name), "")


async def _until(stage: Stage, held: Callable[[list[dict[str, Any]]], bool], most_s: float) -> list[dict[str, Any]]:
    deadline_s = time.monotonic() + most_s
    while True:
        rows: list[dict[str, Any]] = (await stage.run("fleet.list"))["nodes"]
        if held(rows):
            return rows
        if time.monotonic() > deadline_s:
            states = json.dumps({row["name"]: row["state"] for row in rows})
            raise Timeout("The nodes did not get there within {most} s: {states}", most=most_s, states=states)
        await asyncio.sleep(0.2)
