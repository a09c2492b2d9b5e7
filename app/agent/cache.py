"""Answers kept for inputs that come again: least recently used first out, never more than a budget of bytes."""

import hashlib
from collections import OrderedDict
from typing import Final

_OVERHEAD_BYTES: Final = 200  # a key, its links and the object, about


class AnswerCache:
    """Packed answers by model, version and input; 0 bytes keep none. Used on the loop alone."""

    def __init__(self, most_bytes: int = 0) -> None:
        self.most_bytes = most_bytes
        self.size_bytes = 0
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    @staticmethod
    def key(artifact: str, body: bytes) -> bytes:
        """Return the key of an input to a version of a model; another version never answers for it."""
        return hashlib.blake2b(body, digest_size=24, key=hashlib.blake2b(artifact.encode()).digest()[:32]).digest()

    def get(self, key: bytes) -> bytes | None:
        """Return the answer kept under `key`, now the newest."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: bytes, answer: bytes) -> None:
        """Keep an answer; one larger than the whole budget is left out."""
        if len(answer) + _OVERHEAD_BYTES > self.most_bytes:
            return
        self._drop(key)
        self._kept[key] = answer
        self.size_bytes += len(answer) + _OVERHEAD_BYTES
        self.limit(self.most_bytes)

    def limit(self, most_bytes: int) -> None:
        """Keep at most `most_bytes` from now on."""
        self.most_bytes = most_bytes
        while self.size_bytes > most_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: bytes) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self.size_bytes -= len(gone) + _OVERHEAD_BYTES
