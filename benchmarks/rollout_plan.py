"""What planning a rollout over a large fleet costs: 10,000 node records, planned and written; prints JSON.

Service, plan, records and store are the real ones; the nodes are records that nobody answers for. Told are the time from the
call to the return, with everything durable, and how many transactions that took.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from app.engine.fleet.health import Health
from app.engine.fleet.records import Node
from app.engine.fleet.rollout.records import Spec
from app.engine.fleet.rollouts import RolloutService
from app.engine.fleet.service import FleetService
from app.engine.flows.swarm import open_base
from app.engine.link.service import Link
from app.engine.models.records import ModelVersion
from app.engine.models.service import ModelsService

MODEL = ModelVersion(
    "m2",
    "digits",
    2,
    f"sha256:{2:064x}",
    40_000,
    inputs={"self_test": {"input": [[0.0]], "output": [[0.0]], "tolerance": 1e-4}},
)


def node(at: int) -> Node:
    """Return a node of the fleet that has no model yet."""
    name = f"node-{at:05}"
    return Node(name, f"{at:032x}", name, "10.0.0.1:1", Health.ONLINE, site=f"site-{at % 500}", link_bytes_s=10**6)


async def measure(nodes: int, runs: int) -> tuple[list[float], int, int]:
    """Return the seconds of each plan, the most transactions one took, and how many nodes it is for."""
    times, most, planned = [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        async with open_base(Path(folder), {}) as base:
            link, models = Link(base), ModelsService(base)
            fleet = FleetService(base, link)
            fleet.records.replace_all(map(node, range(nodes)))
            models.records.put(MODEL)
            service, write, writes = RolloutService(base, link, models, fleet), base.store.write, 0

            async def counted(fn: Any) -> Any:
                nonlocal writes
                writes += 1
                return await write(fn)

            base.store.write = counted  # type: ignore[method-assign]
            for _ in range(runs):
                writes, began_s = 0, time.perf_counter()
                told = await service.plan("digits:2", "all", Spec(groups=("1%", "10%", "rest")), actor="benchmark")
                times.append(time.perf_counter() - began_s)
                most, planned = max(most, writes), told["nodes"]
    return times, most, planned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    times, writes, planned = asyncio.run(measure(options.nodes, options.runs))
    settings = {"nodes": options.nodes, "planned": planned, "runs": options.runs, "kind": "simulated nodes"}
    for figure, value, unit in (
        ("rollout.plan.seconds", statistics.median(times), "s"), ("rollout.plan.writes", writes, "transactions"),
    ):  # fmt: skip
        print(json.dumps({"figure": figure, "value": value, "unit": unit, "settings": settings}))


if __name__ == "__main__":
    main()
