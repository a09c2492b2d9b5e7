"""The loop of a training session over nodes: rounds that are committed one by one, pauses, waits that say why, and resumption.

A round is asked under an id made of the session's and its number, so that after a crash the nodes give what they had made
of it; and it is committed in one transaction with the checkpoint after it (`sessions.commit`).
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.engine.base.contracts import Report
from app.engine.base.errors import Offline
from app.engine.base.events import RoundFinished
from app.engine.base.ids import new_id
from app.engine.base.text import tr
from app.engine.jobs.base import Base
from app.engine.learning import federation, nets, sessions
from app.engine.learning.datasets import load
from app.engine.learning.federation import Answers, Member, RoundCall
from app.engine.learning.insight import shown
from app.engine.learning.records import Part, Round
from app.engine.learning.selection import Seen
from app.engine.learning.sessions import Session
from app.engine.learning.strategy import Gathered, Global, Strategy
from app.engine.learning.work import settled
from app.engine.store import artifacts, rows
from app.engine.store.threads import in_thread

_AGAIN_S: Final = 2.0
_AGAIN_MOST_S: Final = 15.0


@dataclass(frozen=True)
class Course:
    """One session as it is held: what is kept of it, its rules, its members, and how patient it is."""

    session: Session
    strategy: Strategy
    members: tuple[Member, ...]
    actor: str
    cause: str

    @property
    def spec(self) -> dict[str, Any]:
        """Return what was asked."""
        return dict(self.session.spec)


@dataclass
class Reins:
    """What a person wants of a running session: "", "pause" or "stop"; `pulled` is set when that changes."""

    wish: str = ""
    pulled: asyncio.Event = field(default_factory=asyncio.Event)
    closing: bool = False

    def pull(self, wish: str) -> None:
        """Ask the session to pause or stop after the round, or at once where it waits."""
        self.wish = wish
        self.pulled.set()


class Live:
    """One session under way; `hold` runs it to its end, a pause or a stop."""

    def __init__(self, base: Base, course: Course, reins: Reins, keep: Callable[[Session], None]) -> None:
        self._base, self._course, self._reins, self._keep = base, course, reins, keep
        self._session = course.session
        self._done: list[Round] = []
        self._refused: dict[str, int] = {}
        self._seen = Seen.nothing(len(course.members))
        self._spent: set[str] = set()
        self._flight = federation.Flight() if course.strategy.base.algorithm == "fedbuff" else None

    async def hold(self, report: Report) -> dict[str, Any]:
        """Run the session and return its result; raises `Offline` when a round waited too long for its quorum."""
        try:
            return await self._hold(report)
        except asyncio.CancelledError:
            if not self._reins.closing:
                await self._put(replace(self._session, status=sessions.STOPPED, reason=""))
            raise
        except BaseException as error:
            await self._put(replace(self._session, status=sessions.PAUSED, reason=str(error)))
            raise
        finally:
            if self._flight is not None:
                await self._flight.close()

    async def _hold(self, report: Report) -> dict[str, Any]:
        course, total = self._course, int(self._course.spec["rounds"])
        split = await in_thread(lambda: load(str(course.spec.get("dataset", ""))), "learning-data")
        now = await self._begin()
        board = Board(course, report, self._refused)
        status = sessions.DONE
        for number in range(self._session.round + 1, total + 1):
            call = self._call(number, now)
            members = [course.members[at] for at in course.strategy.select(number, len(course.members), self._seen)]
            board.open(number, self._done, members)
            answers, ages = await self._gather(call, members, board)
            if not answers:
                status = self._wish()
                break
            now, gathered = await in_thread(lambda: _step(call, answers, ages, len(course.members)), "round")  # noqa: B023
            answers = board.counted(answers, gathered)
            kept = asyncio.create_task(in_thread(lambda: _keep(self._base.home, now), "round"))  # noqa: B023
            test = (split.test_x, split.test_y)
            row, told = await in_thread(lambda: _judged(call, answers, gathered, now, test), "judge")  # noqa: B023
            await self._commit(row, answers, await kept)
            board.finished(row, told, self._base.clock.now_us() / 1e6)
            if settled([one.accuracy for one in self._done], course.spec):
                break
            if self._reins.wish and number < total:
                status = self._wish()
                break
        await self._put(replace(self._session, status=status, reason=""))
        return {**self._result(status), **board.last()}

    def _wish(self) -> str:
        return sessions.PAUSED if self._reins.wish == "pause" else sessions.STOPPED

    async def _begin(self) -> Global:
        """Return the state to go on from: that of the last committed round, or the first."""
        strategy, session = self._course.strategy, self._session
        stored = await self._base.store.read(lambda conn: _past(conn, session.id))
        self._done = [_round_of(row) for row in stored[0]]
        places = {member.id: member.client for member in self._course.members}
        for row in stored[1]:
            self._spent.add(row["model_update"].get("digest") or "")
            if row["status"] in federation.REJECTED:
                self._refused[row["node_id"]] = self._refused.get(row["node_id"], 0) + 1
            if row["status"] == "done" and row["node_id"] in places:
                self._learn(places[row["node_id"]], row["metrics"])
        self._spent.discard("")
        if session.checkpoint:
            return sessions.unpack(
                await in_thread(lambda: artifacts.load(self._base.home, session.checkpoint["state"]), "checkpoint")
            )
        return strategy.begin(nets.initial(strategy.base.model, strategy.base.seed))

    def _learn(self, client: int, metrics: dict[str, Any]) -> None:
        if metrics.get("loss") is not None:
            self._seen.learn(np.array([client]), np.array([metrics["loss"]]), np.array([metrics["examples"]]))
        self._seen.round_s[client] = metrics.get("time_s") or 0.0

    def _call(self, number: int, now: Global) -> RoundCall:
        spec, clock = self._course.spec, self._base.clock
        return RoundCall(
            f"{self._session.id}-{number}", number, now, self._course.strategy, deadline_s=spec["deadline_s"],
            quorum_ratio=spec["quorum_ratio"], clock_s=clock.monotonic_s, spent=frozenset(self._spent),
        )  # fmt: skip

    async def _gather(self, call: RoundCall, members: Sequence[Member], board: "Board") -> tuple[Answers, list[int]]:
        """Return answers enough to close the round; wait for those who are missing, and say so. Empty: a person ended it."""
        ends_s = self._base.clock.monotonic_s() + float(self._course.spec["patience_s"])
        sound: Answers = []
        pause_s = _AGAIN_S
        left, age = list(members), dict[int, int]()
        while True:
            if self._flight is not None:
                answers, old = await self._flight.hold(call, left, board.heard)
                came = [part.client for part, update in answers if update is not None]
                age |= dict(zip(came, old, strict=True))
            else:
                answers = await federation.hold(call, left, board.heard)
            merged = sorted((*sound, *answers), key=lambda one: one[0].client)
            short = federation.shortage(call, merged, len(members))
            if short is None:
                return merged, [age[part.client] for part, update in merged if update is not None and age]
            if self._base.clock.monotonic_s() >= ends_s:
                raise short
            sound = [one for one in answers if one[1] is not None] + sound
            have = {part.client for part, _ in sound}
            left = [member for member in members if member.client not in have]
            if await self._wait(short, board, pause_s):
                return [], []
            pause_s = min(2 * pause_s, _AGAIN_MOST_S)

    async def _wait(self, short: Offline, board: "Board", pause_s: float) -> bool:
        """Say why the round waits and let some time pass; tell whether a person wants it to end."""
        board.waits(str(short))
        await self._put(replace(self._session, status=sessions.WAITING, reason=str(short)))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._reins.pulled.wait()
        board.waits("")
        return bool(self._reins.wish)

    async def _commit(self, row: Round, answers: Answers, checkpoint: Mapping[str, str]) -> None:
        course, clock = self._course, self._base.clock
        session = self._session.after(row, checkpoint)
        now_us = clock.now_us()
        ids = {member.client: member.id for member in course.members}
        parts = [sessions.part_row(session.id, row.round, ids[part.client], part, now_us) for part, _ in answers]
        details: dict[str, Any] = {
            "cpu_s": row.cpu_s,
            "bytes": row.bytes,
            "time_s": row.time_s,
            "model": checkpoint["model"],
            "drift": row.drift,
        }
        details["parts"] = [one.to_json() for one in row.parts]
        kept = {
            "id": new_id(), "run_id": session.id, "round": row.round,
            "accuracy": row.accuracy, "loss": row.loss, "details": details,
        }  # fmt: skip
        stamp = {"actor": course.actor, "cause": course.cause, "now_us": now_us}
        await self._base.store.write(lambda conn: sessions.commit(conn, session, kept, parts, stamp))
        self._session = session
        self._keep(session)
        self._done.append(row)
        for part, update in answers:
            if update is not None:
                self._spent |= {part.digest} - {""}
                self._learn(part.client, part.to_json())
        self._base.bus.publish(
            RoundFinished(
                at_us=now_us, actor=course.actor, cause=course.cause,
                run_id=session.id, round=row.round, accuracy=row.accuracy, loss=row.loss,
            )
        )  # fmt: skip

    async def _put(self, session: Session) -> None:
        course, now_us = self._course, self._base.clock.now_us()
        await self._base.store.write(
            lambda conn: rows.put(conn, sessions.SESSIONS, session.row(), actor=course.actor, cause=course.cause, now_us=now_us)
        )
        self._session = session
        self._keep(session)

    def _result(self, status: str) -> dict[str, Any]:
        return {
            "run_id": self._session.id,
            "rounds": [row.to_json() for row in self._done],
            "final_accuracy": self._done[-1].accuracy if self._done else None,
            "nodes": [member.name for member in self._course.members],
            "architecture": self._course.strategy.base.model,
            "model": self._session.checkpoint.get("model", ""),
            "state": status,
        }


class Board:
    """What the eye sees of a running round: each node's state and why it waits, told anew at every change."""

    def __init__(self, course: Course, report: Report, refused: Mapping[str, int]) -> None:
        self._course, self._report = course, report
        self._rejected = {member.name: refused[member.id] for member in course.members if member.id in refused}
        self._number, self._waits, self._updates = 0, "", dict[str, Any]()
        self._nodes: dict[str, dict[str, Any]] = {}
        self._last: dict[str, Any] = {"accuracy": None, "loss": None}

    def open(self, number: int, done: Sequence[Round], asked: Sequence[Member]) -> None:
        """Show that round `number` has begun and who is asked in it."""
        self._number = number
        self._nodes = {member.name: {"state": "waiting"} for member in asked}
        if done:
            self._last = {"accuracy": done[-1].accuracy, "loss": done[-1].loss}
        self._tell(number - 1)

    def heard(self, one: Part) -> None:
        """Show a node's part, and count what had to be refused."""
        if one.state in federation.REJECTED:
            self._rejected[one.name] = self._rejected.get(one.name, 0) + 1
        self._nodes[one.name] = {
            "state": one.state, "examples": one.examples, "loss": one.loss, "reason": one.reason, "norm": one.norm,
            "time_s": one.time_s, "rejected": self._rejected.get(one.name, 0),
        }  # fmt: skip
        self._tell(self._number - 1)

    def counted(self, answers: Answers, gathered: Gathered) -> Answers:
        """Show whose claim of examples was not believed, and return the answers with that named."""
        told = federation.counted(answers, gathered.weights.tolist())
        for (before, _), (part, _) in zip(answers, told, strict=True):
            if part is not before:
                self.heard(part)
        return told

    def waits(self, reason: str) -> None:
        """Show why the round waits; empty when it goes on."""
        self._waits = reason
        self._tell(self._number - 1)

    def finished(self, row: Round, updates: dict[str, Any], at_s: float) -> None:
        """Show the round's end, and its point on the curves."""
        names = [member.name for member in self._course.members]
        self._updates = {**updates, **{key: [names[at] for at in updates[key]] for key in ("clients", "outliers")}}
        self._last = {"accuracy": row.accuracy, "loss": row.loss, "bytes": row.bytes, "time_s": row.time_s}
        curves = {"accuracy_ratio": row.accuracy, "loss": row.loss, "drift_ratio": updates["drift"], "round_bytes": row.bytes}
        self._tell(self._number, {metric: [(at_s, value)] for metric, value in curves.items()})

    def last(self) -> dict[str, Any]:
        """Return what the last round looked like: each node's part, and the updates."""
        return {"parts": dict(self._nodes), "updates": self._updates}

    def _tell(self, done: int, samples: dict[str, list[tuple[float, float]]] | None = None) -> None:
        missing = [name for name, node in self._nodes.items() if node["state"] == "waiting"]
        partial = {
            "run_id": self._course.session.id, "round": done, **self._last, "nodes": dict(self._nodes),
            "waits": self._waits or (tr("Waiting for {names}", names=", ".join(missing)) if missing else ""),
            "updates": self._updates,
        }  # fmt: skip
        self._report(done, int(self._course.spec["rounds"]), "rounds", partial=partial, samples=samples)


