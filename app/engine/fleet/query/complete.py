"""What could come next in a query: fields, operators, values that nodes really have, or how to join."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.engine.base.errors import BadInput
from app.engine.fleet.query.fields import FIELDS, field_of, values_of
from app.engine.fleet.query.lexer import Token, tokens_of
from app.engine.fleet.records import Node

_ORDERED: Final = ("==", "!=", "<", "<=", ">", ">=")
_TEXT: Final = ("==", "!=", "~", "in")


@dataclass(frozen=True)
class Completions:
    """The words that fit in the place of what stands from `begin` to `end`, each with its meaning."""

    begin: int
    end: int
    words: tuple[tuple[str, str], ...]


def complete(text: str, place: int, nodes: Sequence[Node], now_us: int) -> Completions:
    """Return what could stand at `place` (from 0) of `text`."""
    head = text[:place]
    try:
        tokens = tokens_of(head)[:-1]
    except BadInput:
        quote = max(head.rfind('"'), head.rfind("'"))
        tokens = [*_safe(head[:quote]), Token("word", head[quote + 1 :], quote, place)]
    open_word = tokens[-1] if tokens and tokens[-1].end == place and tokens[-1].kind in {"word", "text", "number"} else None
    before = tokens[:-1] if open_word else tokens
    begin = open_word.begin if open_word else place
    typed = (open_word.text if open_word else "").casefold()
    words = [(word, help_) for word, help_ in _options(before, nodes, now_us) if word.strip('"').casefold().startswith(typed)]
    return Completions(begin, place, tuple(words))


def _safe(text: str) -> list[Token]:
    try:
        return tokens_of(text)[:-1]
    except BadInput:
        return []


def _options(before: list[Token], nodes: Sequence[Node], now_us: int) -> list[tuple[str, str]]:
    last = before[-1] if before else None
    if last is None or (last.kind == "open" and not _in_list(before)) or _is(last, "and", "or", "not"):
        labels = {f"label.{key}" for node in nodes for key in node.labels}
        fields = [(name, field.help) for name, field in FIELDS.items()]
        return [*fields, *((label, "Label") for label in sorted(labels)), ("not", "Turn it round")]
    if last.kind == "operator":
        return _values(before[-2].text if len(before) > 1 else "", nodes, now_us)
    if last.kind in {"open", "comma"}:
        return _values(_list_field(before), nodes, now_us)
    field = field_of(last.text) if last.kind == "word" else None
    if field is not None and not (len(before) > 1 and before[-2].kind == "operator"):
        signs = _TEXT if field.kind in {"text", "list"} else ("==", "!=") if field.kind == "flag" else _ORDERED
        return [*((sign, field.help) for sign in signs), ("and", "Both"), ("or", "Either")]
    return [("and", "Both"), ("or", "Either")]


def _values(name: str, nodes: Sequence[Node], now_us: int) -> list[tuple[str, str]]:
    field = field_of(name)
    if field is not None and field.kind == "flag":
        return [("true", ""), ("false", "")]
    return [(f'"{value}"', name) for value in values_of(name, nodes, now_us)]


def _in_list(before: list[Token]) -> bool:
    return len(before) > 1 and _is(before[-2], "in")


def _list_field(before: list[Token]) -> str:
    at = next((at for at in range(len(before) - 1, 0, -1) if _is(before[at], "in")), 0)
    at -= 1 if at and _is(before[at - 1], "not") else 0
    return before[at - 1].text if at else ""


def _is(token: Token, *words: str) -> bool:
    return token.kind == "word" and token.text.lower() in words
