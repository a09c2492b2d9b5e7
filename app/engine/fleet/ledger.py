"""What the nodes told and is still to be written: telemetry, and the cursors behind it.

Both go in one transaction at most once a second, so that after any stop the pull goes on exactly where the store stands;
what cannot be written is pulled again later from the node's spool.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

from app.engine.base.errors import OutpostError
from app.engine.jobs.base import Base
from app.engine.store import rows, telemetry

_NODES: Final = "edge_nodes"
_TELEMETRY: Final = "edge_telemetry"
_SELF: Final = "engine"


class Ledger:
    """Rows and marks that wait for the next write; part of the fleet's service."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._rows: list[dict[str, Any]] = []
        self._marks: dict[str, dict[str, Any]] = {}
        self._behind = False

    @property
    def marked(self) -> tuple[str, ...]:
        """Return the nodes of which something is to be written."""
        return tuple(self._marks)

    def take(self, taken: Iterable[dict[str, Any]]) -> None:
        """Keep rows of `edge_telemetry` for the next write."""
        self._rows += taken

    def mark(self, node_id: str, **fields: Any) -> None:
        """Have columns of a node written, its state at least."""
        self._marks.setdefault(node_id, {}).update(fields)

    def forget(self, node_id: str) -> None:
        """Write nothing more of a node that is gone."""
        self._marks.pop(node_id, None)

    async def flush(self, states: Mapping[str, str]) -> bool:
        """Write what waits, and each node's state; tell whether the pull must go back to where the store stands.

        While the store refuses, nothing is kept here: once it takes writes again, the nodes' spools fill the gap.
        """
        taken, self._rows = self._rows, []
        marks, self._marks = self._marks, {}
        if not taken and not marks:
            return False
        marks = {node_id: {**mark, "status": states.get(node_id, "")} for node_id, mark in marks.items()}
        if self._behind:
            taken, marks = [], {node_id: {"status": mark["status"]} for node_id, mark in marks.items()}
        try:
            await self._base.store.write(partial(_write_batch, taken=taken, marks=marks))
        except OutpostError:
            self._behind = True  # The store has told of its trouble itself.
            return False
        behind, self._behind = self._behind, False
        return behind

    async def stored(self) -> list[dict[str, Any]]:
        """Return the nodes as the store holds them."""
        return await self._base.store.read(lambda conn: rows.select(conn, _NODES))

    async def prune(self) -> None:
        """Let go of telemetry older than the operator keeps."""
        before_us = self._base.clock.now_us() - round(self._base.settings["fleet.keep_telemetry_s"] * 1e6)
        gone = 1
        while gone:
            gone = await self._base.store.write(lambda conn: telemetry.prune(conn, before_us=before_us))


def _write_batch(conn: rows.Conn, *, taken: list[dict[str, Any]], marks: Mapping[str, dict[str, Any]]) -> None:
    rows.put_many(conn, _TELEMETRY, taken)
    rows.mark_many(conn, _NODES, marks)
