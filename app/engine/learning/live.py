"""The loop of a training session over nodes: rounds that are committed one by one, pauses, waits that say why, and resumption.

A round is asked under an id made of the session's and its number, so that after a crash the nodes give what they had made
of it; and it is committed in one transaction with the checkpoint after it (`sessions.commit`).
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.engine.base.contracts import Report
from app.engine.base.errors import Conflict, Offline
from app.engine.base.events import RoundFinished
from app.engine.base.ids import new_id
from app.engine.jobs.base import Base
from app.engine.learning import federation, nets, sessions
from app.engine.learning.board import Board
from app.engine.learning.course import Course, Reins
from app.engine.learning.datasets import load
from app.engine.learning.drill import Edge
from app.engine.learning.federation import Answers, Member, RoundCall
from app.engine.learning.insight import shown
from app.engine.learning.nets import Array
from app.engine.learning.records import Part, Round
from app.engine.learning.selection import Seen
from app.engine.learning.sessions import Session
from app.engine.learning.strategy import Gathered, Global
from app.engine.learning.work import settled
from app.engine.store import artifacts, rows
from app.engine.store.threads import in_thread
from app.wire import tensors

_AGAIN_S: Final = 2.0
_AGAIN_MOST_S: Final = 15.0
_ROOM_BYTES: Final = 128 << 20


class Live:
    """One session under way; `hold` runs it to its end, a pause or a stop."""

    def __init__(self, base: Base, course: Course, reins: Reins, keep: Callable[[Session], None]) -> None:
        self._base, self._course, self._reins, self._keep = base, course, reins, keep
        self._session = course.session
        self._done: list[Round] = []
        self._refused: dict[str, int] = {}
        self._rejected: dict[tuple[int, str], Part] = {}  # of the round under way, by node and reason
        self._unwritten: list[Part] = []
        self._seen = Seen.nothing(len(course.members))
        self._room: Array | None = None  # of the updates of the last round: fresh memory costs more than the copy into it
        self._spent: set[str] = set()
        self._last: dict[int, int] = {}  # by client, the round in which an update of it counted
        self._edge = Edge(lambda: reins.drill)
        self._flight = federation.Flight() if course.strategy.base.algorithm == "fedbuff" else None

    async def hold(self, report: Report) -> dict[str, Any]:
        """Run the session and return its result; raises `Offline` when a round waited too long for its quorum.

        Raises `Conflict` when a round makes a model that is not finite, or when too many nodes send no sense: that round is
        not committed.
        """
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
            self._course.versions.let_go()
            if self._flight is not None:
                await self._flight.close()

    async def _hold(self, report: Report) -> dict[str, Any]:
        course, total = self._course, int(self._course.spec["rounds"])
        split = await in_thread(lambda: load(str(course.spec.get("dataset", ""))), "learning-data")
        now, test = await self._begin(), course.test(split.test_x, split.test_y)
        board = Board(self._session.id, [member.name for member in course.members], total, report)
        course.versions.make(range(1, self._session.round + 1))
        status = sessions.DONE
        while self._session.round < total and not self._settled():
            after = None if self._reins.wish else await self._turn(now, board, test)
            if after is None:
                status = sessions.PAUSED if self._reins.wish == "pause" else sessions.STOPPED
                break
            now = after
        status, version = await self._close(status, board)
        await self._put(replace(self._session, status=status, reason=""))
        return {**self._result(status), **board.last(), **({"version": version} if version else {})}

    async def _close(self, status: str, board: Board) -> tuple[str, dict[str, Any] | None]:
        """Return how the session ends, and the newest version; it waits for none where it is paused or stopped."""
        versions, reins = self._course.versions, self._reins
        if status != sessions.DONE:
            return status, versions.so_far()
        if versions.wanted:
            board.closing(self._done)
        making = asyncio.create_task(versions.close(self._session.round))
        pulled = asyncio.create_task(reins.pulled.wait())
        try:
            await asyncio.wait((making, pulled), return_when=asyncio.FIRST_COMPLETED)
            if making.done() or not reins.wish:
                return status, await making
            return sessions.PAUSED if reins.wish == "pause" else sessions.STOPPED, versions.so_far()
        finally:
            for task in (making, pulled):
                task.cancel()
            await asyncio.gather(making, pulled, return_exceptions=True)

    def _settled(self) -> bool:
        """Tell whether the session has come to its end before its last round; it may have before it could say so."""
        return bool(self._done) and settled([one.accuracy for one in self._done], self._course.spec)

    async def _turn(self, now: Global, board: Board, test: tuple[Any, Any]) -> Global | None:
        """Hold the next round and commit it; return the state after it, or None when a person ended it while it waited."""
        course, number = self._course, self._session.round + 1
        call = self._call(number, now)
        members = [course.members[at] for at in course.strategy.select(number, len(course.members), self._seen)]
        board.open(number, self._done, [member.name for member in members])
        began_s = self._base.clock.monotonic_s()
        answers, ages = await self._gather(call, members, board)
        took_s = self._base.clock.monotonic_s() - began_s
        if not answers:
            return None
        try:
            after, gathered = await in_thread(lambda: _step(call, answers, ages, len(course.members), self._room), "round")
            self._room = gathered.updates if gathered.updates.nbytes <= _ROOM_BYTES else None
            answers = self._counted(answers, gathered, board)
            kept, (row, told) = await asyncio.gather(
                in_thread(lambda: _keep(self._base.home, after), "round"),
                in_thread(lambda: _judged(call, answers, gathered, after, test), "judge"),
            )
        except Conflict as error:
            raise _uncommitted(number, answers, error) from error
        row = replace(row, time_s=took_s)
        await self._commit(row, answers, kept)
        board.drills(self._reins.drill)
        course.versions.make([number])
        board.finished(row, told, self._base.clock.now_us() / 1e6)
        return after

    async def _begin(self) -> Global:
        """Return the state to go on from: that of the last committed round, or the first."""
        strategy, session = self._course.strategy, self._session
        stored = await self._base.store.read(lambda conn: _past(conn, session.id))
        self._done = [_round_of(row) for row in stored[0]]
        self._remember(stored[1])
        if session.checkpoint:
            return sessions.unpack(
                await in_thread(lambda: artifacts.load(self._base.home, session.checkpoint["state"]), "checkpoint")
            )
        base = strategy.base
        return await in_thread(lambda: strategy.begin(nets.initial(base.model, base.seed)), "first-model")

    def _remember(self, parts: Sequence[rows.Row]) -> None:
        """Know again what the nodes sent in earlier rounds, and what was rejected in the one that is open."""
        places = {member.id: member for member in self._course.members}
        for number, of_round in itertools.groupby(parts, key=lambda row: int(row["round_number"])):
            asked, came = set[int](), dict[int, dict[str, Any]]()
            for row in of_round:
                self._spent.add(row["model_update"].get("digest") or "")
                member = places.get(row["node_id"])
                if row["status"] in federation.REJECTED:
                    self._refused[row["node_id"]] = self._refused.get(row["node_id"], 0) + 1
                if member is None:
                    continue
                asked.add(member.client)
                if row["status"] == "done":
                    came[member.client] = row["metrics"]
                elif number > self._session.round:
                    again = Part(member.client, member.name, row["status"], reason=row["reason"])
                    self._rejected[member.client, row["reason"]] = again
            if number <= self._session.round:
                self._learn(number, asked, came)
        self._spent.discard("")

    def _learn(self, number: int, asked: Collection[int], came: Mapping[int, Mapping[str, Any]]) -> None:
        """Take from a round what selection goes by: of those who `came` what they told, of the others that they did not."""
        self._last |= dict.fromkeys(came, number)
        for client, metrics in came.items():
            if metrics.get("loss") is not None:
                self._seen.learn(np.array([client]), np.array([metrics["loss"]]), np.array([metrics["examples"]]))
            self._seen.round_s[client] = metrics.get("time_s") or 0.0
        everybody = np.array(sorted(asked), np.int64)
        self._seen.miss(
            everybody[[client not in came for client in everybody.tolist()]], float(self._course.spec["deadline_s"])
        )
        self._seen.forgive(everybody)

    def _call(self, number: int, now: Global) -> RoundCall:
        spec, clock = self._course.spec, self._base.clock
        return RoundCall(
            f"{self._session.id}-{number}", number, now, self._course.strategy, deadline_s=spec["deadline_s"],
            quorum_ratio=spec["quorum_ratio"], clock_s=clock.monotonic_s, spent=self._spent,
            counted=None if self._flight is not None else dict(self._last),
        )  # fmt: skip

    async def _gather(self, call: RoundCall, members: Sequence[Member], board: Board) -> tuple[Answers, list[int]]:
        """Return answers enough to close the round; wait for those who are missing, and say so. Empty: a person ended it.

        Where at the end of patience too many updates make no sense, that is what is said; a tuning does not wait so long.
        """
        ends_s = self._base.clock.monotonic_s() + float(self._course.spec["patience_s"])
        sound: Answers = []
        pause_s = _AGAIN_S
        left, age = list(members), dict[int, int]()

        def heard(part: Part) -> None:
            self._note(part)
            board.heard(part, self._refusals(part))

        while True:
            board.drills(self._reins.drill)
            asked, away = self._edge.lost(left, heard)
            if self._flight is not None:
                answers, old = await self._flight.hold(call, asked, heard)
                came = [part.client for part, update in answers if update is not None]
                age |= dict(zip(came, old, strict=True))
            else:
                answers = await federation.hold(call, asked, heard)
            merged = await self._edge.spoilt(call, sorted((*sound, *answers, *away), key=lambda one: one[0].client), heard)
            short = federation.shortage(call, merged, len(members))
            if short is None:
                return merged, [age[part.client] for part, update in merged if update is not None and age]
            error = federation.hopeless(call, merged, len(members))
            if (error and self._course.halved) or self._base.clock.monotonic_s() >= ends_s:
                raise error or short
            sound = [one for one in answers if one[1] is not None] + sound
            have = {part.client for part, _ in sound}
            left = [member for member in members if member.client not in have]
            if await self._wait(short, board, pause_s):
                return [], []
            pause_s = min(2 * pause_s, _AGAIN_MOST_S)

    def _refusals(self, part: Part) -> int:
        return self._refused.get(self._course.members[part.client].id, 0)

    def _counted(self, answers: Answers, gathered: Gathered, board: Board) -> Answers:
        """Show of whom less counts than was claimed, and return the answers with that named."""
        told = federation.counted(answers, gathered)
        for (before, _), (part, _) in zip(answers, told, strict=True):
            if part != before:
                board.heard(part, self._refusals(part))
        return told

    def _note(self, part: Part) -> None:
        """Count an update that was rejected; the same, asked for again in the same round, counts once."""
        key = (part.client, part.reason)
        if part.state not in federation.REJECTED or key in self._rejected:
            return
        self._rejected[key] = part
        self._unwritten.append(part)
        node = self._course.members[part.client].id
        self._refused[node] = self._refused.get(node, 0) + 1

    async def _wait(self, short: Offline, board: Board, pause_s: float) -> bool:
        """Say why the round waits and let some time pass; tell whether a person wants it to end."""
        board.waits(str(short))
        await self._put(replace(self._session, status=sessions.WAITING, reason=str(short)))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._reins.pulled.wait()
        board.waits("")
        if not self._reins.wish:
            self._reins.pulled.clear()
        return bool(self._reins.wish)

    async def _commit(self, row: Round, answers: Answers, checkpoint: Mapping[str, str]) -> None:
        course, clock, drill = self._course, self._base.clock, self._edge.drilled
        row = replace(row, drill=drill.to_json() if drill else None)
        first = self._session.checkpoint.get("drilled") or (row.round if drill else 0)
        session = self._session.after(row, {**checkpoint, **({"drilled": first} if first else {})})
        now_us = clock.now_us()
        noted = [part for part, _ in answers if part.state not in federation.REJECTED]
        rejected, unwritten = dict(self._rejected), len(self._unwritten)  # more may come in while this is written
        parts = [*self._rows(noted, row.round, now_us), *self._rows(self._unwritten, row.round, now_us)]
        details: dict[str, Any] = {
            "cpu_s": row.cpu_s,
            "bytes": row.bytes,
            "time_s": row.time_s,
            "model": checkpoint["model"],
            "drift": row.drift,
            "drill": row.drill,
            **({"state": checkpoint["state"]} if checkpoint["state"] != checkpoint["model"] else {}),
        }
        details["parts"] = [one.to_json() for one in row.parts]
        details["rejected"] = [{"name": one.name, "state": one.state, "reason": one.reason} for one in rejected.values()]
        kept = {
            "id": new_id(), "run_id": session.id, "round": row.round,
            "accuracy": row.accuracy, "loss": row.loss, "details": details,
        }  # fmt: skip
        stamp = {"actor": course.actor, "cause": course.cause, "now_us": now_us}
        await self._base.store.write(lambda conn: sessions.commit(conn, session, kept, parts, stamp))
        self._session = session
        self._keep(session)
        self._done.append(replace(row, parts=()))
        if drill is not None and self._reins.drill is drill:
            self._reins.drill = drill.after()
        self._rejected = {key: part for key, part in self._rejected.items() if key not in rejected}
        del self._unwritten[:unwritten]
        self._spent |= {part.digest for part, _ in answers} - {""}
        came = {part.client: part.to_json() for part, update in answers if update is not None}
        self._learn(row.round, {part.client for part, _ in answers}, came)
        self._base.bus.publish(
            RoundFinished(
                at_us=now_us, actor=course.actor, cause=course.cause,
                run_id=session.id, round=row.round, accuracy=row.accuracy, loss=row.loss,
            )
        )  # fmt: skip

    def _rows(self, parts: Sequence[Part], number: int, now_us: int) -> list[rows.Row]:
        ids = [member.id for member in self._course.members]
        return [sessions.part_row(self._session.id, number, ids[part.client], part, now_us) for part in parts]

    async def _put(self, session: Session) -> None:
        """Write how the session stands, and what was rejected in the round that is open."""
        course, now_us = self._course, self._base.clock.now_us()
        rejected = self._rows(self._unwritten, session.round + 1, now_us)
        stamp: dict[str, Any] = {"actor": course.actor, "cause": course.cause, "now_us": now_us}

        def write(conn: rows.Conn) -> None:
            rows.put(conn, sessions.SESSIONS, session.row(), **stamp)
            rows.put_new(conn, sessions.UPDATES, rejected, **stamp)

        await self._base.store.write(write)
        del self._unwritten[: len(rejected)]
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


def _step(
    call: RoundCall, answers: Answers, ages: Sequence[int], everybody: int, room: Array | None
) -> tuple[Global, Gathered]:  # fmt: skip
    """Make the next state of a round's updates; runs beside the loop."""
    gathered = call.strategy.gather([update for _, update in answers if update is not None], ages, room)
    return call.strategy.step(call.now, gathered, everybody), gathered


