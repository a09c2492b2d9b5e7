"""How runs are told: alone, and side by side: what was asked differently, and what came of it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.engine.jobs.runs import Run

_LEVELS: Final = (0.8, 0.9, 0.95)
_LEFT_OUT: Final = ("schema", "session", "round", "client", "nodes")


def compare(shown: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return {runs, differs}: figures of each run as `show` gave it, and the settings in which they are not all alike.

    `rounds_to` tells the first round at each accuracy level, null for one not reached; bytes, CPU seconds and times are sums.
    """
    return {"runs": [_figures(one) for one in shown], "differs": _differs(shown)}


def line(run: Run) -> dict[str, Any]:
    """Return a run as a list shows it."""
    result = run.result or {}
    kept = {name: getattr(run, name) for name in ("id", "title", "source", "state", "created_us", "job_id")}
    return {**kept, "rounds": len(result.get("rounds", [])), "final_accuracy": result.get("final_accuracy")}


def kept(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a simulation's result by the names that runs have, model and architecture; what a job told last is none."""
    if "params" not in result:
        return {}
    short = {key: value for key, value in result.items() if key not in ("params", "model")}
    return {**short, "architecture": result["model"], "model": result["params"]}


def found(result: dict[str, Any]) -> dict[str, Any]:
    """Return a tuning's result; what a job told last is none."""
    return result if "trials" in result else {}


def told(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a round in a row of the store."""
    return {**row["details"], **{key: row[key] for key in ("round", "accuracy", "loss")}}


def _figures(one: Mapping[str, Any]) -> dict[str, Any]:
    rounds = one["rounds"]
    best = max((row["accuracy"] for row in rounds), default=None)
    return {
        "id": one["id"], "title": one["title"], "source": one["source"], "state": one["state"], "rounds": len(rounds),
        "final_accuracy": rounds[-1]["accuracy"] if rounds else None, "best_accuracy": best,
        "rounds_to": {f"{level:g}": _first(rounds, level) for level in _LEVELS},
        "bytes": sum(row.get("bytes") or 0 for row in rounds),
        "cpu_s": sum(row.get("cpu_s") or 0.0 for row in rounds),
        "time_s": sum(row.get("time_s") or 0.0 for row in rounds),
        "accuracy": [row["accuracy"] for row in rounds],
    }  # fmt: skip


def _first(rounds: Sequence[Mapping[str, Any]], level: float) -> int | None:
    return next((int(row["round"]) for row in rounds if row["accuracy"] >= level), None)


def _differs(shown: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = sorted({name for one in shown for name in one["spec"]} - set(_LEFT_OUT))
    told = {name: [one["spec"].get(name) for one in shown] for name in names}
    return {name: values for name, values in told.items() if any(value != values[0] for value in values)}
