"""What a node remembers of a session of training between its rounds: a file per round, the newest two of each session.

A round that is asked again, because the console went down before it was over, starts from the same memory as the first time.
What was remembered in a round that came to nothing, because its update was late or rejected, is not remembered on.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.base.platform import replace_file
from app.engine.learning.records import SESSIONS_KEPT

_KEPT_ROUNDS: Final = 2
_SESSION_CHARACTERS: Final = 64
_NAME = "abcdefghijklmnopqrstuvwxyz0123456789-"


class Keeper:
    """The memory of the session that `spec` (a document of `LocalSpec`) names; one without a session remembers nothing.

    `since` is the last round in which an update of this node counted, where the console says so.
    """

    def __init__(self, folder: Path, spec: Mapping[str, Any], since: int | None = None) -> None:
        session = str(spec.get("session", ""))
        if len(session) > _SESSION_CHARACTERS or set(session) - set(_NAME):
            raise BadInput("{name} is no session id", name=repr(session[:80]), field="session")
        self._folder = folder / session if session else None
        self._round = int(spec.get("round", 0))
        self._since = since

    def load(self) -> NDArray[np.float32] | None:
        """Return what was remembered before this round, or None."""
        earlier = self._earlier()
        return np.frombuffer(earlier[-1].read_bytes(), "<f4").astype(np.float32) if earlier else None

    def keep(self, memory: NDArray[np.float32] | None) -> None:
        """Remember `memory` as of this round, and forget what is too old."""
        if self._folder is None or memory is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        replace_file(self._folder / f"{self._round}.f32", np.asarray(memory, "<f4").tobytes())
        files = self._files()
        if self._since is not None:  # what came to nothing must not push out what counted
            held = {self._round, *(int(path.stem) for path in self._earlier()[-1:])}
            files = [*(path for path in files if int(path.stem) not in held), *(p for p in files if int(p.stem) in held)]
        for path in files[:-_KEPT_ROUNDS]:
            path.unlink()
        sessions = sorted(self._folder.parent.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for old in sessions[:-SESSIONS_KEPT]:
            for path in old.iterdir():
                path.unlink()
            old.rmdir()

    def _earlier(self) -> list[Path]:
        last = self._round - 1 if self._since is None else min(self._round - 1, self._since)
        return [path for path in self._files() if int(path.stem) <= last]

    def _files(self) -> list[Path]:
        if self._folder is None or not self._folder.is_dir():
            return []
        return sorted((path for path in self._folder.glob("*.f32") if path.stem.isdigit()), key=lambda path: int(path.stem))