def _step(call: RoundCall, answers: Answers, ages: Sequence[int], everybody: int) -> tuple[Global, Gathered]:
    """Make the next state of a round's updates; runs beside the loop."""
    gathered = call.strategy.gather([update for _, update in answers if update is not None], ages)
    return call.strategy.step(call.now, gathered, everybody), gathered


def _keep(home: Path, now: Global) -> dict[str, str]:
    """Write the state between rounds and return where it is: a file, and another where the algorithm keeps more."""
    model = artifacts.keep(home, _packed(now))
    return {"model": model, "state": artifacts.keep(home, sessions.pack(now)) if now.rows else model}


def _judged(
    call: RoundCall, answers: Answers, gathered: Gathered, now: Global, test: tuple[Any, Any]
) -> tuple[Round, dict[str, Any]]:
    """Return a round's record, judged on the test set, and what its updates tell; runs beside the loop."""
    began_s = time.thread_time()
    accuracy, loss = nets.evaluate(call.strategy.base.model, now.params, *test)
    parts = tuple(part for part, _ in answers)
    cpu_s = sum(one.cpu_s for one in parts) + time.thread_time() - began_s
    reached = sum(part.state != "offline" for part in parts)
    down = sum(value.nbytes for value in call.strategy.sent(call.now).values()) * reached
    took_s = max((one.time_s or 0.0 for one in parts), default=0.0)
    clients = np.array([part.client for part, update in answers if update is not None])
    told = shown(clients, gathered.updates, gathered.weights)
    moved = down + sum(one.bytes for one in parts)
    return Round(call.number, accuracy, loss, cpu_s, moved, took_s, parts, told["drift"]), told


def _packed(now: Global) -> bytes:
    from app.wire import tensors

    return tensors.pack(now.params, {})


def _past(conn: rows.Conn, session_id: str) -> tuple[list[rows.Row], list[rows.Row]]:
    rounds = rows.select(conn, sessions.ROUNDS, where={"run_id": session_id}, order="round")
    return rounds, rows.select(conn, sessions.UPDATES, where={"session_id": session_id}, order="round_number")


def _round_of(row: rows.Row) -> Round:
    told = row["details"]
    moved, took_s, drift = told.get("bytes", 0), told.get("time_s"), told.get("drift")
    return Round(row["round"], row["accuracy"], row["loss"], told["cpu_s"], moved, took_s, drift=drift)
