"""The verbs of learning: share out data, train over live nodes, simulate, look back, export."""

import asyncio
import base64
import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from app.engine.base.contracts import Report
from app.engine.base.errors import BadInput, Conflict, Missing
from app.engine.base.events import RoundFinished
from app.engine.base.ids import content_id, new_id
from app.engine.base.records import Records
from app.engine.jobs.base import Base
from app.engine.jobs.runs import Run, RunBook
from app.engine.learning import federation, mlp
from app.engine.learning.data import Split, load_digits
from app.engine.learning.partition import ALPHA, part
from app.engine.learning.records import LocalSpec, Part, Round
from app.engine.learning.strategy import Global, Strategy
from app.engine.store import artifacts, rows
from app.wire import tensors

KIND: Final = "learning"
EPOCHS: Final = 5
LEARNING_RATE: Final = 0.1
DEADLINE_S: Final = 30.0
QUORUM_RATIO: Final = 0.5
SHARD_FILE: Final = "data/digits.safetensors"
_RUNS, _ROUNDS = "learning_runs", "learning_rounds"
_LIVE, _SIMULATED = "live nodes", "simulation"


class Links(Protocol):
    """What learning needs of the link."""

    def client(self, node_id: str) -> federation.TrainClient:
        """Return the client of a node."""


@dataclass(frozen=True)
class Course:
    """One live run as it is held: its id, its rules, its members and how patient it is."""

    id: str
    strategy: Strategy
    members: tuple[federation.Member, ...]
    rounds: int
    deadline_s: float
    quorum_ratio: float
    actor: str
    cause: str


