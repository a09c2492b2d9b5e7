"""Traces: which command ran when, for how long, and how it ended; the newest few thousand, in memory."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """One command run; times are UTC microseconds and float seconds."""

    command: str
    actor: str
    cause: str
    outcome: str
    ended_us: int
    duration_s: float


class Traces:
    """A bounded list of spans, newest last."""

    def __init__(self, most: int = 4096) -> None:
        self._spans: deque[Span] = deque(maxlen=most)

    def __len__(self) -> int:
        return len(self._spans)

    def add(self, span: Span) -> None:
        """Remember one command run."""
        self._spans.append(span)

    def newest(self, most: int = 100) -> tuple[Span, ...]:
        """Return the newest `most` spans, newest first."""
        return tuple(self._spans)[: -most - 1 : -1]
