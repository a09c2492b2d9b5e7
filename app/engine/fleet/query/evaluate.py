"""Turns the tree of a query into one function over records; a figure nobody knows satisfies no comparison."""

import operator
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from app.engine.fleet.query.parser import Anywhere, Both, Expression, Not, Test, Value, parse
from app.engine.fleet.records import Node

Match = Callable[[Node, int], bool]
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@lru_cache(256)
def compile_query(text: str) -> Match:
    """Return `match(node, now_us)` for the query `text`; an empty one matches all. Raises `BadInput` with the place."""
    tree = parse(text)
    return _all if tree is None else match_of(tree)


def _all(_node: Node, _now_us: int) -> bool:
    return True


def match_of(tree: Expression) -> Match:
    """Return the function that tells whether a node, at a time in µs, is what `tree` asks for."""
    match tree:
        case Both(every, parts):
            matches = tuple(map(match_of, parts))
            if every:
                return lambda node, now_us: all(match(node, now_us) for match in matches)
            return lambda node, now_us: any(match(node, now_us) for match in matches)
        case Not(part):
            inner = match_of(part)
            return lambda node, now_us: not inner(node, now_us)
        case Anywhere(text):
            wanted = text.casefold()
            return lambda node, _now_us: wanted in _words(node)
        case Test():
            return _test_of(tree)


def _words(node: Node) -> str:
    labels = (f"{key}={value}" for key, value in node.labels.items())
    return "\n".join((node.name, node.site, node.address, node.device_id, str(node.state), *node.models, *labels)).casefold()


def _test_of(test: Test) -> Match:
    read = test.field.read
    if not test.operator:
        return lambda node, now_us: bool(read(node, now_us))
    if test.operator in _ORDER:
        compare, limit = _ORDER[test.operator], test.values[0]
        return lambda node, now_us: (value := read(node, now_us)) is not None and compare(value, limit)
    if test.operator == "~":
        wanted = str(test.values[0]).casefold()
        return lambda node, now_us: any(wanted in text.casefold() for text in _texts(read(node, now_us)))
    holds = _equal_to(test)
    if test.operator == "!=":
        return lambda node, now_us: not holds(read(node, now_us))
    return lambda node, now_us: holds(read(node, now_us))


def _equal_to(test: Test) -> Callable[[Any], bool]:
    if test.field.kind in {"text", "list"}:
        texts = {str(value) for value in test.values}
        return lambda value: any(text in texts for text in _texts(value))
    values: tuple[Value, ...] = test.values
    return lambda value: value is not None and value in values


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return tuple(map(str, value))
    return (str(value).lower() if isinstance(value, bool) else "" if value is None else str(value),)