class LearningService:
    """Federated learning over the nodes of the fleet, and simulations of it; `records` are the runs, newest last."""

    def __init__(self, base: Base, link: Links) -> None:
        self._base, self._link = base, link
        self._book = RunBook(base, _RUNS)

    @property
    def records(self) -> Records[Run]:
        """Return the runs kept in the store."""
        return self._book.records

    async def start(self) -> None:
        """Load the runs of earlier days."""
        await self._book.load()

    async def stop(self) -> None:
        """Nothing of ours runs on: jobs end with the jobs service."""

    def shard_files(self, count: int, seed: int) -> list[dict[str, bytes]]:
        """Return, for each of `count` nodes, the files of its own data: a skewed part of the digits to train with."""
        split = load_digits()
        parts = part("dirichlet", split.train_y, count, seed, ALPHA)
        meta = {"name": "digits", "licence": "CC BY 4.0", "source": "https://doi.org/10.24432/C50P49"}
        return [{SHARD_FILE: tensors.pack({"x": split.train_x[own], "y": split.train_y[own]}, meta)} for own in parts]

    async def simulate(
        self, *, clients: int = 100, rounds: int = 20, seed: int = 0, actor: str, cause: str = "", **asked: Any
    ) -> dict[str, Any]:
        """Simulate a federation in a worker, `asked` as `work.plan_of` says.

        The result holds run_id, rounds, final_accuracy, clients, spread, served and model.
        """
        spec = {"clients": clients, "rounds": rounds, "model": mlp.DIGITS_MODEL, **asked}
        run_id = new_id()
        result = await self._book.execute(
            KIND, "app.engine.learning.work:simulate", spec, title=f"Simulate {clients} clients", source=_SIMULATED,
            seed=seed, actor=actor, cause=cause, keep=_kept, run_id=run_id,
        )  # fmt: skip
        await asyncio.to_thread(artifacts.keep, self._base.home, base64.b64decode(result["params"]))
        return {"run_id": run_id, **_kept(result)}

    async def train(
        self, nodes: Sequence[tuple[str, str]], *, rounds: int = 15, seed: int = 0, epochs: int = EPOCHS, batch: int = 16,
        learning_rate: float = LEARNING_RATE, deadline_s: float = DEADLINE_S, quorum_ratio: float = QUORUM_RATIO,
        actor: str, cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Train the digits over live `nodes` (id, name); every finished round is stored before the next begins.

        The result holds run_id, rounds [{round, accuracy, loss, cpu_s}], final_accuracy, nodes, architecture and model
        (the artifact of the parameters). Raises `Conflict` without nodes, `Offline` when too few answer a round.
        """
        if not nodes:
            raise Conflict("There are no nodes to train on", field="nodes", hint="Start some: outpost fleet demo")
        spec = LocalSpec.from_json({"epochs": epochs, "batch": batch, "learning_rate": learning_rate, "seed": seed})
        members = tuple(
            federation.Member(place, node_id, name, self._link.client(node_id))
            for place, (node_id, name) in enumerate(sorted(set(nodes), key=lambda node: (node[1], node[0])))
        )
        course = Course(
            new_id(),
            Strategy(spec),
            members,
            rounds,
            deadline_s=deadline_s,
            quorum_ratio=quorum_ratio,
            actor=actor,
            cause=cause,
        )
        told = {**spec.to_json(), "rounds": rounds, "nodes": [member.name for member in members], "quorum_ratio": quorum_ratio}
        return await self._book.execute_local(
            KIND, lambda report: self._hold(course, report), told, title=f"Train on {len(members)} nodes", source=_LIVE,
            seed=seed, actor=actor, cause=cause, run_id=course.id,
        )  # fmt: skip

    async def _hold(self, course: Course, report: Report) -> dict[str, Any]:
        split = await asyncio.to_thread(load_digits)
        now = course.strategy.begin(mlp.initial(course.strategy.base.model, course.strategy.base.seed))
        done: list[Round] = []
        artifact = ""
        for number in range(1, course.rounds + 1):
            board = _Board(course, done, number, report)
            call = federation.RoundCall(
                new_id(), number, now, course.strategy, deadline_s=course.deadline_s, quorum_ratio=course.quorum_ratio
            )
            answers = await federation.hold(call, course.members, board.heard)
            now, row = await asyncio.to_thread(_close, call, answers, split)
            artifact = await asyncio.to_thread(artifacts.keep, self._base.home, tensors.pack(now.params, {}))
            await self._store_round(course, call.id, row, artifact)
            done.append(row)
            board.finished(row, self._base.clock.now_us() / 1e6)
        return {
            "run_id": course.id,
            "rounds": [row.to_json() for row in done],
            "final_accuracy": done[-1].accuracy,
            "nodes": [member.name for member in course.members],
            "architecture": course.strategy.base.model,
            "model": artifact,
        }

    async def _store_round(self, course: Course, round_id: str, row: Round, artifact: str) -> None:
        now_us = self._base.clock.now_us()
        details = {"cpu_s": row.cpu_s, "model": artifact, "parts": [one.to_json() for one in row.parts]}
        stored = {
            "id": round_id, "run_id": course.id, "round": row.round,
            "accuracy": row.accuracy, "loss": row.loss, "details": details,
        }  # fmt: skip
        await self._base.store.write(
            lambda conn: rows.put(conn, _ROUNDS, stored, actor=course.actor, cause=course.cause, now_us=now_us)
        )
        self._base.bus.publish(
            RoundFinished(
                at_us=now_us, actor=course.actor, cause=course.cause,
                run_id=course.id, round=row.round, accuracy=row.accuracy, loss=row.loss,
            )
        )  # fmt: skip

    # Looking back.

    def find(self, key: str) -> Run:
        """Return the run with the id `key`, or the newest for "latest"; raise `Missing`."""
        if key in self.records:
            return self.records.need(key)
        newest = list(self.records)[-1:]
        if key != "latest" or not newest:
            raise Missing("There is no training run {key}", key=key, field="run", hint="See: outpost learning runs")
        return newest[0]

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs for a table, newest first."""
        return [_line(run) for run in reversed(list(self.records))]

    async def show(self, key: str) -> dict[str, Any]:
        """Return one run with its rounds; live ones with every node's part, the model of each round included."""
        run = self.find(key)
        if run.source != _LIVE:
            return {**_line(run), "spec": run.spec, "rounds": (run.result or {}).get("rounds", [])}
        stored = await self._base.store.read(lambda conn: rows.select(conn, _ROUNDS, where={"run_id": run.id}, order="round"))
        told = [{**row["details"], **{key: row[key] for key in ("round", "accuracy", "loss")}} for row in stored]
        last = told[-1]["accuracy"] if told else None
        return {**_line(run), "final_accuracy": last, "spec": run.spec, "rounds": told}

    async def export(self, key: str, *, name: str = "digits", actor: str, cause: str = "") -> dict[str, Any]:
        """Write the newest model of a run as ONNX in a worker.

        Returns {onnx: bytes, metrics, lineage, self_test, name}; raises `Conflict` when no round was finished.
        """
        shown = await self.show(key)
        artifact = await self._model_of(shown)
        path = artifacts.path_of(self._base.home, artifact)
        spec = {"params": str(path), "model": shown["spec"].get("model", mlp.DIGITS_MODEL), "name": name}
        told = await self._base.jobs.run(
            KIND, "app.engine.learning.work:export", spec,
            title=f"Export model {name}", actor=actor, cause=cause, transient=True,
        )  # fmt: skip
        lineage = {
            "kind": "federated" if shown["source"] == _LIVE else "simulated",
            "run_id": shown["id"],
            "rounds": len(shown["rounds"]),
            "params": artifact,
            "spec": shown["spec"],
        }
        return {**told, "onnx": base64.b64decode(told["onnx"]), "lineage": lineage, "name": name}

    async def _model_of(self, shown: Mapping[str, Any]) -> str:
        rounds = shown["rounds"]
        if not rounds:
            raise Conflict("The run {title} has finished no round", title=shown["title"], field="run")
        found = rounds[-1].get("model") or (self.records.need(shown["id"]).result or {}).get("model", "")
        if not found:
            raise BadInput("The run {title} kept no model", title=shown["title"], field="run")
        return str(found)


class _Board:
    """What the eye sees of a running round: each node's state, told anew at every change."""

    def __init__(self, course: Course, done: Sequence[Round], number: int, report: Report) -> None:
        self._course, self._number, self._report = course, number, report
        self._nodes: dict[str, dict[str, Any]] = {member.name: {"state": "waiting"} for member in course.members}
        self._last = {"accuracy": done[-1].accuracy, "loss": done[-1].loss} if done else {"accuracy": None, "loss": None}
        self._tell(number - 1)

    def heard(self, one: Part) -> None:
        """Show a node's part."""
        self._nodes[one.name] = {"state": one.state, "examples": one.examples, "loss": one.loss, "reason": one.reason}
        self._tell(self._number - 1)

    def finished(self, row: Round, at_s: float) -> None:
        """Show the round's end, and its point on the curves."""
        self._last = {"accuracy": row.accuracy, "loss": row.loss}
        self._tell(self._number, {"accuracy_ratio": [(at_s, row.accuracy)], "loss": [(at_s, row.loss)]})

    def _tell(self, done: int, samples: dict[str, list[tuple[float, float]]] | None = None) -> None:
        partial = {"run_id": self._course.id, "round": done, **self._last, "nodes": dict(self._nodes)}
        self._report(done, self._course.rounds, "rounds", partial=partial, samples=samples)


def _close(call: federation.RoundCall, answers: federation.Answers, split: Split) -> tuple[Global, Round]:
    """Make the next model of a round's updates and judge it on the test set; runs beside the loop."""
    began_s = time.thread_time()
    updates = [update for _, update in answers if update is not None]
    now = call.strategy.step(call.now, call.strategy.gather(updates), len(answers))
    accuracy, loss = mlp.evaluate(now.params, split.test_x, split.test_y)
    parts = tuple(part for part, _ in answers)
    cpu_s = sum(one.cpu_s for one in parts) + time.thread_time() - began_s
    return now, Round(call.number, accuracy, loss, cpu_s, parts=parts)


def _kept(result: dict[str, Any]) -> dict[str, Any]:
    """Return a simulation's result with the parameters' content id in their place."""
    short = {key: value for key, value in result.items() if key not in ("params", "model")}
    return {**short, "architecture": result["model"], "model": content_id(base64.b64decode(result["params"]))}


def _line(run: Run) -> dict[str, Any]:
    result = run.result or {}
    row = dataclasses.asdict(run)
    kept = {key: row[key] for key in ("id", "title", "source", "state", "created_us", "job_id")}
    return {**kept, "rounds": len(result.get("rounds", [])), "final_accuracy": result.get("final_accuracy")}
