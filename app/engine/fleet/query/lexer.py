"""Splits a query into words with their places, so that a mistake can be shown where it stands."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from app.engine.base.errors import BadInput

Kind = Literal["word", "text", "number", "operator", "open", "close", "comma", "end"]

_PARTS: Final = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?:%|(?:[kKMGT]i?)?B\b|(?:us|ms|min|s|h|d)\b)?(?![\w.:-]))
  | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<operator>==|!=|<=|>=|=|<|>|~)
  | (?P<open>\()
  | (?P<close>\))
  | (?P<comma>,)
  | (?P<word>[^\W][\w.:/-]*)
    """,
    re.VERBOSE,
)
_ESCAPED: Final = re.compile(r"\\(.)")


@dataclass(frozen=True)
class Token:
    """One word: what kind, what it says (a text without its quotes), and where it begins and ends (from 0)."""

    kind: Kind
    text: str
    begin: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """Return the words of `text` and one that says where it ends; raise `BadInput` with the place of what is none."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        part = _PARTS.match(text, at)
        if part is None or part.lastgroup is None:
            if text[at] in "\"'":
                raise BadInput("The text that begins at place {place} has no end", field="query", place=at + 1)
            raise BadInput("{character} at place {place} belongs to no query", field="query", character=text[at], place=at + 1)
        if part.lastgroup != "space":
            said = part.group()
            said = _ESCAPED.sub(r"\1", said[1:-1]) if part.lastgroup == "text" else said
            found.append(Token(part.lastgroup, said, at, part.end()))  # type: ignore[arg-type] # the groups are the kinds
        at = part.end()
    return [*found, Token("end", "", len(text), len(text))]
