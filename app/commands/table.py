"""The one table of everything Outpost can do; a new file of rows is listed here and nowhere else."""

from app.commands import (
    activity,
    agent,
    audit,
    bundle,
    circuit,
    circuit_device,
    control,
    fleet,
    hub,
    job,
    learning,
    metrics,
    model,
    problem,
    qkd,
    qubo,
    replay,
    rollout,
    settings,
    status,
    store,
    support,
    swarm,
    sync,
    task,
    tour,
)
from app.engine.base.command import CommandTable


def command_table() -> CommandTable:
    """Return all rows, in the order the manual shows them."""
    files = (
        status,
        fleet,
        model,
        replay,
        rollout,
        problem,
        qubo,
        circuit,
        circuit_device,
        task,
        qkd,
        learning,
        control,
        metrics,
        tour,
        job,
        activity,
        audit,
        settings,
        store,
        sync,
        hub,
        support,
        bundle,
        swarm,
        agent,
    )
    return CommandTable(row for file in files for row in file.ROWS)
