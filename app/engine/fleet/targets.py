"""Which nodes are meant: all, names parted by commas, a query, or a saved view; and the version a node says it has."""

import re
from typing import Any, Final

from app.engine.base.clock import Clock
from app.engine.base.errors import BadInput, Conflict, Missing
from app.engine.base.records import Records
from app.engine.fleet.health import HELD
from app.engine.fleet.query import search
from app.engine.fleet.query.fields import field_of
from app.engine.fleet.query.formula import formula_of
from app.engine.fleet.records import Node
from app.engine.fleet.saved import SavedViews

VIEW: Final = "view:"
_QUERY: Final = re.compile(r"""[=<>~"'()!]|\b(?:and|or|not|in)\b|\blabel\.""")


class Targets:
    """The nodes by what a person calls them; `view:NAME` means what the saved view of that name finds now."""

    def __init__(self, nodes: Records[Node], views: SavedViews, clock: Clock) -> None:
        self._nodes, self._views, self._clock = nodes, views, clock

    def find(self, key: str) -> Node:
        """Return the node called `key`: its id, its device id, or its name where only one has it."""
        found = self._named(key)
        if len(found) > 1:
            raise Conflict("{count} nodes are called {name}", count=len(found), name=key, field="node", hint="Use the id.")
        if not found:
            raise Missing("There is no node {name}", name=key, field="node", hint="See: outpost fleet list")
        return found[0]

    def select(self, words: str, *, held: bool = False) -> list[Node]:
        """Return the nodes that `words` name; "all" (and nothing) are those in service, and the `held` ones if asked for."""
        text = words.strip()
        if text == "all" or (held and not text):
            return [node for node in self._nodes if held or node.state not in HELD]
        if text.startswith(VIEW):
            return self.search(self._views.find(text.removeprefix(VIEW).strip()).filter)
        if _QUERY.search(text) or (field_of(text) and not self._named(text)):
            return self.search(text)
        named = [part.strip() for part in text.split(",") if part.strip()]
        if not named:
            raise BadInput("No node is named", field="nodes", hint="Write all, or names parted by commas.")
        return list({node.id: node for node in map(self.find, named)}.values())

    def search(self, query: str) -> list[Node]:
        """Return the nodes that a query finds; raise `BadInput` with the place of a mistake."""
        return search(query, self._nodes, self._clock.now_us())

    def formula(self, query: str) -> dict[str, Any]:
        """Return a query as a formula of conditions, and which nodes hold each; see `query.formula`."""
        return formula_of(query, list(self._nodes), self._clock.now_us())

    def _named(self, key: str) -> list[Node]:
        if key in self._nodes:
            return [self._nodes.need(key)]
        return [node for node in self._nodes if key in (node.name, node.device_id)]


def has_version(node: Node, model: str) -> int:
    """Return the version of `model` that a node said it has, 0 for none."""
    for title in node.models:
        name, _, version = title.rpartition(":")
        if name == model and version.isdigit():
            return int(version)
    return 0
