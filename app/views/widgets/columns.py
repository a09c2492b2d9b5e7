"""Columns as data: how a record's field is fetched, written, sorted and coloured."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

R = TypeVar("R")


@dataclass(frozen=True)
class Column(Generic[R]):
    """One column over records of type R.

    `get` returns a str, int, float, bool or None, by which is sorted; `text` writes it for people, or `say` the record;
    `token` names a theme colour for a record;
    `live` says that the text changes with the time of day (ages), so that it is drawn again every second;
    `spare` that the column is not shown before somebody chooses it.
    """

    key: str
    title: str
    get: Callable[[R], Any]
    text: Callable[[Any], str] = str
    width: int = 120
    right: bool = False
    mono: bool = False
    live: bool = False
    token: Callable[[R], str] | None = None
    hint: str = ""
    say: Callable[[R], str] | None = None
    spare: bool = False

    def write(self, record: R) -> str:
        """Return what the cell says; an unknown value is an en dash."""
        if self.say is not None:
            return self.say(record)
        value = self.get(record)
        return "–" if value is None else self.text(value)


def matches(needle: str, haystack: str, fields: Callable[[str], str | None]) -> bool:
    """Tell whether every word of `needle` is in `haystack`, or, written as `column==value`, equals that column's text."""
    for word in needle.casefold().split():
        name, equals, wanted = word.partition("==")
        if equals and name:
            if (fields(name) or "").casefold() != wanted.strip('"'):
                return False
        elif word not in haystack:
            return False
    return True
