"""The demo fleet: real agent processes on this machine, paired and placed like any node; and drills with them.

Their homes stand under HOME/agents, so the same nodes come back with the same identities and spools at the next start.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from app.engine.base.contracts import Report
from app.engine.base.errors import BadInput, Conflict
from app.engine.base.platform import make_private, replace_file
from app.engine.fleet.adapters.processes import AgentProcess
from app.engine.fleet.intake import document_of
from app.engine.fleet.records import Node, demo_name, demo_site
from app.engine.fleet.service import FleetService
from app.engine.jobs.service import Jobs
from app.engine.learning.service import LearningService
from app.engine.store.threads import in_thread

MOST_NODES: Final = 128
SEED: Final = 20_240

Files = Mapping[str, bytes]


async def start(
    home: Path, jobs: Jobs, fleet: FleetService, learning: LearningService, *, nodes: int, actor: str, cause: str = ""
) -> dict[str, Any]:
    """Bring the demo nodes 1 to `nodes` up, each with its own shard of the digits, as one job with progress.

    Nodes that run already are left alone; ones that were paired before come back as the same nodes.
    """
    shards = await in_thread(lambda: learning.shard_files(nodes, SEED), "shards")

    async def work(report: Report) -> dict[str, Any]:
        gate = asyncio.Semaphore(max(2, os.cpu_count() or 2))
        up: list[str] = []

        async def one(index: int) -> Node:
            async with gate:
                node = await bring_up(home, fleet, index, shards[index], actor=actor, cause=cause)
            up.append(node.name)
            report(float(len(up)), float(nodes), "nodes", {"nodes": sorted(up)})
            return node

        report(0.0, float(nodes), "nodes")
        found = await asyncio.gather(*(one(index) for index in range(nodes)), return_exceptions=True)
        failed = [error for error in found if isinstance(error, BaseException)]
        if failed:
            raise failed[0]
        return {"nodes": [document_of(node) for node in found if isinstance(node, Node)]}

    return await jobs.run_local("fleet", work, title=f"Start {nodes} demo nodes", actor=actor, cause=cause)


async def bring_up(home: Path, fleet: FleetService, index: int, files: Files, *, actor: str, cause: str = "") -> Node:
    """Start the demo node number `index` unless it runs, pair with it unless that was done before; return its node."""
    name, site = demo_name(index), demo_site(index)
    place = home / "agents" / name
    known = next((node for node in fleet.records if node.home == str(place)), None)
    agent = fleet.herd.get(place)
    if known is not None and agent is not None and agent.alive:
        return known
    await in_thread(lambda: _lay_out(place, files), "agent-files")
    agent = await fleet.herd.launch(place, name)
    if known is not None and known.device_id == agent.device_id and agent.code is None:
        return await fleet.move(known, agent.address, actor=actor, cause=cause)
    if agent.code is None:  # It is paired with a console that is not this one any more: begin anew.
        await fleet.herd.discard(place)
        await in_thread(lambda: _lay_out(place, files), "agent-files")
        agent = await fleet.herd.launch(place, name)
    if known is not None and known.device_id != agent.device_id:
        await fleet.drop(known, actor=actor, cause=cause)
    about = {
        "name": name, "site": site.name, "location_lat": site.lat, "location_lon": site.lon, "home": str(place),
        "labels": {"demo": "yes"}, "connectivity_type": "loopback",
    }  # fmt: skip
    return await fleet.pair(agent.address, _code_of(agent), about=about, actor=actor, cause=cause)


async def kill(fleet: FleetService, key: str) -> Node:
    """End a demo node's agent as a power cut would (a drill); the node is suspect at once."""
    node, agent = _agent_of(fleet, key)
    if agent is None or not agent.alive:
        raise Conflict("The agent of {name} does not run", name=node.name, hint="Start it: outpost fleet restart NODE")
    await in_thread(agent.kill, "agent-kill")
    fleet.fail(node.id)
    return fleet.records.need(node.id)


async def restart(fleet: FleetService, key: str, *, actor: str, cause: str = "") -> Node:
    """Start a demo node's agent again in its old home; what it measured and nobody read comes from its spool."""
    node, _ = _agent_of(fleet, key)
    agent = await fleet.herd.launch(Path(node.home), node.name)
    if agent.device_id != node.device_id or agent.code is not None:
        await fleet.herd.end(Path(node.home))
        raise Conflict(
            "The agent in {home} is not the node that was paired",
            home=node.home,
            hint="Remove the node, then: outpost fleet demo",
        )
    return await fleet.move(node, agent.address, actor=actor, cause=cause)


def _agent_of(fleet: FleetService, key: str) -> tuple[Node, AgentProcess | None]:
    node = fleet.find(key)
    if not node.demo:
        raise BadInput("{name} is no demo node: its agent is not ours to end", name=node.name, field="node")
    return node, fleet.herd.get(Path(node.home))


def _code_of(agent: AgentProcess) -> str:
    if agent.code is None:
        raise Conflict("The agent in {home} shows no pairing code", home=agent.home)
    return agent.code


def _lay_out(place: Path, files: Files) -> None:
    make_private(place)
    for name, data in files.items():
        path = place / name
        if not path.exists() or path.read_bytes() != data:
            replace_file(path, data)
