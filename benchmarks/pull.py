"""What it costs to pull telemetry from 50 nodes every 2 s, directly and through the link process.

The nodes are virtual: one child process answers for all of them, over real TCP and mutual TLS, each with an identity of
its own and one measurement a second. What is told is the CPU time of the process that pulls (user and system), as a ratio
of one core. Peer: the same pull with httpx on a Qt loop took 34 to 43 % of a core for 500 nodes, that is 3.4 to 4.3 % for
50 (field notes).
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from app.engine.base.clock import SystemClock
from app.engine.link.client import NodeClient
from app.engine.link.identity import own_identity, seal_key
from app.engine.link.process import LinkProcess
from app.engine.link.puller import Puller
from app.engine.link.records import Batch, Peer, Target
from app.wire.identity import DeviceIdentity, PublicIdentity


def serve(pipe: Connection, console: dict[str, Any], count: int) -> None:
    """Answer for `count` nodes until the pipe closes; runs in a child."""
    from app.agent.virtual import VirtualNode

    async def run() -> None:
        identity = PublicIdentity.from_json(console)
        nodes = [await VirtualNode(f"v{index}", identity, 1, 1.0).start() for index in range(count)]
        pipe.send([(node.address, node.identity.public.to_json()) for node in nodes])
        await asyncio.to_thread(pipe.poll, None)
        for node in nodes:
            await node.stop()

    asyncio.run(run())


def cpu_of(pid: int) -> float:
    spent = psutil.Process(pid).cpu_times()
    return float(spent.user + spent.system)


async def spend(seconds: float, warm_s: float, pids: Callable[[], list[int]]) -> list[float]:
    """Return the CPU seconds each process spent in `seconds`, after a warm-up in which connections are made."""
    await asyncio.sleep(warm_s)
    before = [cpu_of(pid) for pid in pids()]
    await asyncio.sleep(seconds)
    return [after - then for after, then in zip((cpu_of(pid) for pid in pids()), before, strict=True)]


async def measure(options: argparse.Namespace, folder: Path, nodes: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    key = seal_key(folder)
    identity = own_identity(folder, "bench", key)
    targets = [Target(Peer(str(at), address, PublicIdentity.from_json(told))) for at, (address, told) in enumerate(nodes)]
    own_pid = psutil.Process().pid
    told = []

    async def own() -> DeviceIdentity:
        return identity

    def client_of(peer: Peer) -> NodeClient:
        return NodeClient(peer, own, SystemClock(), random.Random(0))

    for mode in ("direct", "process"):
        batches: list[Batch] = []
        if mode == "direct":
            puller: Any = Puller(client_of, batches.append, options.cadence, SystemClock(), random.Random(0))
        else:
            puller = LinkProcess(folder, key, batches.append, options.cadence)
        for target in targets:
            puller.attach(target)
        began_s = time.monotonic()
        spent = await spend(
            options.seconds,
            options.warm,
            lambda: [own_pid] if mode == "direct" else [own_pid, puller.pid],  # noqa: B023
        )
        wall_s = time.monotonic() - began_s - options.warm
        await puller.stop()
        good = [batch for batch in batches if batch.problem is None]
        seen = {(batch.node_id, item.seq) for batch in good for item in batch.items}
        last = {batch.node_id: batch.seq for batch in good}
        settings = {
            "nodes": len(targets), "cadence_s": options.cadence, "seconds": options.seconds, "pulls": len(good),
            "failed": len(batches) - len(good), "lost": sum(last.values()) - len(seen),
        }  # fmt: skip
        told.append(
            {"figure": f"pull.{mode}.engine_cpu", "value": spent[0] / wall_s, "unit": "ratio of a core", "settings": settings}
        )
        if mode == "process":
            told.append(
                {"figure": "pull.process.link_cpu", "value": spent[1] / wall_s, "unit": "ratio of a core", "settings": settings}
            )
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=50)
    parser.add_argument("--cadence", type=float, default=2.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--warm", type=float, default=8.0)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "identity"
        folder.mkdir()
        public = own_identity(folder, "bench", seal_key(folder)).public
        ours, theirs = context.Pipe()
        child = context.Process(target=serve, args=(theirs, public.to_json(), options.nodes), daemon=True)
        child.start()
        theirs.close()
        try:
            nodes = ours.recv()
            for row in asyncio.run(measure(options, folder, nodes)):
                print(json.dumps(row))
        finally:
            ours.close()
            child.join(5.0)
            if child.is_alive():
                child.kill()


if __name__ == "__main__":
    main()
