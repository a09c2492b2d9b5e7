"""The deployments of the fleet: which model was brought to which nodes, and how that ended."""

from collections.abc import Mapping
from typing import Any, Final

from app.engine.jobs.base import Base
from app.engine.store import rows

_DEPLOYMENTS: Final = "edge_deployments"


class Deployments:
    """The rows of `edge_deployments`; part of the fleet's service."""

    def __init__(self, base: Base) -> None:
        self._base = base

    async def begin(
        self, model_id: str, title: str, nodes: list[str], *, strategy: str = "all-at-once", actor: str, cause: str
    ) -> str:
        """Write that a model is on its way to `nodes` (ids); return the deployment's id."""
        now_us = self._base.clock.now_us()
        row = {
            "deployment_name": title, "model_id": model_id, "target_nodes": nodes, "deployment_config": {},
            "rollout_strategy": strategy, "status": "running", "deployed_at": now_us,
        }  # fmt: skip
        stored = await self._base.store.write(
            lambda conn: rows.put(conn, _DEPLOYMENTS, row, actor=actor, cause=cause, now_us=now_us)
        )
        return str(stored["id"])

    async def end(self, deployment_id: str, status: str, outcome: Mapping[str, Any], *, actor: str, cause: str) -> None:
        """Write how a deployment ended, with each node's outcome."""
        row = {"id": deployment_id, "status": status, "deployment_config": {"nodes": dict(outcome)}}
        now_us = self._base.clock.now_us()
        await self._base.store.write(lambda conn: rows.put(conn, _DEPLOYMENTS, row, actor=actor, cause=cause, now_us=now_us))

    async def newest(self, limit: int = 100) -> list[dict[str, Any]]:
        """Return the newest deployments, newest first."""
        return await self._base.store.read(
            lambda conn: rows.select(conn, _DEPLOYMENTS, order="deployed_at", descending=True, limit=limit)
        )
