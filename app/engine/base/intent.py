"""What command the present task works for, so that a change can say what it was meant for, however deep it is made."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

INTENT: Final[ContextVar[str]] = ContextVar("intent", default="")


@contextlib.contextmanager
def meaning(command: str) -> Iterator[None]:
    """Let what is written inside, and in tasks begun inside, be meant by `command`."""
    token = INTENT.set(command)
    try:
        yield
    finally:
        INTENT.reset(token)
