"""Orders to a controller that runs in a process of its own: one small file that it looks at once a turn.

A job can only be told to end; an operator also wants to change its mode, to end it in peace, or to kill it. The file
holds one order per line; each is taken once, in order.
"""

from pathlib import Path
from typing import Final

from app.engine.control.records import MODES

END: Final = "end"
KILL: Final = "kill"
# Not an operator's: many run beside it, so it tells less often.
RARELY: Final = "rarely"
KNOWN: Final = (*MODES, END, KILL, RARELY)


def give(path: Path, order: str) -> None:
    """Add an order for the controller that looks at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(order + "\n")


class Orders:
    """The reader's side: `take` returns what is new; without a path there is never anything."""

    def __init__(self, path: str | None = None) -> None:
        self._path = Path(path) if path else None
        self._taken = 0

    def take(self) -> list[str]:
        """Return the orders given since the last call, known ones only; a file that cannot be read holds none."""
        if self._path is None:
            return []
        try:
            if self._path.stat().st_size <= self._taken:
                return []
            text = self._path.read_bytes()[self._taken :]
        except OSError:
            return []
        end = text.rfind(b"\n") + 1
        self._taken += end
        return [line for line in text[:end].decode("utf-8", "replace").splitlines() if line in KNOWN]
