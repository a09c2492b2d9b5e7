"""The rows of traffic for gates: nodes keep their requests where that is allowed, and a driver plays rows to them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command

if TYPE_CHECKING:
    from app.engine.engine import Call
    from app.engine.flows.activate import Parts


async def record(call: "Call", *, model: str, nodes: str, most_bytes: int) -> dict[str, Any]:
    """Have nodes keep their newest requests."""
    from app.engine.flows import replay as flow

    return await flow.record(_parts(call), model, nodes, most_bytes)


async def replay(
    call: "Call", *, model: str, nodes: str, data: Path | None, requests: int, per_second: float
) -> dict[str, Any]:
    """Play rows to nodes."""
    from app.engine.flows import replay as flow

    return await flow.replay(
        _parts(call), call.engine.clock, model, nodes, data=data, requests=requests, per_second=per_second, actor=call.actor,
        cause=call.cause,
    )  # fmt: skip


def _parts(call: "Call") -> "Parts":
    from app.engine.flows.activate import Parts

    engine = call.engine
    return Parts(engine.jobs, engine.link, engine.models, engine.fleet)


_NAME = Arg("model", str, "The name of the model, as the nodes have it.", positional=True)
_NODES = Arg("nodes", str, "all, names parted by commas, a query, or view: and the name of a saved view.", "all")

ROWS: tuple[Command, ...] = (
    Command(
        "model.record", "Keep requests",
        "Has nodes keep the newest requests to a model, up to a size and in memory only, so that a rollout's gates see what is "
        "really asked. Off until asked for; the rows never leave the node.",
        record,
        (
            _NAME, _NODES,
            Arg("most_bytes", int, "How much each node keeps; 0 ends it and forgets.", 1 << 20, unit="B", low=0, high=64 << 20),
        ),
        returns="{model, nodes: [{id, name, keeps_bytes, error}]}", leaves=True,
    ),
    Command(
        "model.replay", "Play requests",
        "Plays rows to nodes as real requests: those of a file of tensors x, again and again, else the model's test rows. They "
        "count in telemetry, and are kept where recording is on.",
        replay,
        (
            _NAME, _NODES, Arg("data", Path, "A file of tensors with rows x.", None),
            Arg("requests", int, "How many each node is asked.", 100, low=1, high=1_000_000),
            Arg("per_second", float, "How many a second each node is asked.", 50.0, low=0.01, high=1000),
        ),
        returns="{model, nodes: [{id, name, answered, failed, round_trip_p50_s, error}]}",
    ),
)  # fmt: skip
