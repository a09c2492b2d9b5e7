"""A rollout while this console has it at hand: its tasks, what is under way, and what is not written yet."""

import asyncio
from dataclasses import dataclass, field

from app.engine.base.records import Records
from app.engine.fleet.courier import Courier
from app.engine.fleet.rollout.records import Rollout, Task


@dataclass
class Live:
    """A rollout with its tasks, what is under way, and what is not written yet."""

    tasks: Records[Task] = field(default_factory=lambda: Records(lambda task: task.node_id, "node"))
    dirty: set[str] = field(default_factory=set)
    saved: Rollout | None = None
    courier: Courier | None = None
    going: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    runner: asyncio.Task[None] | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)
