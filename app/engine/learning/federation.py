"""One round over live nodes: ask all at once, wait until a deadline, take what is sound, say why the rest is missing.

The round stands if enough nodes answer (k of n); answers are used in the run's fixed order, whoever was first. What a node
sends is refused when it makes no sense, belongs to another round, was sent before, or is not signed by the node (the link
sees to that).
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Protocol

from app.engine.base.errors import BadInput, Conflict, Missing, Offline, OutpostError, Refused, Timeout
from app.engine.base.funnel import as_outpost_error
from app.engine.base.text import tr
from app.engine.learning.nets import Array
from app.engine.learning.records import LocalUpdate, Part
from app.engine.learning.sessions import digest_of
from app.engine.learning.strategy import Gathered, Global, Strategy
from app.wire.rounds import Order

_POLL_S: Final = 10.0
_PAUSE_S: Final = 0.02
_AWAY_S: Final = 3.0  # how long a round waits where all that are left are known to be offline
_LOOK_S: Final = 1.0
_BEGINNINGS: Final = 2  # a node that lost the round, by a restart say, is asked once more
_STATES: Final[tuple[tuple[type[OutpostError], str], ...]] = (
    (Offline, "offline"), (Timeout, "late"), (Refused, "refused"), (BadInput, "bad"),
)  # fmt: skip
REJECTED: Final = ("refused", "bad")
_REASON: Final = 300  # characters; the words are a node's own
_UNBOUNDED: Final = "Numbers that are not finite come of too large a step size."
_BOUNDED: Final = (
    "Where updates are over the bound, raise it or take a smaller step size; one too large makes numbers not finite, too."
)


Told = tuple[Mapping[str, Array], Mapping[str, str]]


class TrainClient(Protocol):
    """What a federation needs of the link to one node."""

    async def train(
        self, round_id: str, order: Order, client: int, since: int | None = None, wait_s: float = 0.0
    ) -> Told | None:  # fmt: skip
        """Have the node begin a round as the client at that place; `since` is the last round in which its update counted.

        A node that knows how answers with the update itself when it is done within `wait_s`: one request for two.
        """

    async def update(self, round_id: str, wait_s: float) -> Told | None:
        """Return the update and what is said of it, or None while the node still trains.

        The node says examples, steps, loss, cpu_s and round; the link may add `digest`, of the numbers as they came.
        """


class Links(Protocol):
    """What learning needs of the link."""

    def client(self, node_id: str) -> TrainClient:
        """Return the client of a node as it is now; raise `Missing`."""


@dataclass(frozen=True)
class Way:
    """The way to a node, looked up for each request: one that was gone may be back at another address, or not in the fleet."""

    links: Links
    node_id: str

    async def train(
        self, round_id: str, order: Order, client: int, since: int | None = None, wait_s: float = 0.0
    ) -> Told | None:  # fmt: skip
        """Ask as `TrainClient` does."""
        return await self._client().train(round_id, order, client, since, wait_s)

    async def update(self, round_id: str, wait_s: float) -> Told | None:
        """Ask as `TrainClient` does."""
        return await self._client().update(round_id, wait_s)

    def _client(self) -> TrainClient:
        try:
            return self.links.client(self.node_id)
        except Missing as error:
            raise Offline("The node is no longer in the fleet") from error


@dataclass(frozen=True)
class Member:
    """A node of a run: its place in the fixed order, its id and name, the link to it, and whether it is known to be offline."""

    client: int
    id: str
    name: str
    link: TrainClient
    is_away: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class RoundCall:
    """What one round asks: its id and number, the state it starts from, the rules, the deadline and who must answer.

    `clock_s` reads seconds of a steady clock; `spent` holds digests of updates that were used before, `counted` the
    last round in which a client's update counted; None where rounds overlap.
    """

    id: str
    number: int
    now: Global
    strategy: Strategy
    deadline_s: float
    quorum_ratio: float
    clock_s: Callable[[], float] = lambda: 0.0
    spent: AbstractSet[str] = frozenset()
    counted: Mapping[int, int] | None = None

    @cached_property
    def order(self) -> Order:
        """Return what every node of the round is sent, made once."""
        spec = {**self.strategy.configure(self.number, 0).to_json(), "deadline_s": self.deadline_s}
        return Order(self.strategy.sent(self.now), {name: value for name, value in spec.items() if name != "client"})

    def need(self, asked: int) -> int:
        """Return how many of `asked` nodes must answer; an aggregator that bears hostile ones may need more."""
        return min(asked, max(1, math.ceil(asked * self.quorum_ratio), self.strategy.least))


Answer = tuple[Part, LocalUpdate | None]
Answers = list[Answer]


async def hold(call: RoundCall, members: Sequence[Member], told: Callable[[Part], None]) -> Answers:
    """Return every member's part and, where it is sound, its update, in the members' order.

    `told` hears of each part as it comes. Nodes that are known to be offline are asked, too, but waited for only shortly.
    """
    tasks = [asyncio.create_task(ask(call, member, told)) for member in members]
    if not tasks:
        return []
    try:
        waited_s = await _wait(call.deadline_s, members, tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    answers: Answers = []
    for member, task in zip(members, tasks, strict=True):
        if task.cancelled():
            part = _silent(member, waited_s)
            told(part)
            answers.append((part, None))
        else:
            answers.append(task.result())
    return answers


async def _wait(deadline_s: float, members: Sequence[Member], tasks: Sequence["asyncio.Task[Answer]"]) -> float:
    """Wait until all have answered, or the deadline; return how long there was to answer."""
    loop = asyncio.get_running_loop()
    began_s, pending = loop.time(), set(tasks)
    while pending:
        away = all(task.done() or member.is_away() for member, task in zip(members, tasks, strict=True))
        limit_s = min(deadline_s, _AWAY_S) if away else deadline_s
        left_s = began_s + limit_s - loop.time()
        if left_s <= 0:
            return limit_s
        _, pending = await asyncio.wait(pending, timeout=min(left_s, _LOOK_S))
    return deadline_s


def _silent(member: Member, waited_s: float) -> Part:
    """Return the part of a node that did not answer while it was waited for."""
    if member.is_away():
        reason = tr("offline, and no answer within {seconds} s", seconds=waited_s)
        return Part(member.client, member.name, "offline", reason=reason, time_s=waited_s)
    return Part(member.client, member.name, "late", reason=f"no answer within {waited_s:g} s", time_s=waited_s)


class Flight:
    """Nodes that train all the time (FedBuff): each from the model that was newest when it began; see `strategy`."""

    def __init__(self) -> None:
        self._going: dict[int, tuple[int, asyncio.Task[Answer]]] = {}

    async def hold(
        self, call: RoundCall, members: Sequence[Member], told: Callable[[Part], None]
    ) -> tuple[Answers, list[int]]:  # fmt: skip
        """Return the answers that fill the buffer, in fixed order, and how many rounds old each sound one is.

        A node that is still under way is left to go on. The buffer is full with `call.need` sound answers.
        """
        for member in members:
            if member.client not in self._going:
                self._going[member.client] = (call.number, asyncio.create_task(ask(call, member, told)))
        ends_s, need = call.clock_s() + call.deadline_s, call.need(len(members))
        while self._sound() < need and self._open():
            left_s = ends_s - call.clock_s()
            if left_s <= 0:
                break
            await asyncio.wait(self._open(), timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        came = sorted(client for client, (_, task) in self._going.items() if task.done())
        held = [self._going.pop(client) for client in came]
        answers = [task.result() for _, task in held]
        ages = [call.number - since for (since, _), (_, update) in zip(held, answers, strict=True) if update is not None]
        return answers, ages

    async def close(self) -> None:
        """Let go of all that are under way."""
        tasks = [task for _, task in self._going.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._going.clear()

    def _open(self) -> list["asyncio.Task[Answer]"]:
        return [task for _, task in self._going.values() if not task.done()]

    def _sound(self) -> int:
        return sum(task.done() and task.result()[1] is not None for _, task in self._going.values())


async def ask(call: RoundCall, member: Member, told: Callable[[Part], None]) -> Answer:
    """Have one node train and return its part and, where it is sound, its update."""
    began_s = call.clock_s()
    try:
        update, meta = await _train(call, member)
        answer: Answer = _judge(call, member, update, meta)
    except Exception as error:  # noqa: BLE001 - one node's trouble is its own part's state, never the round's end
        known = as_outpost_error(error)
        state = next((state for kind, state in _STATES if isinstance(known, kind)), "failed")
        answer = Part(member.client, member.name, state, reason=str(known)[:_REASON]), None
    answer = replace(answer[0], time_s=call.clock_s() - began_s), answer[1]
    told(answer[0])
    return answer


async def _train(call: RoundCall, member: Member) -> Told:
    for attempt in range(_BEGINNINGS):
        since = None if call.counted is None else call.counted.get(member.client, 0)
        try:
            answer = await member.link.train(call.id, call.order, member.client, since, _POLL_S)
            while answer is None and (answer := await member.link.update(call.id, _POLL_S)) is None:  # noqa: ASYNC110 - its own wait
                await asyncio.sleep(_PAUSE_S)  # one that answers at once must not be asked in a tight loop
        except Missing:
            if attempt + 1 == _BEGINNINGS:
                raise
        else:
            return answer
    raise Missing("The node lost the round")


def _judge(call: RoundCall, member: Member, update: Mapping[str, Array], meta: Mapping[str, str]) -> tuple[Part, LocalUpdate]:
    """Return the part and the update of an answer; raise `BadInput` when it cannot be used."""
    if meta.get("round", str(call.number)) != str(call.number):
        raise BadInput("the update is stale: it belongs to round {round}", round=meta["round"][:20])
    examples, steps = int(_number(meta, "examples")), int(_number(meta, "steps"))
    read = call.strategy.read(update, call.number)
    row, norm = call.strategy.accept(read, examples, steps)
    digest = (meta.get("digest") or digest_of(update)) if norm else ""  # one of zeros may come again in good faith
    if digest in call.spent:
        raise BadInput("the update is a replay of an earlier one")
    loss, cpu_s = _number(meta, "loss"), _number(meta, "cpu_s")
    part = Part(
        member.client, member.name, "done", examples, steps, norm,
        sum(tensor.nbytes for tensor in update.values()), loss, cpu_s, digest=digest,
    )  # fmt: skip
    return part, LocalUpdate(read, examples, loss, steps, row=row)


def counted(answers: Answers, gathered: Gathered) -> Answers:
    """Return answers with those named of which less counts than they say; `gathered` holds the sound ones."""
    left = iter(zip(gathered.weights.tolist(), gathered.steps.tolist(), strict=True))
    return [
        (part, None) if update is None else (replace(part, reason=_discount(part, *next(left))), update)
        for part, update in answers
    ]


def _discount(part: Part, weight: float, steps: float) -> str:
    """Return a part's reason with what of it is not believed."""
    told = [part.reason] if part.reason else []
    if weight < part.examples:
        told.append(tr("claims {examples} examples and counts as {weight}", examples=part.examples, weight=int(weight)))
    if 0 < part.steps < steps:
        told.append(
            tr("took {steps} steps and counts as of {counted}: else it would be over the norm bound",
               steps=part.steps, counted=math.ceil(steps))
        )  # fmt: skip
    return "; ".join(told)


