"""A model version onto nodes: upload, prepare, activate, commit, and back again on any failure before the commit.

The states are those of the field's device deployments (Mender, hawkBit): queued, downloading, verifying, activated,
succeeded, rolled_back, failed, and rollback_failed, which means that a person must go there; `skipped` is a node that was
not reachable when it began.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Report
from app.engine.base.errors import Conflict, Missing, OutpostError
from app.engine.fleet.health import Health
from app.engine.fleet.records import Node
from app.engine.fleet.service import FleetService
from app.engine.jobs.service import Jobs
from app.engine.link.client import NodeClient
from app.engine.link.service import Link
from app.engine.link.transfer import send
from app.engine.models.records import ModelVersion
from app.engine.models.service import ModelsService

_AT_ONCE: Final = 8
_KNOCK_S: Final = 3.0
_STEPS: Final = 4.0
_SEED: Final = 1


@dataclass(frozen=True)
class Parts:
    """The services a model passes through on its way to a node."""

    jobs: Jobs
    link: Link
    models: ModelsService
    fleet: FleetService


@dataclass
class _Trip:
    """One node's way: its state, how far the four steps are, and what went wrong."""

    node: Node
    state: str = "queued"
    done: float = 0.0
    error: str = ""

    def document(self) -> dict[str, Any]:
        return {"id": self.node.id, "name": self.node.name, "state": self.state, "error": self.error}


async def activate(
    parts: Parts, key: str, nodes: str, *, downgrade: bool = False, actor: str, cause: str = ""
) -> dict[str, Any]:
    """Bring the model version called `key` to `nodes` ("all", or names) as one job; return each node's outcome.

    Each node stands for itself: one that fails is rolled back and told so, the others go on. Without `downgrade` a node that
    has a later version refuses. Raises `Missing` when there is no such model or no node.
    """
    model = parts.models.find(key)
    sealed = await parts.models.seal(model, await parts.link.identity(), downgrade=downgrade)
    chosen = parts.fleet.select(nodes)
    if not chosen:
        raise Missing("There is no node to bring {model} to", model=model.title, hint="Start some: outpost fleet demo")
    trips = [_Trip(node) for node in chosen]

    async def work(report: Report) -> dict[str, Any]:
        deployment = await parts.fleet.deployments.begin(
            model.id, model.title, [node.id for node in chosen], actor=actor, cause=cause
        )
        gate = asyncio.Semaphore(_AT_ONCE)

        def tell() -> None:
            states = {trip.node.name: trip.state for trip in trips}
            report(sum(trip.done for trip in trips) / _STEPS, float(len(trips)), "nodes", {"nodes": states})

        async def one(trip: _Trip) -> None:
            async with gate:
                await _bring(parts, model, sealed, trip, tell)
                if trip.state == "succeeded":
                    parts.fleet.activated(trip.node.id, model.id, model.name, version=model.version, actor=actor, cause=cause)

        await asyncio.gather(*(one(trip) for trip in trips))
        good = all(trip.state == "succeeded" for trip in trips)
        outcome = {trip.node.id: trip.document() for trip in trips}
        await parts.fleet.deployments.end(deployment, "finished" if good else "error", outcome, actor=actor, cause=cause)
        if any(trip.state == "succeeded" for trip in trips):
            await parts.models.make_active(model, actor=actor, cause=cause)
        return {"model": model.title, "deployment": deployment, "nodes": [trip.document() for trip in trips]}

    return await parts.jobs.run_local("fleet", work, title=f"Activate {model.title}", actor=actor, cause=cause)


