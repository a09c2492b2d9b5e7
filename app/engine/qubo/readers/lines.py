"""Text files of numbers, read line by line so that every complaint names file, line and reason."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.base.text import tr


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


def short(word: str) -> str:
    """Return a word from a file as it may stand in a message."""
    return repr(word if len(word) <= 30 else word[:29] + "…")


def number_text(value: float) -> str:
    """Return a number as a file holds it: whole numbers without a point, others exactly."""
    return str(int(value)) if value == int(value) else repr(float(value))
