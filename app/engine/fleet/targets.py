"""Which nodes are meant: all, names parted by commas, or a query; and which version of a model a node says it has."""

from app.engine.base.errors import Missing
from app.engine.fleet.health import HELD
from app.engine.fleet.query import search
from app.engine.fleet.records import Node
from app.engine.fleet.service import FleetService


def select_nodes(fleet: FleetService, words: str, now_us: int) -> list[Node]:
    """Return the nodes that `words` mean; raise `BadInput` for a query that cannot be read, `Missing` for no such name."""
    text = words.strip()
    if text in ("", "all"):
        return list(fleet.records)
    try:
        return fleet.select(text)
    except Missing:
        if not any(sign in text for sign in "=<>~()") and " " not in text and "." not in text:
            raise
    return [node for node in search(text, fleet.records, now_us) if node.state not in HELD]


def has_version(node: Node, model: str) -> int:
    """Return the version of `model` that a node said it has, 0 for none."""
    for title in node.models:
        name, _, version = title.rpartition(":")
        if name == model and version.isdigit():
            return int(version)
    return 0
