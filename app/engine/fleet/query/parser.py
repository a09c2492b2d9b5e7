"""Reads a query into a tree; every mistake is told with its place, and with the word that was probably meant.

expression := all ("or" all)*          all  := part ("and" part)*
part       := "not" part | "(" expression ")" | text | field [operator value | ["not"] "in" "(" value ("," value)* ")"]
"""

from dataclasses import dataclass
from typing import Final

from app.engine.base.errors import BadInput
from app.engine.fleet.query.fields import FIELDS, Field, field_of, near
from app.engine.fleet.query.lexer import Token, tokens_of

Value = str | float | bool
_MOST_DEEP: Final = 50
_UNITS: Final = {
    "": 1.0, "%": 0.01, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "B": 1.0,
    "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
    "KiB": 2.0**10, "kiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40,
}  # fmt: skip
_FITS: Final = {
    "ratio": {"", "%"},
    "duration": {"", "us", "ms", "s", "min", "h", "d"},
    "bytes": {unit for unit in _UNITS if unit == "" or unit.endswith("B")},
    "whole": {""},
    "degrees": {""},
}
_WORDS: Final = frozenset({"and", "or", "not", "in"})
_FLAGS: Final = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True)
class Test:
    """One field asked: `operator` is one of == != < <= > >= ~, or empty for "holds anything"; `in` has many values."""

    field: Field
    operator: str = ""
    values: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Anywhere:
    """A text looked for in names, sites, addresses, labels and models."""

    text: str


@dataclass(frozen=True)
class Not:
    """What must not hold."""

    part: "Expression"


@dataclass(frozen=True)
class Both:
    """All (`every`) or any of the parts must hold."""

    every: bool
    parts: tuple["Expression", ...]


Expression = Test | Anywhere | Not | Both


def parse(text: str) -> Expression | None:
    """Return the tree of `text`, None for an empty one; raise `BadInput` (field "query") that names place and reason."""
    tokens = tokens_of(text)
    if len(tokens) == 1:
        return None
    reader = _Reader(tokens)
    found, left = reader.expression(0), reader.now
    if left.kind != "end":
        raise BadInput(
            "{word} at place {place} is one too many", field="query", word=left.text, place=left.begin + 1,
            hint="Join comparisons with and, or.",
        )  # fmt: skip
    return found


class _Reader:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens, self._at = tokens, 0

    @property
    def now(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self.now
        self._at += token.kind != "end"
        return token

    def _skip(self, word: str) -> bool:
        found = self.now.kind == "word" and self.now.text.lower() == word
        self._at += found
        return found

    def expression(self, deep: int) -> Expression:
        if deep > _MOST_DEEP:
            raise BadInput("The query is nested too deep at place {place}", field="query", place=self.now.begin + 1)
        parts = [self._all(deep)]
        while self._skip("or"):
            parts.append(self._all(deep))
        return parts[0] if len(parts) == 1 else Both(False, tuple(parts))

    def _all(self, deep: int) -> Expression:
        parts = [self._part(deep)]
        while self._skip("and"):
            parts.append(self._part(deep))
        return parts[0] if len(parts) == 1 else Both(True, tuple(parts))

    def _part(self, deep: int) -> Expression:
        negations = 0
        while self._skip("not"):
            negations += 1
        found = self._single(deep)
        return Not(found) if negations % 2 else found

    def _single(self, deep: int) -> Expression:
        token = self._take()
        if token.kind == "open":
            found = self.expression(deep + 1)
            if self._take().kind != "close":
                raise BadInput("The parenthesis at place {place} is not closed", field="query", place=token.begin + 1)
            return found
        if token.kind == "text":
            return Anywhere(token.text)
        if token.kind == "word" and token.text.lower() not in _WORDS:
            return self._test(token)
        raise _expected("a field", token)

    def _test(self, token: Token) -> Expression:
        field = field_of(token.text)
        if field is None:
            guess = near(token.text)
            raise BadInput(
                "There is no field {name} (place {place})", field="query", name=token.text, place=token.begin + 1,
                guess=guess or ", ".join(FIELDS), hint="Did you mean {guess}?" if guess else "The fields: {guess}.",
            )  # fmt: skip
        if self.now.kind == "operator":
            return self._compare(field, self._take())
        turned = self._skip("not")
        if self._skip("in"):
            found: Expression = Test(field, "==", self._list(field))
            return Not(found) if turned else found
        if turned:
            raise _expected("in", self.now)
        return Test(field)

    def _compare(self, field: Field, operator: Token) -> Test:
        sign = "==" if operator.text == "=" else operator.text
        if sign in {"<", "<=", ">", ">="} and field.kind not in _FITS:
            raise BadInput(
                "{name} has no order, so {operator} at place {place} asks nothing", field="query", name=field.name,
                operator=sign, place=operator.begin + 1, hint="Use ==, != or ~.",
            )  # fmt: skip
        if sign == "~" and field.kind not in {"text", "list"}:
            raise BadInput(
                "{name} is no text, so ~ at place {place} finds nothing in it", field="query", name=field.name,
                place=operator.begin + 1, hint="Use ==, <, >.",
            )  # fmt: skip
        return Test(field, sign, (self._value(field),))

    def _list(self, field: Field) -> tuple[Value, ...]:
        if self._take().kind != "open":
            raise _expected("(", self._tokens[self._at - 1])
        values = [self._value(field)]
        while (token := self._take()).kind == "comma":
            values.append(self._value(field))
        if token.kind != "close":
            raise _expected(", or )", token)
        return tuple(values)

    def _value(self, field: Field) -> Value:
        token = self._take()
        if token.kind not in {"text", "word", "number"} or (token.kind == "word" and token.text.lower() in _WORDS):
            raise _expected("a value", token)
        if field.kind == "flag":
            if token.text.lower() not in _FLAGS:
                raise _expected("true or false", token)
            return _FLAGS[token.text.lower()]
        if field.kind in _FITS:
            return _number(field, token)
        return token.text


def _number(field: Field, token: Token) -> float:
    digits = token.text.rstrip("%BkKMGTihdusmn") if token.kind == "number" else ""
    unit = token.text[len(digits) :]
    if not digits or unit not in _UNITS or unit not in _FITS[field.kind]:
        raise BadInput(
            "{name} takes a number ({units}), not {word} at place {place}", field="query", name=field.name, word=token.text,
            place=token.begin + 1, units=", ".join(sorted(_FITS[field.kind] - {""})) or "no unit",
        )  # fmt: skip
    return float(digits) * _UNITS[unit]


def _expected(what: str, token: Token) -> BadInput:
    if token.kind == "end":
        return BadInput("The query ends where {what} was expected", field="query", what=what, place=token.begin + 1)
    return BadInput(
        "At place {place} {what} was expected, not {word}", field="query", what=what, word=token.text, place=token.begin + 1
    )
