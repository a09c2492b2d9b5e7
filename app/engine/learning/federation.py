"""One round over live nodes: ask all at once, wait until a deadline, take what is sound, say why the rest is missing.

The round stands if enough nodes answer (k of n); answers are used in the run's fixed order, whoever was first.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from app.engine.base.errors import BadInput, Missing, Offline, OutpostError, Refused, Timeout
from app.engine.base.funnel import as_outpost_error
from app.engine.learning.mlp import Array, Params
from app.engine.learning.records import LocalUpdate, Part
from app.engine.learning.strategy import Global, Strategy

_POLL_S: Final = 10.0
_PAUSE_S: Final = 0.02
_BEGINNINGS: Final = 2  # a node that lost the round, by a restart say, is asked once more
_STATES: Final[tuple[tuple[type[OutpostError], str], ...]] = (
    (Offline, "offline"), (Timeout, "late"), (Refused, "refused"), (BadInput, "bad"),
)  # fmt: skip


class TrainClient(Protocol):
    """What a federation needs of the link to one node."""

    async def train(self, round_id: str, params: Params, spec: Mapping[str, Any]) -> None:
        """Have the node begin a round."""

    async def update(self, round_id: str, wait_s: float) -> tuple[Mapping[str, Array], Mapping[str, str]] | None:
        """Return the update and what the node says of it, or None while it still trains."""


@dataclass(frozen=True)
class Member:
    """A node of a run: its place in the fixed order, its id and name, and the link to it."""

    client: int
    id: str
    name: str
    link: TrainClient


@dataclass(frozen=True)
class RoundCall:
    """What one round asks: its id and number, the global parameters, the rules, the deadline and who must answer."""

    id: str
    number: int
    now: Global
    strategy: Strategy
    deadline_s: float
    quorum_ratio: float


Answers = list[tuple[Part, LocalUpdate | None]]


async def hold(call: RoundCall, members: Sequence[Member], told: Callable[[Part], None]) -> Answers:
    """Return every member's part and, where it is sound, its update, in the members' order.

    `told` hears of each part as it comes. Raises `Offline` when fewer than the quorum answer, saying who is missing.
    """
    tasks = [asyncio.create_task(_ask(call, member, told)) for member in members]
    try:
        await asyncio.wait(tasks, timeout=call.deadline_s)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    answers: Answers = []
    for member, task in zip(members, tasks, strict=True):
        if task.cancelled():
            part = Part(member.client, member.name, "late", reason=f"no answer within {call.deadline_s:g} s")
            told(part)
            answers.append((part, None))
        else:
            answers.append(task.result())
    _need_quorum(call, answers)
    return answers


async def _ask(call: RoundCall, member: Member, told: Callable[[Part], None]) -> tuple[Part, LocalUpdate | None]:
    try:
        update, meta = await _train(call, member)
        answer: tuple[Part, LocalUpdate | None] = _judge(call, member, update, meta)
    except Exception as error:  # noqa: BLE001 - one node's trouble is its own part's state, never the round's end
        known = as_outpost_error(error)
        state = next((state for kind, state in _STATES if isinstance(known, kind)), "failed")
        answer = Part(member.client, member.name, state, reason=str(known)), None
    told(answer[0])
    return answer


async def _train(call: RoundCall, member: Member) -> tuple[Mapping[str, Array], Mapping[str, str]]:
    spec = call.strategy.configure(call.number, member.client).to_json()
    for attempt in range(_BEGINNINGS):
        await member.link.train(call.id, call.strategy.sent(call.now), spec)
        try:
            while (answer := await member.link.update(call.id, _POLL_S)) is None:  # noqa: ASYNC110 - the node's own wait
                await asyncio.sleep(_PAUSE_S)  # one that answers at once must not be asked in a tight loop
        except Missing:
            if attempt + 1 == _BEGINNINGS:
                raise
        else:
            return answer
    raise Missing("The node lost the round")


def _judge(call: RoundCall, member: Member, update: Mapping[str, Array], meta: Mapping[str, str]) -> tuple[Part, LocalUpdate]:
    """Return the part and the update of an answer; raise `BadInput` when it cannot be used."""
    examples, steps = int(_number(meta, "examples")), int(_number(meta, "steps"))
    read = call.strategy.read(update)
    row = call.strategy.accept(read, examples, steps)
    loss, cpu_s = _number(meta, "loss"), _number(meta, "cpu_s")
    moved = sum(tensor.nbytes for tensor in update.values())
    norm = float(np.linalg.norm(row.astype(np.float64)))
    part = Part(member.client, member.name, "done", examples, steps, norm, moved, loss, cpu_s)
    return part, LocalUpdate(read, examples, loss, steps)


def _number(meta: Mapping[str, str], name: str) -> float:
    try:
        value = float(meta.get(name, "0"))
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or not 0 <= value <= 1e12:
        raise BadInput("the node says {name} is {value}", name=name, value=repr(meta.get(name)))
    return value


def _need_quorum(call: RoundCall, answers: Answers) -> None:
    need = max(1, math.ceil(len(answers) * call.quorum_ratio))
    missing = [part for part, update in answers if update is None]
    have = len(answers) - len(missing)
    if have < need:
        raise Offline(
            "Round {round} has updates of {have} of {total} nodes and needs {need}: {missing}",
            round=call.number, have=have, total=len(answers), need=need,
            missing="; ".join(f"{part.name}: {part.reason}" for part in missing),
            hint="Earlier rounds are kept. Bring the nodes back, or lower the quorum.",
        )  # fmt: skip
