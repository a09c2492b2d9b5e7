"""What the eye sees of a running round: each node's state and why it waits, told anew at every change."""

from collections.abc import Sequence
from typing import Any

from app.engine.base.contracts import Report
from app.engine.base.text import tr
from app.engine.learning.drill import LiveDrill
from app.engine.learning.records import Part, Round


class Board:
    """Tells `report` of the round under way; nodes are called by their names, `names` in the run's fixed order."""

    def __init__(self, run_id: str, names: Sequence[str], total: int, report: Report) -> None:
        self._run_id, self._names, self._total, self._report = run_id, list(names), total, report
        self._number, self._waits, self._updates = 0, "", dict[str, Any]()
        self._nodes: dict[str, dict[str, Any]] = {}
        self._last: dict[str, Any] = {"accuracy": None, "loss": None}
        self._drill: dict[str, Any] | None = None

    def open(self, number: int, done: Sequence[Round], asked: Sequence[str]) -> None:
        """Show that round `number` has begun and who is asked in it."""
        self._number = number
        self._nodes = {name: {"state": "waiting"} for name in asked}
        if done:
            self._last = {"accuracy": done[-1].accuracy, "loss": done[-1].loss}
        self._tell(number - 1)

    def heard(self, one: Part, rejected: int) -> None:
        """Show a node's part, and how many of its updates were rejected in the session so far."""
        self._nodes[one.name] = {
            "state": one.state, "examples": one.examples, "loss": one.loss, "reason": one.reason, "norm": one.norm,
            "time_s": one.time_s, "rejected": rejected,
        }  # fmt: skip
        self._tell(self._number - 1)

    def waits(self, reason: str) -> None:
        """Show why the round waits; empty when it goes on."""
        self._waits = reason
        self._tell(self._number - 1)

    def drills(self, drill: LiveDrill | None) -> None:
        """Show what is drilled, from now on."""
        self._drill = drill.to_json() if drill else None

    def closing(self, done: Sequence[Round]) -> None:
        """Show that the rounds are over and that versions are made of their models."""
        if done and self._last["accuracy"] is None:
            self._last = {"accuracy": done[-1].accuracy, "loss": done[-1].loss}
        self._waits = tr("Making versions of the models")
        self._tell(len(done))

    def finished(self, row: Round, updates: dict[str, Any], at_s: float) -> None:
        """Show the round's end, and its point on the curves."""
        places = {key: [self._names[at] for at in updates[key]] for key in ("clients", "outliers")}
        self._updates = {**updates, **places}
        self._last = {"accuracy": row.accuracy, "loss": row.loss, "bytes": row.bytes, "time_s": row.time_s}
        curves = {"accuracy_ratio": row.accuracy, "loss": row.loss, "drift_ratio": updates["drift"], "round_bytes": row.bytes}
        self._tell(self._number, {metric: [(at_s, value)] for metric, value in curves.items()})

    def last(self) -> dict[str, Any]:
        """Return what the last round looked like: each node's part, and the updates."""
        return {"parts": dict(self._nodes), "updates": self._updates}

    def _tell(self, done: int, samples: dict[str, list[tuple[float, float]]] | None = None) -> None:
        missing = [name for name, node in self._nodes.items() if node["state"] == "waiting"]
        partial = {
            "run_id": self._run_id, "round": done, **self._last, "nodes": dict(self._nodes),
            "waits": self._waits or (tr("Waiting for {names}", names=", ".join(missing)) if missing else ""),
            "updates": self._updates, "drill": self._drill,
        }  # fmt: skip
        self._report(done, self._total, "rounds", partial=partial, samples=samples)
