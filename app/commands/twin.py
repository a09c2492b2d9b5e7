"""The rows of the fleet's twins: what a node should be and what it is, layers, and the end of a conflict."""

import json
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role
from app.engine.base.errors import BadInput

if TYPE_CHECKING:
    from app.engine.engine import Call


def document_in(text: str, field: str) -> dict[str, Any]:
    """Return the JSON object in `text`; raise `BadInput` that names the place of the mistake."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise BadInput("{field} is not JSON: {reason}", field=field, reason=str(error)) from None
    if not isinstance(document, dict):
        raise BadInput("{field} must be a JSON object", field=field)
    return document


async def twin(call: "Call", *, node: str) -> dict[str, Any]:
    """Show a node's twin."""
    fleet = call.engine.fleet
    return fleet.twins.document(fleet.find(node))


async def desire(call: "Call", *, node: str, changes: str, if_match: int) -> dict[str, Any]:
    """Change what a node should be."""
    fleet, found = call.engine.fleet, call.engine.fleet.find(node)
    asked = document_in(changes, "changes")
    match = None if if_match < 0 else if_match
    await fleet.twins.change(found, asked, match, actor=call.actor, cause=call.cause)
    return fleet.twins.document(found)


async def resolve(call: "Call", *, node: str, keep: str) -> dict[str, Any]:
    """End a conflict."""
    fleet, found = call.engine.fleet, call.engine.fleet.find(node)
    await fleet.twins.resolve(found, "mine" if keep == "mine" else "theirs", actor=call.actor, cause=call.cause)
    return fleet.twins.document(found)


async def layers(call: "Call") -> dict[str, Any]:
    """List the layers."""
    found = sorted(call.engine.fleet.twins.layers, key=lambda layer: (layer.priority, layer.name))
    return {"layers": [_layer_json(layer) for layer in found]}


async def layer(call: "Call", *, name: str, document: str, query: str, priority: int, remove: bool) -> dict[str, Any]:
    """Write or remove a layer."""
    from app.engine.fleet.twin import Layer

    twins = call.engine.fleet.twins
    if remove:
        await twins.drop_layer(name, actor=call.actor, cause=call.cause)
        return {"name": name, "removed": True}
    made = Layer("", name, query, priority, document_in(document, "document"))
    return _layer_json(await twins.set_layer(made, actor=call.actor, cause=call.cause))


def _layer_json(layer: Any) -> dict[str, Any]:
    return {
        "name": layer.name, "query": layer.query, "priority": layer.priority, "version": layer.version,
        "document": dict(layer.document),
    }  # fmt: skip


_NODE = Arg("node", str, "Name or id of the node.", positional=True)
_TWIN = "{node, version, applied_version, desired, reported, reported_us, in_sync, provenance, delta, conflict}"
_LAYER = "{name, query, priority, version, document}"

ROWS: tuple[Command, ...] = (
    Command(
        "fleet.twin", "Show a twin",
        "Shows what a node should be and what it last said it is: where each key comes from, what is still to do, and, where "
        "another console changed the same key, the three-way difference.",
        twin, (_NODE,),
        role=Role.OBSERVER, danger=Danger.READ, returns=_TWIN,
    ),
    Command(
        "fleet.desire", "Change a twin",
        "Merges changes into the node's own desired state (null removes a key). A node that is away gets the latest when it "
        "is back. Known keys: cadence_s, labels, infer, spool, peers.",
        desire,
        (
            _NODE,
            Arg("changes", str, 'A JSON object, such as {"cadence_s": 2}.', positional=True),
            Arg("if_match", int, "Only if the twin is still at this version; -1 for any.", -1, low=-1),
        ),
        returns=_TWIN, leaves=True,
    ),
    Command(
        "fleet.resolve", "End a twin's conflict",
        "Where this console and another changed the same keys of a node, says whose hold.",
        resolve,
        (_NODE, Arg("keep", str, "Whose keys hold.", choices=("mine", "theirs"))),
        returns=_TWIN, leaves=True,
    ),
    Command(
        "fleet.layers", "List layers", "Lists the layers of desired state, the lowest priority first.", layers,
        role=Role.OBSERVER, danger=Danger.READ, returns="{layers: [" + _LAYER + "]}",
    ),
    Command(
        "fleet.layer", "Write a layer",
        "Keeps a part of the desired state for every node a query finds; the higher priority wins per key, and a node's own "
        "keys stand above all layers.",
        layer,
        (
            Arg("name", str, "What to call it.", positional=True),
            Arg("document", str, "A JSON object; null takes a key of lower layers away.", "{}"),
            Arg("query", str, "Which nodes, in the words of fleet find --query; empty for all.", ""),
            Arg("priority", int, "The higher wins.", 0, low=-1_000_000, high=1_000_000),
            Arg("remove", bool, "Take the layer away.", default=False),
        ),
        returns=_LAYER, leaves=True,
    ),
)  # fmt: skip
