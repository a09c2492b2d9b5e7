"""Traffic for the gates of a rollout: have nodes keep their requests, and a driver that plays rows to them again.

The rows a node keeps never leave it, so the driver brings its own: a file of recorded rows, else what the model is made for.
Played requests are real requests: they are answered, counted in the node's telemetry, and kept where recording is allowed.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.clock import Clock
from app.engine.base.contracts import Report
from app.engine.base.errors import BadInput, Missing, OutpostError
from app.engine.fleet.records import Node
from app.engine.flows.activate import Parts, rows_for
from app.engine.store.threads import in_thread

_AT_ONCE: Final = 64
_MOST_BYTES: Final = 256 << 20


async def record(parts: Parts, name: str, nodes: str, most_bytes: int) -> dict[str, Any]:
    """Have nodes keep up to `most_bytes` of the newest requests to the model `name` (0: none); return each one's answer."""
    chosen = _chosen(parts, name, nodes)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(node: Node) -> dict[str, Any]:
        about = {"id": node.id, "name": node.name}
        try:
            async with gate:
                await parts.link.client(node.id).record(name, most_bytes)
        except OutpostError as error:
            return {**about, "keeps_bytes": None, "error": str(error)}
        return {**about, "keeps_bytes": most_bytes, "error": ""}

    return {"model": name, "nodes": list(await asyncio.gather(*map(one, chosen)))}


async def replay(
    parts: Parts, clock: Clock, name: str, nodes: str, *, data: Path | None, requests: int, per_second: float, actor: str,
    cause: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Play `requests` rows to each node as one job, `per_second` of them a second to each; return what each answered.

    The rows are those of `data`, again and again, else the test rows of the newest version of `name`.
    """
    chosen = _chosen(parts, name, nodes)
    rows = await in_thread(lambda: _rows_in(data), "replay") if data else rows_for(parts.models.find(name), requests)
    x = np.asarray(rows, np.float32)
    done = 0

    async def work(report: Report) -> dict[str, Any]:
        async def one(node: Node) -> dict[str, Any]:
            nonlocal done
            told: dict[str, Any] = {"id": node.id, "name": node.name, "answered": 0, "failed": 0, "error": ""}
            times: list[float] = []
            began_s = clock.monotonic_s()
            for at in range(requests):
                await asyncio.sleep(max(0.0, began_s + at / per_second - clock.monotonic_s()))
                asked_s = clock.monotonic_s()
                try:
                    await parts.link.client(node.id).infer(name, x[at % len(x)][None])
                except OutpostError as error:
                    told |= {"failed": told["failed"] + 1, "error": str(error)}
                else:
                    told["answered"] += 1
                    times.append(clock.monotonic_s() - asked_s)
                done += 1
                report(float(done), float(requests * len(chosen)), "requests")
            return {**told, "round_trip_p50_s": float(np.median(times)) if times else None}

        return {"model": name, "nodes": list(await asyncio.gather(*map(one, chosen)))}

    return await parts.jobs.run_local("fleet", work, title=f"Replay to {name}", actor=actor, cause=cause)


def _chosen(parts: Parts, name: str, nodes: str) -> Sequence[Node]:
    chosen = parts.fleet.select(nodes)
    if not chosen:
        raise Missing("There is no node to bring {model} to", model=name, hint="Start some: outpost fleet demo")
    return chosen


def _rows_in(data: Path) -> NDArray[np.float32]:
    """Return the rows "x" of a file of tensors; raise `BadInput` that names it."""
    from app.wire.tensors import unpack

    try:
        tensors, _ = unpack(data.read_bytes(), most_bytes=_MOST_BYTES)
    except OSError as error:
        raise Missing("{file} cannot be read: {reason}", file=data, reason=error.strerror, field="data") from None
    x = tensors.get("x")
    if x is None or x.ndim < 2 or not len(x):
        raise BadInput("{file} holds no rows x", file=data, field="data")
    return x