def _number(meta: Mapping[str, str], name: str) -> float:
    try:
        value = float(meta.get(name, "0"))
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or not 0 <= value <= 1e12:
        raise BadInput("the node says {name} is {value}", name=name, value=repr(meta.get(name)))
    return value


def shortage(call: RoundCall, answers: Answers, asked: int) -> Offline | None:
    """Return why the round cannot be closed yet, saying who is missing; None when enough have answered."""
    have = sum(update is not None for _, update in answers)
    if have >= call.need(asked):
        return None
    missing = [part for part, update in answers if update is None]
    return Offline(
        "Round {round} has updates of {have} of {total} nodes and needs {need}: {missing}",
        round=call.number, have=have, total=asked, need=call.need(asked),
        missing="; ".join(f"{part.name}: {part.reason}" for part in missing),
        hint="Earlier rounds are kept. Bring the nodes back, or lower the quorum.",
    )  # fmt: skip


def hopeless(call: RoundCall, answers: Answers, asked: int) -> Conflict | None:
    """Return that so many updates make no sense that no quorum is left, where that is so; None where it is not."""
    bad = [part for part, update in answers if update is None and part.state == "bad"]
    if asked - len(bad) >= call.need(asked):
        return None
    return Conflict(
        "Round {round}: {count} updates make no sense. {name}: {reason}",
        round=call.number, count=len(bad), name=bad[0].name, reason=bad[0].reason,
        hint=_BOUNDED if call.strategy.norm_bound > 0 else _UNBOUNDED,
    )  # fmt: skip
