"""How rollouts stand in the store: each a row of `edge_deployments`, its nodes rows of `rollout_tasks`, written in batches.

The first travels and is merged with what other consoles write of it, so it is what is *shown* there. What a rollout *does* goes
by a record of its own among its tasks, which never leave the console that runs it: nothing that arrives starts or changes it.
"""

from collections.abc import Iterable
from dataclasses import MISSING, fields, replace
from typing import Any, Final

from app.engine.base.clock import Clock
from app.engine.fleet.rollout.records import Rollout, Task, rollout_from, task_from, to_json
from app.engine.store import rows
from app.engine.store.store import Store

_ROLLOUTS: Final = "edge_deployments"
_TASKS: Final = "rollout_tasks"
STRATEGY: Final = "groups"
_OWN: Final = ""  # in the place of a node's id: the rollout itself, as this console has it
_SLICE: Final = 500
_PLAIN: Final = {each.name: each.default for each in fields(Task) if each.default is not MISSING}  # not written


class RolloutStore:
    """Reads and writes rollouts; every write is one transaction, however many nodes it is about."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def add(self, rollout: Rollout, tasks: Iterable[Task], *, actor: str, cause: str) -> Rollout:
        """Write a new rollout with all its tasks; return it with its id."""
        tasks, now_us = list(tasks), self._clock.now_us()
        row = {**_row(rollout), "target_nodes": [task.node_id for task in tasks], "deployed_at": now_us}

        def write(conn: rows.Conn) -> str:
            stored = rows.put(conn, _ROLLOUTS, row, actor=actor, cause=cause, now_us=now_us)
            own = replace(rollout, id=str(stored["id"]))
            rows.put_many(conn, _TASKS, [_own_row(own), *(_task_row(own.id, task) for task in tasks)])
            return str(stored["id"])

        return replace(rollout, id=await self._store.write(write))

    async def save(self, rollout: Rollout | None, rollout_id: str, tasks: Iterable[Task], *, actor: str, cause: str) -> None:
        """Write what changed: the rollout's row if it did, and the tasks given."""
        tasks, now_us = list(tasks), self._clock.now_us()

        def write(conn: rows.Conn) -> None:
            if rollout is not None:
                row = {"id": rollout.id, **_row(rollout)}
                rows.put(conn, _ROLLOUTS, row, actor=actor, cause=cause, now_us=now_us)
                if tasks or rows.count(conn, _TASKS, where={"rollout_id": rollout.id}):  # it is run here
                    rows.drop_many(conn, _TASKS, where={"rollout_id": rollout.id, "node_id": _OWN})
                    rows.put_many(conn, _TASKS, [_own_row(rollout)])
            for first in range(0, len(tasks), _SLICE):
                part = tasks[first : first + _SLICE]
                rows.drop_many(conn, _TASKS, where={"rollout_id": rollout_id, "node_id": [task.node_id for task in part]})
                rows.put_many(conn, _TASKS, [_task_row(rollout_id, task) for task in part])

        await self._store.write(write)

    async def load(self) -> list[tuple[Rollout, list[Task]]]:
        """Return every rollout with its tasks, oldest first."""

        def read(conn: rows.Conn) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
            found = rows.select(conn, _ROLLOUTS, where={"rollout_strategy": STRATEGY}, order="created_us")
            return [(row, rows.select(conn, _TASKS, where={"rollout_id": row["id"]}, order="node_id")) for row in found]

        stored = await self._store.read(read)
        return [_read(row, tasks) for row, tasks in stored]

    async def remove(self, rollout_id: str, *, actor: str, cause: str) -> None:
        """Take a rollout and its tasks away."""
        now_us = self._clock.now_us()

        def write(conn: rows.Conn) -> None:
            rows.delete(conn, _ROLLOUTS, rollout_id, actor=actor, cause=cause, now_us=now_us)
            rows.drop_many(conn, _TASKS, where={"rollout_id": rollout_id})

        await self._store.write(write)


def _row(rollout: Rollout) -> dict[str, Any]:
    return {
        "deployment_name": rollout.title, "model_id": rollout.model_id, "rollout_strategy": STRATEGY, "status": rollout.state,
        "deployment_config": {"rollout": to_json(replace(rollout, waiting=""))},
    }  # fmt: skip


def _read(row: dict[str, Any], tasks: list[dict[str, Any]]) -> tuple[Rollout, list[Task]]:
    told = next((one["task"] for one in tasks if one["node_id"] == _OWN), row["deployment_config"]["rollout"])
    return replace(rollout_from(told), id=row["id"]), [task_from(one["task"]) for one in tasks if one["node_id"] != _OWN]


def _own_row(rollout: Rollout) -> dict[str, Any]:
    told = to_json(replace(rollout, waiting=""))
    return {"rollout_id": rollout.id, "node_id": _OWN, "state": rollout.state, "task": told}


def _task_row(rollout_id: str, task: Task) -> dict[str, Any]:
    told = {name: value for name, value in vars(task).items() if value != _PLAIN.get(name)}
    return {"rollout_id": rollout_id, "node_id": task.node_id, "state": task.state, "task": told}
