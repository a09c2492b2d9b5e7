"""The query language of the fleet: `site == "north" and mem < 0.8 and label.gpu`.

One language for the table's filter, saved views, bulk actions and the targets of rollouts. Comparisons of fields with values,
joined by `and`, `or`, `not` and parentheses; a field alone asks whether it holds anything; a text alone is looked for
everywhere. The words follow those of FIQL-like filters in fleet servers, written as an operator would say them.
"""

from collections.abc import Callable, Iterable

from app.engine.fleet.query.evaluate import compile_query
from app.engine.fleet.query.parser import parse
from app.engine.fleet.records import Node

__all__ = ["compile_query", "parse", "search"]


def search(text: str, nodes: Iterable[Node], now_us: int) -> list[Node]:
    """Return the nodes that the query `text` finds, in their order; raise `BadInput` with the place of a mistake."""
    match: Callable[[Node, int], bool] = compile_query(text)
    return [node for node in nodes if match(node, now_us)]
