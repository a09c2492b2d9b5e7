"""The rows of the fleet: start the demo, list and look, pair and remove, find, and drills with demo nodes."""

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from app.commands import roster, twin, view
from app.engine.base.command import Arg, Command, Danger, Role
from app.engine.base.text import tr

if TYPE_CHECKING:
    from app.engine.engine import Call

_HEAR_S = 3.0


async def demo(call: "Call", *, nodes: int) -> dict[str, Any]:
    """Start the demo fleet."""
    from app.engine.flows.demo import start

    engine = call.engine
    told = await start(engine.home, engine.jobs, engine.fleet, engine.learning, nodes=nodes, actor=call.actor, cause=call.cause)
    if not engine.fleet.herd.leashed:
        told["note"] = tr("The agents run on after this command. End them with: outpost fleet stop")
    return told


async def stop(call: "Call") -> dict[str, Any]:
    """End the demo fleet's agents."""
    return {"nodes": [{"id": node.id, "name": node.name} for node in await call.engine.fleet.stop_demo()]}


async def _hear(call: "Call") -> None:
    """Give each node a moment to answer when a single command has just opened the engine, so that states are of now."""
    from app.engine.fleet.health import HELD

    fleet, clock = call.engine.fleet, call.engine.clock
    if fleet.herd.leashed:
        return  # a console hears them all the time
    since_us, news = clock.now_us(), asyncio.Event()
    with contextlib.ExitStack() as after, contextlib.suppress(TimeoutError):
        after.callback(fleet.records.watch(lambda _change: news.set()))
        async with asyncio.timeout(_HEAR_S):
            while any(n.last_heartbeat_us < since_us and not n.trouble and n.state not in HELD for n in fleet.records):
                news.clear()
                await news.wait()


async def list_nodes(call: "Call") -> dict[str, Any]:
    """List the nodes."""
    from app.engine.fleet.intake import summary_of

    await _hear(call)
    return {"nodes": [summary_of(node) for node in call.engine.fleet.records]}


async def show(call: "Call", *, node: str) -> dict[str, Any]:
    """Show one node."""
    await _hear(call)
    return await call.engine.fleet.show(node)


async def pair(call: "Call", *, address: str, code: str, name: str, site: str) -> dict[str, Any]:
    """Pair with a node."""
    from app.engine.fleet.intake import document_of

    about = {key: value for key, value in (("name", name), ("site", site)) if value}
    return document_of(await call.engine.fleet.pair(address, code, about=about, actor=call.actor, cause=call.cause))


async def remove(call: "Call", *, node: str) -> dict[str, Any]:
    """Remove a node."""
    gone = await call.engine.fleet.remove(node, actor=call.actor, cause=call.cause)
    return {"id": gone.id, "name": gone.name}


async def find(call: "Call", *, query: str, view: str, seconds: float) -> dict[str, Any]:
    """Find nodes of the fleet by a query or a saved view, or new ones on the local network."""
    if query or view:
        from app.engine.fleet.intake import summary_of

        asked = query or call.engine.fleet.views.find(view).filter
        return {"nodes": [summary_of(node) for node in call.engine.fleet.search(asked)]}
    known = {node.device_id for node in call.engine.fleet.records}
    found = await call.engine.link.find(seconds)
    await call.engine.fleet.roster.offer(found, "mdns")
    rows = [
        {"name": each.name, "address": each.address, "device_id": each.device_id, "paired": each.device_id in known}
        for each in found
    ]
    return {"nodes": rows}


async def kill(call: "Call", *, node: str) -> dict[str, Any]:
    """Kill a demo node's agent."""
    from app.engine.fleet.intake import document_of
    from app.engine.flows import demo as drills

    return document_of(await drills.kill(call.engine.fleet, node))


async def restart(call: "Call", *, node: str) -> dict[str, Any]:
    """Restart a demo node's agent."""
    from app.engine.fleet.intake import document_of
    from app.engine.flows import demo as drills

    return document_of(await drills.restart(call.engine.fleet, node, actor=call.actor, cause=call.cause))


_NODE = Arg("node", str, "Name or id of the node.", positional=True)
_SHOWN = "{id, device_id, name, address, state, site, lat, lon, last_heartbeat_us, as_of_us, cpu_ratio, …}"

ROWS: tuple[Command, ...] = (
    Command(
        "fleet.demo", "Start demo fleet",
        "Starts agents as processes on this machine, pairs with them and places them on the map. Started from a window, they "
        "end with it; started by a single command, they run on for the next ones until fleet stop. Started again, they are "
        "the same nodes, and what they measured meanwhile is fetched.",
        demo,
        (Arg("nodes", int, "How many agents.", 6, low=1, high=128),),
        returns="{nodes: [" + _SHOWN + "], note}",
    ),
    Command(
        "fleet.stop", "Stop demo fleet",
        "Ends the agents that fleet demo started on this machine. Their nodes stay, and fleet demo brings them back.",
        stop,
        returns="{nodes: [{id, name}]}",
    ),
    Command(
        "fleet.list", "List nodes",
        "Lists every node with its state, its newest figures and how old they are.",
        list_nodes,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{nodes: [{name, state, site, cpu_ratio, mem_ratio, …, as_of_us, id}]}",
    ),
    Command(
        "fleet.show", "Show a node",
        "Shows one node with its hardware, certificate and newest measurements.",
        show,
        (_NODE,),
        role=Role.OBSERVER, danger=Danger.READ,
        returns=_SHOWN,
    ),
    Command(
        "fleet.pair", "Pair with a node",
        "Pairs with the agent at an address, with the one-use code it shows. Both sides pin each other's keys.",
        pair,
        (
            Arg("address", str, "Where the agent listens, as host:port.", positional=True),
            Arg("code", str, "The code the agent shows: seven groups of four characters.", positional=True, secret=True),
            Arg("name", str, "What to call the node; its own name if empty.", ""),
            Arg("site", str, "Where it stands.", ""),
        ),
        returns=_SHOWN,
    ),
    Command(
        "fleet.remove", "Remove node",
        "Takes a node out of the fleet: it is unpinned and no longer asked. A demo node's agent ends and its folder goes.",
        remove,
        (_NODE,),
        danger=Danger.DESTRUCTIVE,
        returns="{id, name}",
    ),
    Command(
        "fleet.find", "Find nodes",
        'With a query or a saved view: the nodes of the fleet it finds, as in site == "north" and mem < 80% and label.gpu. '
        "With neither: listens for agents that announce themselves on the local network by multicast DNS, and queues them.",
        find,
        (Arg("query", str, "Which nodes: comparisons joined by and, or, not.", ""),
         Arg("view", str, "A saved view, for its query.", ""),
         Arg("seconds", float, "How long to listen.", 3.0, unit="s", low=0.1, high=60)),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{nodes: [{name, state, site, …}]} or, nearby, {nodes: [{name, address, device_id, paired}]}",
    ),
    Command(
        "fleet.kill", "Kill demo node",
        "A drill: ends a demo node's agent as a power cut would. Only for nodes that fleet demo started.",
        kill,
        (_NODE,),
        returns=_SHOWN,
    ),
    Command(
        "fleet.restart", "Restart demo node",
        "Starts a demo node's agent again in its old folder; what nobody has read yet is fetched from its spool.",
        restart,
        (_NODE,),
        returns=_SHOWN,
    ),
    *roster.ROWS,
    *twin.ROWS,
    *view.ROWS,
)  # fmt: skip