def _keep(home: Path, now: Global) -> dict[str, str]:
    """Write the state between rounds and return where it is: a file, and another where the algorithm keeps more."""
    model = artifacts.keep(home, tensors.pack(now.params, {}))
    return {"model": model, "state": artifacts.keep(home, sessions.pack(now)) if now.rows else model}


def _judged(
    call: RoundCall, answers: Answers, gathered: Gathered, now: Global, test: tuple[Any, Any]
) -> tuple[Round, dict[str, Any]]:
    """Return a round's record, judged on the test set, and what its updates tell; runs beside the loop."""
    began_s = time.thread_time()
    accuracy, loss = call.strategy.judged(now, *test)
    parts = tuple(part for part, _ in answers)
    reached = sum(part.state != "offline" for part in parts)
    down = sum(value.nbytes for value in call.strategy.sent(call.now).values()) * reached
    came = [part for part, update in answers if update is not None]
    norms = np.array([part.norm for part in came], np.float64)  # each was measured when it was accepted
    told = shown(np.array([part.client for part in came]), gathered.updates, gathered.weights, norms)
    cpu_s = sum(one.cpu_s for one in parts) + time.thread_time() - began_s
    moved = down + sum(one.bytes for one in parts)
    return Round(call.number, accuracy, loss, cpu_s, moved, parts=parts, drift=told["drift"]), told


def _uncommitted(number: int, answers: Answers, error: Conflict) -> Conflict:
    """Return why a round cannot be committed, and whose update may be at fault."""
    part = max((part for part, update in answers if update is not None), key=lambda one: one.norm or 0.0)
    return Conflict(
        "Round {round} was not committed: {reason}. The longest update, {norm}, is that of {name}",
        round=number, reason=error, norm=round(part.norm or 0.0, 4), name=part.name, hint=error.hint_source,
    )  # fmt: skip


def _past(conn: rows.Conn, session_id: str) -> tuple[list[rows.Row], list[rows.Row]]:
    rounds = rows.select(conn, sessions.ROUNDS, where={"run_id": session_id}, order="round")
    return rounds, rows.select(conn, sessions.UPDATES, where={"session_id": session_id}, order="round_number")


def _round_of(row: rows.Row) -> Round:
    told = row["details"]
    moved, took_s, drift = told.get("bytes", 0), told.get("time_s"), told.get("drift")
    return Round(row["round"], row["accuracy"], row["loss"], told["cpu_s"], moved, took_s, drift=drift, drill=told.get("drill"))
