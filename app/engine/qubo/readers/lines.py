"""Text files of numbers, read line by line so that every complaint names file, line and reason."""

import math
import re
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.engine.qubo.problem import Sense

_SENSE: Final = re.compile(r"\W*sense\s*=\s*(\S*)", re.IGNORECASE)
_BEASLEY: Final = "beasley"
TOLD, COMMENTS = "told", "comments"
_BLOCK = 4096


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines of a text as `splitlines` has them, a block at a time: who asks for the first has little to pay."""
    at = 0
    while at < len(text):
        end = text.find("\n", at + _BLOCK) + 1 or len(text)
        yield from text[at:end].splitlines()
        at = end


class Lines:
    """The lines of a text that say something: iterating gives their words, `number` is the line they stand on (from 1)."""

    def __init__(self, text: str, file: str, comments: tuple[str, ...]) -> None:
        self._lines, self.file, self._comments = text.splitlines(), file, comments
        self.number = 0

    def __iter__(self) -> Iterator[list[str]]:
        for number, line in enumerate(self._lines, 1):
            words = line.split()
            if words and not words[0].startswith(self._comments):
                self.number = number
                yield words

    def bad(self, reason: str, *, line: int = 0, **values: object) -> BadInput:
        """Return the error to raise: `reason` is a literal template, `line` the line at fault (this one unless said)."""
        return BadInput(
            "{file}, line {line}: {reason}",
            field="file", file=self.file, line=line or self.number or 1, reason=tr(reason, **values),
        )  # fmt: skip

    def whole(self, word: str, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`."""
        if not (word.isascii() and word.isdigit()) or len(word) > 18 or not low <= int(word) <= high:
            raise self.bad("expected a whole number from {low} to {high}, found {word}", low=low, high=high, word=short(word))
        return int(word)

    def count(self, word: str) -> int:
        """Return a count, 0 or more; how large it may be is for the caller to say."""
        return self.whole(word, 0, 10**18 - 1)

    def real(self, word: str) -> float:
        """Return a finite number."""
        try:
            value = float(word) if "_" not in word else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or abs(value) > 1e15:
            raise self.bad("expected a finite number, found {word}", word=short(word))
        return value

    def refuse_twice(self, low: NDArray[np.int64], high: NDArray[np.int64], lines: NDArray[np.int64], first: int) -> None:
        """Raise when one pair (`low`, `high`) stands on two of `lines`; `first` is the number of the first node."""
        order = np.lexsort((lines, high, low))
        same = np.flatnonzero((np.diff(low[order]) == 0) & (np.diff(high[order]) == 0))
        if len(same):
            k = order[same + 1][np.argmin(lines[order[same + 1]])]
            before = lines[(low == low[k]) & (high == high[k])].min()
            raise self.bad(
                "the pair {i} {j} stands already on line {before}",
                line=int(lines[k]), i=int(low[k]) + first, j=int(high[k]) + first, before=int(before),
            )  # fmt: skip


def sense_told(text: str, file: str, marks: tuple[str, ...], otherwise: tuple[Sense, Sense]) -> tuple[Sense, str]:
    """Return which way a file of numbers goes and what decided: TOLD, COMMENTS (they name Beasley), or "" for the format.

    `otherwise` holds the sense of the format, and that of Beasley's problems in it. Only comments before the first line of
    another kind count, and the last line of all, whose word is the last.
    """
    found: tuple[Sense, str] = (otherwise[0], "")
    for number, line in _comments(text, marks):
        told = _SENSE.match(line)
        word = told[1].lower() if told else ""
        if told and word not in ("min", "max"):
            lines = Lines("", file, marks)
            raise lines.bad("sense is min or max, not {word}", line=number, word=short(word))
        if told:
            found = ("max" if word == "max" else "min", TOLD)
        elif _BEASLEY in line.lower() and not found[1]:
            found = (otherwise[1], COMMENTS)
    return found


def _comments(text: str, marks: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Yield number and words of the comment lines at the head, and of the last line when it is one."""
    at, number = 0, 0
    while at < len(text):
        end = text.find("\n", at)
        line, at, number = text[at : end if end >= 0 else len(text)].strip(), end + 1 if end >= 0 else len(text), number + 1
        if line and not line.startswith(marks):
            break
        yield number, line[1:]
    last = text.rstrip()
    line = last[last.rfind("\n") + 1 :].strip()
    if line.startswith(marks):
        yield last.count("\n") + 1, line[1:]


def short(word: str) -> str:
    """Return a word from a file as it may stand in a message."""
    return repr(word if len(word) <= 30 else word[:29] + "…")


def number_text(value: float) -> str:
    """Return a number as a file holds it: whole numbers without a point, others exactly."""
    return str(int(value)) if value == int(value) else repr(float(value))
