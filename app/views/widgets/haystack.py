"""The texts a table's filter searches: one casefolded text a row, made when first needed and kept until the row changes."""

from collections.abc import Callable, Iterable, Sequence
from itertools import compress, repeat
from operator import contains
from typing import Final

import numpy as np
from numpy.typing import NDArray

_MOST_WORDS: Final = 16


class Haystack:
    """Texts by slot; `text_at` makes the one of a slot when it is first needed."""

    def __init__(self, count: int, text_at: Callable[[int], str]) -> None:
        self._texts: list[str] = [""] * count
        self._text_at = text_at
        self._warmed = 0
        self._found: dict[str, NDArray[np.bool_]] = {}

    def extend(self, count: int) -> None:
        """Have `count` more rows."""
        self._found.clear()
        self._texts.extend([""] * count)

    def forget(self, slot: int) -> None:
        """Make the text of a slot anew when it is next needed."""
        self._texts[slot] = ""
        self._found.clear()
        self._warmed = min(self._warmed, slot)

    def compact(self, keep: Sequence[bool] | NDArray[np.bool_]) -> None:
        """Keep the rows where `keep` is true."""
        self._texts = list(compress(self._texts, keep))
        self._found.clear()
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
        wanted = np.ones(len(self._texts), bool)
        for word in set(words):
            wanted &= self._holding(word)
        return wanted

    def _holding(self, word: str) -> NDArray[np.bool_]:
        """Look for one word: what was found before is kept, and a longer word is looked for only where a shorter one was."""
        found = self._found.pop(word, None)
        if found is None:
            inside = [self._found[shorter] for shorter in self._found if shorter in word]
            among = min(inside, key=np.count_nonzero, default=None)
            if among is None or among.all():
                found = np.frombuffer(bytes(map(contains, self._texts, repeat(word))), np.bool_)
            else:
                found = np.zeros(len(self._texts), bool)
                found[among] = np.frombuffer(bytes(map(contains, compress(self._texts, among), repeat(word))), np.bool_)
        self._found[word] = found  # at the end again: the last one used goes last
        if len(self._found) > _MOST_WORDS:
            del self._found[next(iter(self._found))]
        return found
