"""The rows of rollouts: plan, simulate, approve, start, pause, resume, stop, retry, undo, list, show."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call
    from app.engine.fleet.rollout.records import Rollout, Spec


async def plan(call: "Call", *, model: str, nodes: str, keep: bool, **how: Any) -> dict[str, Any]:
    """Plan a rollout."""
    spec = _spec(how)
    return await call.engine.rollouts.plan(model, nodes, spec, keep=keep, actor=call.actor, cause=call.cause)


def _spec(how: dict[str, Any]) -> "Spec":
    from app.engine.fleet.rollout.plan import check_spec, parse_window
    from app.engine.fleet.rollout.records import Gate, Rate, Spec

    given = dict(how)
    gate = Gate(
        given.pop("success_ratio"), given.pop("error_ratio"), given.pop("least_executed"),
        given.pop("p99_ratio_most") or None, given.pop("agreement_least") or None,
    )  # fmt: skip
    kind, per_minute, factor = given.pop("rate"), given.pop("per_minute"), given.pop("rate_factor")
    windows = tuple(parse_window(part) for part in given.pop("windows").split(";") if part.strip())
    groups = tuple(part.strip() for part in given.pop("groups").split(",") if part.strip())
    limits = {
        name: value
        for name, value in (("memory_bytes", given.pop("memory_bytes")), ("cpu_ratio", given.pop("cpu_ratio")))
        if value
    }
    rate = Rate(kind, per_minute, factor)
    spec = Spec(groups=groups, gate=gate, rate=rate, windows=windows, limits=limits, **given)
    check_spec(spec)
    return spec


async def simulate(call: "Call", *, rollout: str, seed: int, nodes: int, as_is: bool, **faults: Any) -> dict[str, Any]:
    """Rehearse a planned rollout."""
    from app.engine.fleet.planner import rehearsal_of
    from app.engine.fleet.rollout.papers import faults_from
    from app.engine.fleet.rollout.simulate import simulate as rehearse
    from app.engine.store.threads import in_thread

    rollouts = call.engine.rollouts
    found, chance = rollouts.find(rollout), faults_from(faults)
    fleet = call.engine.fleet.records if as_is else None
    made, health, links = rehearsal_of(found, rollouts.tasks(found.id), nodes=nodes, as_they_are=fleet)
    told = await in_thread(lambda: rehearse(found, made, health, chance, seed=seed, links=links), "rehearsal")
    return {"rollout": found.id, "title": found.title, "seed": seed, **told}


async def approve(call: "Call", *, rollout: str, deny: bool, paper: Path) -> dict[str, Any]:
    """Approve a rollout, or deny it."""
    given = None if paper == Path() else paper
    moved = await call.engine.rollouts.approve(rollout, accept=not deny, paper=given, actor=call.actor, cause=call.cause)
    return _told(call, moved)


async def ask(call: "Call", *, rollout: str, file: Path) -> dict[str, Any]:
    """Write a plan that somebody else is to approve."""
    rollouts = call.engine.rollouts
    found = rollouts.find(rollout)
    return await rollouts.approvals.ask(found, list(rollouts.tasks(found.id)), file)


async def vouch(call: "Call", *, file: Path, out: Path) -> dict[str, Any]:
    """Approve another console's plan with this console's keys."""
    return await call.engine.rollouts.approvals.vouch(file, out)


async def confirm(call: "Call", *, rollout: str, nodes: str) -> dict[str, Any]:
    """Let nodes install that wait for a person."""
    count = await call.engine.rollouts.confirm(rollout, nodes, actor=call.actor, cause=call.cause)
    return {**_told(call, call.engine.rollouts.find(rollout)), "confirmed": count}


async def start(call: "Call", *, rollout: str, wait_s: float) -> dict[str, Any]:
    """Start a rollout."""
    begun = await call.engine.rollouts.begin(rollout, actor=call.actor, cause=call.cause)
    await call.engine.rollouts.settled(begun.id, wait_s)
    return _told(call, call.engine.rollouts.find(begun.id))


async def pause(call: "Call", *, rollout: str) -> dict[str, Any]:
    """Pause a rollout."""
    return _told(call, await call.engine.rollouts.pause(rollout, actor=call.actor, cause=call.cause))


async def resume(call: "Call", *, rollout: str, wait_s: float) -> dict[str, Any]:
    """Resume a rollout."""
    moved = await call.engine.rollouts.resume(rollout, actor=call.actor, cause=call.cause)
    await call.engine.rollouts.settled(moved.id, wait_s)
    return _told(call, call.engine.rollouts.find(moved.id))


async def stop(call: "Call", *, rollout: str, emergency: bool) -> dict[str, Any]:
    """Stop a rollout."""
    return _told(call, await call.engine.rollouts.halt(rollout, emergency=emergency, actor=call.actor, cause=call.cause))


async def retry(call: "Call", *, rollout: str, wait_s: float) -> dict[str, Any]:
    """Try failed nodes again."""
    moved = await call.engine.rollouts.retry(rollout, actor=call.actor, cause=call.cause)
    await call.engine.rollouts.settled(moved.id, wait_s)
    return _told(call, call.engine.rollouts.find(moved.id))


async def undo(call: "Call", *, rollout: str) -> dict[str, Any]:
    """Plan the inverse of a rollout."""
    return {"plans": await call.engine.rollouts.undo(rollout, actor=call.actor, cause=call.cause)}


async def list_rollouts(call: "Call") -> dict[str, Any]:
    """List the rollouts."""
    from app.engine.fleet.rollout.papers import summary_of

    rollouts = call.engine.rollouts
    return {"rollouts": [summary_of(each, rollouts.tasks(each.id)) for each in rollouts.records]}


async def show(call: "Call", *, rollout: str) -> dict[str, Any]:
    """Show one rollout."""
    from app.engine.fleet.rollout.papers import document_of

    found = call.engine.rollouts.find(rollout)
    return document_of(found, call.engine.rollouts.tasks(found.id))


async def delete(call: "Call", *, rollout: str) -> dict[str, Any]:
    """Take a rollout out of the list."""
    gone = await call.engine.rollouts.remove(rollout, actor=call.actor, cause=call.cause)
    return {"id": gone.id, "title": gone.title, "state": gone.state}


def _told(call: "Call", rollout: "Rollout") -> dict[str, Any]:
    from app.engine.fleet.rollout.papers import summary_of

    return summary_of(rollout, call.engine.rollouts.tasks(rollout.id))


_ROLLOUT = Arg("rollout", str, "Its id or the beginning of it, or its title; the newest if empty.", "", positional=True)
_WAIT = Arg("wait_s", float, "Wait this long for it to end or pause.", 0.0, unit="s", low=0, high=86400)
_SHOWN = "{id, title, state, nodes, good, bad, open, waiting, reason, created_us, author, undoes}"
_HOW = (
    Arg("groups", str, "Groups in order: 5, 10%, label.ring=canary or rest, parted by commas.", "10%,rest"),
    Arg("success_ratio", float, "Share of a group that must succeed.", 1.0, low=0, high=1),
    Arg("error_ratio", float, "Share of those that ended that may fail.", 0.0, low=0, high=1),
    Arg("least_executed", int, "How many must have ended before failures count.", 1, low=1),
    Arg("p99_ratio_most", float, "Most that p99 latency may grow, as new to old; 0 asks for nothing.", 0.0, low=0),
    Arg(
        "agreement_least",
        float,
        "Least agreement with the old model in shadow traffic; 0 asks none.",
        0.0,
        low=0,
        high=1,
    ),
    Arg("rate", str, "How the rate goes on.", "constant", choices=("constant", "exponential")),
    Arg("per_minute", float, "Nodes begun per minute; 0 is as fast as may be.", 0.0, low=0, high=1000, blank="no limit"),
    Arg("rate_factor", float, "Growth of an exponential rate after each ten successes.", 2.0, low=1, high=10),
    Arg(
        "max_unavailable",
        int,
        "Most nodes unavailable at once: those that change, and unless skipped those that are away; 0: no limit.",
        0,
        low=0,
    ),
    Arg("at_once", int, "Most transfers, and most installations, at once.", 16, low=1, high=1000),
    Arg("windows", str, "Maintenance windows in UTC, as 22:00-04:00 or sat,sun 08:00-18:00, parted by semicolons.", ""),
    Arg("offline", str, "What to do about nodes that are away.", "wait", choices=("wait", "skip", "count")),
    Arg("retries", int, "How often a failed node is tried again by itself.", 0, low=0, high=100),
    Arg("backoff_s", float, "Wait before the first retry, doubled for each, drawn evenly from 0.", 30.0, unit="s", low=0),
    Arg("deadline_s", float, "Time for one step of one node.", 600.0, unit="s", low=1),
    Arg("watch_s", float, "Time the new model answers before its commit.", 0.0, unit="s", low=0, high=3600),
    Arg("site_bytes_s", int, "Bytes per second that all nodes of a site share; 0 sets no limit.", 0, unit="B/s", low=0),
    Arg("memory_bytes", int, "Memory the model may take on a node; 0 sets no limit.", 0, unit="B", low=0, blank="no limit"),
    Arg("cpu_ratio", float, "Share of one core the model may use on a node; 0 sets no limit.", 0.0, low=0, high=1),
    Arg("approve_above", int, "Above this many nodes somebody must approve; 0 asks nobody.", 100, low=0),
    Arg("confirm", bool, "Install on a node only after a person let it: rollout confirm.", False),
    Arg("prefetch", bool, "Send to all groups at once and install group by group.", False),
    Arg("dynamic", bool, "Let nodes that match later join the last group; it ends only when stopped.", False),
    Arg("downgrade", bool, "Let nodes go back to an older version.", False),
)
_FAULTS = (
    Arg("fail_ratio", float, "Share of installations that fail.", 0.0, low=0, high=1),
    Arg("away_ratio", float, "Share of transfers during which the node falls silent.", 0.0, low=0, high=1),
    Arg("away_s", float, "How long a silent node stays so.", 600.0, unit="s", low=0),
    Arg("slow_ratio", float, "Share of nodes with a slow link.", 0.0, low=0, high=1),
    Arg("agreement_ratio", float, "Agreement under shadow traffic that every node shows.", 1.0, low=0, high=1),
    Arg("p99_ratio", float, "New to old p99 latency that every node shows.", 1.0, low=0),
    Arg("link_bytes_s", float, "Speed of a node's link.", 1e6, unit="B/s", low=1),
    Arg("nodes", int, "Rehearse on so many made-up nodes, in the same mix; 0 takes the planned ones.", 0, low=0, high=100_000),
    Arg("as_is", bool, "Begin with nodes away that are away now, and links as slow as they are said to be.", False),
)

ROWS: tuple[Command, ...] = (
    Command(
        "rollout.plan", "Plan a rollout",
        "Plans bringing a model version to nodes: who, in which group, who not and why, bytes and time per link, and what "
        "undoing it means. Nothing happens until it is started.",
        plan,
        (
            Arg("model", str, "A version: its id, name (the newest), name:version, or artifact id.", positional=True),
            Arg("nodes", str, "all, names parted by commas, a query, or view: and the name of a saved view.", "all"),
            Arg("keep", bool, "Keep the plan as a rollout.", True),
            *_HOW,
        ),
        returns="{rollout, title, state, groups, nodes, excluded, bytes, links, undo, needs_approval, undoes}",
    ),
    Command(
        "rollout.simulate", "Rehearse a rollout",
        "Runs a planned rollout on a fleet that exists only in the engine, with faults drawn from a seed. Its figures are "
        "simulated.",
        simulate,
        (_ROLLOUT, Arg("seed", int, "Seed of the faults.", 1, low=0), *_FAULTS),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{rollout, title, kind, state, seconds, reason, states, good, bad, open, bytes, groups, waited}",
    ),
    Command(
        "rollout.approve", "Approve a rollout",
        "Lets a rollout above the limit start, or denies it. Who planned it cannot approve it, under no name: it takes the "
        "paper of an approver's console (rollout ask, rollout vouch; setting fleet.approvers).",
        approve,
        (
            _ROLLOUT,
            Arg("deny", bool, "Deny it.", False),
            Arg("paper", Path, "What rollout vouch wrote on an approver's console.", Path()),
        ),
        role=Role.ADMIN,
        returns=_SHOWN,
    ),
    Command(
        "rollout.ask", "Ask for approval",
        "Writes the plan of a rollout to a file, to be carried to another console and approved there.",
        ask,
        (_ROLLOUT, Arg("file", Path, "Where to write the plan.", Path("plan.json"))),
        role=Role.OPERATOR, danger=Danger.READ,
        returns="{rollout, title, file, digest}",
    ),
    Command(
        "rollout.vouch", "Approve another console's plan",
        "Seals the plan in a file with this console's keys. Read the file first: it holds every node, group and setting.",
        vouch,
        (
            Arg("file", Path, "What rollout ask wrote.", positional=True),
            Arg("out", Path, "Where to write the sealed approval.", Path("approval.json")),
        ),
        role=Role.ADMIN,
        returns="{title, nodes, digest, file, device}",
    ),
    Command(
        "rollout.confirm", "Confirm installation",
        "Lets nodes install that have the artifact and wait for a person, in a rollout planned with --confirm.",
        confirm,
        (_ROLLOUT, Arg("nodes", str, "all, names parted by commas, a query, or view: and the name of a saved view.", "all")),
        returns=_SHOWN[:-1] + ", confirmed}",
        leaves=True,
    ),
    Command(
        "rollout.start", "Start rollout",
        "Starts a planned rollout. It goes on while an engine runs, and after a restart where it stood; typed without an open "
        "console, wait for it.",
        start,
        (_ROLLOUT, _WAIT),
        returns=_SHOWN,
        leaves=True,
    ),
    Command(
        "rollout.pause", "Pause rollout",
        "Begins no more nodes; those on their way finish.",
        pause,
        (_ROLLOUT,),
        returns=_SHOWN,
    ),
    Command(
        "rollout.resume", "Resume rollout",
        "Goes on after a pause; a group that went wrong is taken as it is.",
        resume,
        (_ROLLOUT, _WAIT),
        returns=_SHOWN,
        leaves=True,
    ),
    Command(
        "rollout.stop", "Stop rollout",
        "Stops for good. Nodes that install finish; in an emergency every node on its way goes back at once.",
        stop,
        (_ROLLOUT, Arg("emergency", bool, "Put back every node that has not committed.", False)),
        danger=Danger.DESTRUCTIVE,
        returns=_SHOWN,
    ),
    Command(
        "rollout.retry", "Retry failed nodes",
        "Tries the nodes again that failed, and only those.",
        retry,
        (_ROLLOUT, _WAIT),
        returns=_SHOWN,
        leaves=True,
    ),
    Command(
        "rollout.undo", "Undo rollout",
        "Plans the inverse: every node that has the version back to the one it had before. Start the plan to run it.",
        undo,
        (_ROLLOUT,),
        returns="{plans: [{rollout, title, state, groups, nodes, excluded, bytes, links, undo, needs_approval, undoes}]}",
    ),
    Command(
        "rollout.delete", "Delete rollout",
        "Takes a rollout that is at rest out of the list; the nodes keep what they have.",
        delete,
        (_ROLLOUT,),
        danger=Danger.DESTRUCTIVE,
        returns="{id, title, state}",
    ),
    Command(
        "rollout.list", "List rollouts",
        "Lists every rollout with its state, its counts and what it waits for.",
        list_rollouts,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{rollouts: [" + _SHOWN + "]}",
    ),
    Command(
        "rollout.show", "Show a rollout",
        "Shows one rollout with its groups, the figures of their gates, and every node.",
        show,
        (_ROLLOUT,),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{id, title, state, groups: [{name, state, good, bad, p99_ratio, agreement_ratio}], tasks, excluded, spec, …}",
    ),
)  # fmt: skip
