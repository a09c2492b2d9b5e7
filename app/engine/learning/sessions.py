"""Sessions of training over nodes as they are kept: pure rows, and the one transaction that commits a round.

The randomness of a session is a function of its seed and the round's number (`draws`), so that model, strategy rows and number
are a whole checkpoint.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from app.engine.learning.nets import Array
from app.engine.learning.records import Part, Round
from app.engine.learning.strategy import Global
from app.engine.store import rows
from app.wire import tensors

SESSIONS, UPDATES, ROUNDS = "federated_training_sessions", "federated_updates", "learning_rounds"
RUNNING, WAITING, PAUSED, STOPPED, DONE = "running", "waiting", "paused", "stopped", "done"
UNDER_WAY: Final = (RUNNING, WAITING)
_MODEL, _ROWS = "model/", "rows/"
_MOST_BYTES: Final = 1 << 30


@dataclass(frozen=True)
class Session:
    """One session: what was asked (`spec`), of whom (`nodes`, id and name), and how far it is; `reason` says why it waits."""

    id: str
    name: str
    model: str
    nodes: tuple[tuple[str, str], ...]
    spec: Mapping[str, Any]
    round: int = 0
    accuracy: float | None = None
    status: str = RUNNING
    started_us: int = 0
    reason: str = ""
    checkpoint: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, row: rows.Row) -> "Session":
        """Return the session in a row of the store."""
        nodes = tuple((str(node["id"]), str(node["name"])) for node in row["participating_nodes"])
        return cls(
            row["id"], row["session_name"], row["model_architecture"], nodes, row["spec"], row["current_round"],
            row["convergence_metric"], row["status"], row["started_at"], row["reason"], row["checkpoint"],
        )  # fmt: skip

    def row(self) -> rows.Row:
        """Return the session as a row of the store."""
        return {
            "id": self.id, "session_name": self.name, "model_architecture": self.model, "privacy_config": {},
            "participating_nodes": [{"id": key, "name": name} for key, name in self.nodes],
            "current_round": self.round, "convergence_metric": self.accuracy, "status": self.status,
            "started_at": self.started_us, "reason": self.reason, "spec": dict(self.spec), "checkpoint": dict(self.checkpoint),
        }  # fmt: skip

    def after(self, row: Round, checkpoint: Mapping[str, Any]) -> "Session":
        """Return the session once round `row` is committed."""
        return replace(
            self, round=row.round, accuracy=row.accuracy, checkpoint=checkpoint, status=RUNNING, reason="",
        )  # fmt: skip


def pack(now: Global) -> bytes:
    """Return the state between rounds as one tensor document."""
    named = {_MODEL + name: value for name, value in now.params.items()}
    return tensors.pack({**named, **{_ROWS + name: value for name, value in now.rows.items()}}, {})


def unpack(data: bytes) -> Global:
    """Return the state that `pack` wrote, bit for bit; a model alone is one, too."""
    found, _ = tensors.unpack(data, most_bytes=_MOST_BYTES)
    params = {name.removeprefix(_MODEL): value for name, value in found.items() if not name.startswith(_ROWS)}
    return Global(params, {name.removeprefix(_ROWS): value for name, value in found.items() if name.startswith(_ROWS)})


def digest_of(update: Mapping[str, Array]) -> str:
    """Return what tells one update from another: the SHA-256 of its numbers, in the order in which they travel."""
    told = hashlib.sha256()
    for name in sorted(update):
        told.update(np.ascontiguousarray(update[name], "<f4").tobytes())
    return told.hexdigest()


def commit(conn: rows.Conn, session: Session, round_row: rows.Row, parts: Sequence[rows.Row], stamp: Mapping[str, Any]) -> None:
    """Write a finished round: its record, each node's part, and the session with the checkpoint after it."""
    by = dict(stamp)
    rows.put(conn, ROUNDS, round_row, **by)
    rows.put_new(conn, UPDATES, parts, **by)
    rows.put(conn, SESSIONS, session.row(), **by)


def params_in(conn: rows.Conn, session_id: str, numbers: Sequence[int]) -> list[str]:
    """Return the content ids of the models after those rounds."""
    found = rows.select(conn, ROUNDS, where={"run_id": session_id, "round": list(numbers)}) if numbers else []
    return [str(row["details"].get("model", "")) for row in found]


def part_row(session_id: str, number: int, node_id: str, part: Part, at_us: int) -> rows.Row:
    """Return a node's part in a round as a row of the store."""
    return {
        "session_id": session_id, "round_number": number, "node_id": node_id,
        "model_update": {"digest": part.digest, "norm": part.norm, "bytes": part.bytes},
        "metrics": {key: getattr(part, key) for key in ("examples", "steps", "loss", "cpu_s", "time_s")},
        "privacy_spent": None, "submitted_at": at_us, "status": part.state, "reason": part.reason,
    }  # fmt: skip
