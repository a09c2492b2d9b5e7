"""Columns as data: how a record's field is fetched, written, sorted and coloured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

R = TypeVar("R")


@dataclass(frozen=True)
class Column(Generic[R]):
    """One column over records of type R.

    `get` returns a str, int, float, bool or None, by which is sorted; `text` writes it for people, or `say` the record;
    `token` names a theme colour for a record;
    `live` says that the text changes with the time of day (ages), so that it is drawn again every second.
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

    def write(self, record: R) -> str:
        """Return what the cell says; an unknown value is an en dash."""
        if self.say is not None:
            return self.say(record)
        value = self.get(record)
        return "–" if value is None else self.text(value)


def sort_order(values: Sequence[Any], *, descending: bool) -> NDArray[np.intp]:
    """Return the stable order that sorts `values` (numbers, or texts without regard to case); None and NaN come last."""
    if all(value is None or isinstance(value, (int, float)) for value in values):
        numbers = np.array([np.nan if value is None else value for value in values], float)
        return np.argsort(-numbers if descending else numbers, kind="stable")
    texts = np.array(["" if value is None else str(value).casefold() for value in values])
    missing = np.array([value is None for value in values], bool)
    _, ranks = np.unique(texts, return_inverse=True)
    ranks = np.where(missing, len(values), -ranks if descending else ranks)
    return np.argsort(ranks, kind="stable")


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
