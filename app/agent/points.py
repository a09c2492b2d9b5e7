"""Named points on a model's way into service, so that a trial can cut the power at each of them.

In service nothing is hooked here and `reached` does nothing.
"""

from collections.abc import Callable
from typing import Final

NAMES: Final = (
    "piece.kept",
    "artifact.whole",
    "artifact.kept",
    "delta.applied",
    "slot.emptied",
    "slot.filled",
    "slot.pointed",
    "prepare.tested",
    "prepare.done",
    "activate.ready",
    "activate.done",
    "commit.done",
    "rollback.done",
)

_hooks: list[Callable[[str], None]] = []


def on_reached(hook: Callable[[str], None]) -> Callable[[], None]:
    """Have `hook` told each point that is reached; the function returned ends that."""
    _hooks.append(hook)
    return lambda: _hooks.remove(hook)


def reached(name: str) -> None:
    """Say that the point `name` was reached."""
    for hook in _hooks:
        hook(name)