async def _bring(parts: Parts, model: ModelVersion, sealed: dict[str, Any], trip: _Trip, tell: Callable[[], None]) -> None:
    """Take one node through the steps; on a failure before the commit, roll it back."""
    node = parts.fleet.records.get(trip.node.id)
    if node is None or (node.state is Health.OFFLINE and not await _answers(parts.link.client(node.id))):
        trip.state, trip.error, trip.done = "skipped", "", _STEPS
        tell()
        return
    client, prepared = parts.link.client(node.id), False

    def step(state: str, done: float) -> None:
        trip.state, trip.done = state, done
        tell()

    try:
        step("downloading", 0.0)
        await send(
            client, parts.models.parcel(model, sealed), delta_from=parts.models.deltas(model),
            pace=parts.fleet.budgets.for_node(node),
            progress=lambda have, size: step("downloading", have / max(size, 1)),
        )  # fmt: skip
        step("verifying", 1.0)
        prepared = True
        await client.prepare(model.name, sealed)
        step("installing", 2.0)
        await client.activate(model.name, model.version)
        step("activated", 3.0)
        await client.commit(model.name)
        step("succeeded", _STEPS)
    except OutpostError as error:
        trip.error = str(error)
        step(await _go_back(client, model) if prepared else "failed", _STEPS)


async def _answers(client: NodeClient) -> bool:
    """Tell whether a node answers after all: one held to be away may not have been asked since this engine began."""
    with contextlib.suppress(OutpostError, TimeoutError):
        async with asyncio.timeout(_KNOCK_S):
            await client.status()
            return True
    return False


async def _go_back(client: NodeClient, model: ModelVersion) -> str:
    """Put the node back to what it had; return the state it is left in."""
    try:
        await client.rollback(model.name)
    except (Conflict, Missing):
        return "failed"  # Nothing of the new model had been kept.
    except OutpostError:
        return "rollback_failed"
    return "rolled_back"


async def check_predictions(
    parts: Parts, key: str, inputs: Sequence[Sequence[float]], *, nodes: str = "all", actor: str, cause: str = ""
) -> dict[str, Any]:
    """Compare each node's answers of the model called `key` with the engine's own, for the rows `inputs`.

    Returns {"rows", "nodes": [{"id", "name", "version", "agreement_ratio", "largest_difference", "error"}]}; the
    agreement is of the highest output's place, the difference absolute, over all outputs.
    """
    model = parts.models.find(key)
    x = np.asarray(inputs, np.float32)
    own = np.asarray(await parts.models.predict(model, x.tolist(), actor=actor, cause=cause), np.float32)
    chosen = parts.fleet.select(nodes)
    told = await asyncio.gather(*(_compare(parts, node, model, x, own) for node in chosen))
    return {"model": model.title, "rows": len(x), "nodes": list(told)}


async def _compare(
    parts: Parts, node: Node, model: ModelVersion, x: NDArray[np.float32], own: NDArray[np.float32]
) -> dict[str, Any]:
    about = {"id": node.id, "name": node.name}
    try:
        y = await parts.link.client(node.id).infer(model.name, x)
    except OutpostError as error:
        return {**about, "agreement_ratio": 0.0, "largest_difference": None, "error": str(error)}
    if y.shape != own.shape:
        return {**about, "agreement_ratio": 0.0, "largest_difference": None, "error": "the shapes differ"}
    agreement = float(np.mean(np.argmax(y, axis=1) == np.argmax(own, axis=1)))
    return {**about, "agreement_ratio": agreement, "largest_difference": float(np.max(np.abs(y - own))), "error": ""}


def rows_for(model: ModelVersion, count: int, seed: int = _SEED) -> list[list[float]]:
    """Return `count` rows that `model` takes: test images for a model of the digits, else even draws from 0 to 1."""
    inputs = model.inputs.get("inputs") or []
    width = int(inputs[0]["shape"][1]) if inputs else 0
    if (model.lineage.get("spec") or {}).get("data") == "digits" and width == 64:
        from app.engine.learning.data import load_digits

        images = load_digits().test_x
        return [list(map(float, images[index % len(images)])) for index in range(count)]
    draw = np.random.default_rng(np.random.SeedSequence(seed))
    return [list(map(float, row)) for row in draw.random((count, width), dtype=np.float32)]
