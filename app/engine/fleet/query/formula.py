"""A query as a formula of conditions, each held or not by every node: what a search by circuit is made of.

The formula is a nest of lists: ["all", part, …], ["any", part, …], ["not", part] and ["condition", number].
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

from app.engine.base.errors import BadInput
from app.engine.fleet.query.evaluate import match_of
from app.engine.fleet.query.parser import Anywhere, Both, Expression, Not, Test, parse
from app.engine.fleet.records import Node

Formula: TypeAlias = list[Any]


def formula_of(text: str, nodes: Sequence[Node], now_us: int) -> dict[str, Any]:
    """Return {formula, conditions: [text], held: [[bool of each node] of each condition], names, matched: [bool of each node]}.

    `matched` is what the query itself finds, without the formula. Raises `BadInput` with the place of a mistake.
    """
    tree = parse(text)
    if tree is None:
        hint = 'Such as: site == "north" and mem < 80%'
        raise BadInput("The query is empty: every node matches", field="query", hint=hint)
    conditions: dict[str, Test | Anywhere] = {}
    formula = _walk(tree, conditions)
    whole = match_of(tree)
    return {
        "formula": formula,
        "conditions": list(conditions),
        "held": [[match_of(part)(node, now_us) for node in nodes] for part in conditions.values()],
        "names": [node.name for node in nodes],
        "matched": [whole(node, now_us) for node in nodes],
    }


def _walk(tree: Expression, conditions: dict[str, Test | Anywhere]) -> Formula:
    match tree:
        case Both(every, parts):
            return ["all" if every else "any", *(_walk(part, conditions) for part in parts)]
        case Not(part):
            return ["not", _walk(part, conditions)]
        case _:
            said = _said(tree)
            conditions.setdefault(said, tree)
            return ["condition", list(conditions).index(said)]


def _said(part: Test | Anywhere) -> str:
    if isinstance(part, Anywhere):
        return f'"{part.text}"'
    values = ", ".join(f'"{value}"' if isinstance(value, str) else str(value) for value in part.values)
    if len(part.values) > 1:
        return f"{part.field.name} in ({values})"
    return f"{part.field.name} {part.operator} {values}".strip()
