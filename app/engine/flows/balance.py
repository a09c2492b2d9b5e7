"""A controller on a load balancer over live nodes: the fleet names them, the link knows them, control steers how many serve."""

from typing import Any, Final

from app.engine.base.errors import BadInput, Missing
from app.engine.control.service import ControlService
from app.engine.flows.activate import Parts, rows_for

_ROWS: Final = 64


async def balance(parts: Parts, control: ControlService, *, nodes: str, model: str, **asked: Any) -> dict[str, Any]:
    """Run a controller over the `nodes` that answer for `model`, asked for inference of its test rows; see `control.run`."""
    if asked["resource"] != "balancer":
        raise BadInput("Only a balancer can be run over nodes, not {name}", field="nodes", name=asked["resource"])
    chosen = parts.fleet.select(nodes)
    if not chosen:
        raise Missing("There is no node to balance over", hint="Start some: outpost fleet demo")
    await parts.link.identity()
    agents = {
        "folder": str(parts.link.folder), "model": model, "rows": rows_for(parts.models.find(model), _ROWS),
        "peers": [parts.link.client(node.id).peer.to_json() for node in chosen],
    }  # fmt: skip
    return await control.run(**asked, agents=agents)
