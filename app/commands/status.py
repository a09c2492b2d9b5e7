"""Rows about Outpost itself: what is going on, and whether its parts work here."""

from typing import TYPE_CHECKING, Any

from app.engine.base.command import Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call


async def status(call: "Call") -> dict[str, Any]:
    """Return the state of the home, the nodes and the work in a few figures."""
    import shutil
    from collections import Counter

    from app import __version__

    engine = call.engine
    return {
        "version": __version__,
        "home": str(engine.home),
        "actor": engine.actor,
        "role": engine.role.name.lower(),
        "store_bytes": await engine.store.size_bytes(),
        "nodes": dict(Counter(node.state for node in engine.fleet.records)),
        "jobs": dict(Counter(job.state for job in engine.jobs.records)),
        "models_count": len(engine.models.records),
        **await engine.sync.glance(),
        "disk_free_bytes": shutil.disk_usage(engine.home).free,
        **engine.fleet.budgets.summary(engine.fleet.records),
    }


async def selftest(call: "Call") -> dict[str, Any]:
    """Try each part for real and return what was found; never raises for a part that fails."""
    from app.engine.flows.selftest import run_checks

    checks = await run_checks(call.engine.store, call.engine.jobs, actor=call.actor, cause=call.cause)
    return {"checks": checks, "pass": all(check["pass"] for check in checks)}


ROWS = (
    Command(
        "status", "Status", "What is going on: home, nodes, jobs and models in a few figures.", status,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{version, home, actor, role, store_bytes, nodes, jobs, models_count, pending_count, conflicts_count, "
        "hubs_count, hub_us, hub_problem, hub_busy, disk_free_bytes, sent_today_bytes, heard_today_bytes, links_limited, "
        "links_near}",
    ),
    Command(
        "selftest", "Test this installation", "Tries the store, a worker process and each heavy library, and says what works.",
        selftest, danger=Danger.READ, returns="{checks: [{name, pass, detail, wall_s}], pass}",
    ),
)  # fmt: skip
