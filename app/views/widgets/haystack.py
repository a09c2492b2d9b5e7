"""The texts a table's filter searches: one casefolded text a row, made when first needed and kept until the row changes."""

from collections.abc import Callable, Iterable, Sequence
from itertools import compress, repeat
from operator import contains

import numpy as np
from numpy.typing import NDArray


class Haystack:
    """Texts by slot; `text_at` makes the one of a slot when it is first needed."""

    def __init__(self, count: int, text_at: Callable[[int], str]) -> None:
        self._texts: list[str] = [""] * count
        self._text_at = text_at
        self._warmed = 0

    def extend(self, count: int) -> None:
        """Have `count` more rows."""
        self._texts.extend([""] * count)

    def forget(self, slot: int) -> None:
        """Make the text of a slot anew when it is next needed."""
        self._texts[slot] = ""
        self._warmed = min(self._warmed, slot)

    def compact(self, keep: Sequence[bool] | NDArray[np.bool_]) -> None:
        """Keep the rows where `keep` is true."""
        self._texts = list(compress(self._texts, keep))
        self._warmed = 0

    def text(self, slot: int) -> str:
        """Return the text of a slot."""
        if not self._texts[slot]:
            self._texts[slot] = self._text_at(slot)
        return self._texts[slot]

    def warm(self, most: int = 0) -> bool:
        """Prepare the texts of `most` rows now (0: of all); tell whether some are left."""
        count = len(self._texts)
        last = min(count, self._warmed + most) if most else count
        for slot in range(self._warmed, last):
            if not self._texts[slot]:
                self._texts[slot] = self._text_at(slot)
        self._warmed = last
        return last < count

    def holding(self, words: Iterable[str]) -> NDArray[np.bool_]:
        """Tell of every row whether its text holds all `words`, which are casefolded."""
        self.warm()
        slots: NDArray[np.intp] | None = None  # none yet: all
        texts = self._texts
        for word in sorted(set(words), key=len, reverse=True):
            found = np.frombuffer(bytes(map(contains, texts, repeat(word))), np.bool_)
            if not found.all():
                texts = list(compress(texts, found))
                slots = np.flatnonzero(found) if slots is None else slots[found]
        wanted = np.ones(len(self._texts), bool)
        if slots is not None:
            wanted[:] = False
            wanted[slots] = True
        return wanted
