"""Who may limit a control group, and what it was found with: one holder at a time, and a note that outlives the holder.

The claim is a lock that the system drops with its holder; beside it stands, from before the first change on, the limit that
the group was found with. A holder that is killed cannot put that back, so whoever claims the group next does, from whichever
home, before looking at what there is; and so does every console at its start (`put_back`). A note is of one very group: one
that was made anew under the same name, or after a new start of the machine, is left alone.
"""

import hashlib
import json
import logging
import re
from pathlib import Path
from typing import IO, Final

from app.engine.base.errors import Conflict, Refused
from app.engine.base.platform import cache_folder, make_private, replace_file, try_lock, unlock

log = logging.getLogger(__name__)
_LIMIT: Final = re.compile(r"max|[0-9]+")
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


def limit_again(group: Path, limit: str) -> None:
    """Write `limit` (bytes, or max) as the `memory.high` of a group."""
    (group / "memory.high").write_text(f"{limit}\n", "ascii")


class Claim:
    """A group for this process alone until `let_go`.

    Raises `Conflict` where somebody else has it, `Refused` where it cannot be claimed or its limit not be put back.
    """

    def __init__(self, group: Path) -> None:
        self._group = group
        try:
            self._lock_file = make_private(_folder()) / f"{_name(group)}.lock"
            held = try_lock(self._lock_file)
        except OSError as error:
            raise _refused(group, error) from error
        if held is None:
            raise Conflict("{group} is steered already", group=group, hint="One controller at a time may limit a group.")
        self._held: IO[bytes] = held
        self._is = _which(group)
        try:
            _settle(self._note)
        except OSError as error:
            unlock(held)
            raise _refused(group, error) from error

    @property
    def _note(self) -> Path:
        return self._lock_file.with_suffix(".found")

    @property
    def held(self) -> bool:
        """Tell whether this is still our claim; a child that was forked has none."""
        return not self._held.closed

    @property
    def stands(self) -> bool:
        """Tell whether the group is still the one that was claimed: it may be gone, or made anew under the same name."""
        return bool(self._is) and self._is == _which(self._group)

    def note(self, found: str) -> None:
        """Write down what the group was found with, before it is first changed."""
        told = {"group": str(self._group.resolve()), "limit": found, "is": self._is}
        replace_file(self._note, json.dumps(told).encode())

    def let_go(self) -> None:
        """Let others claim the group, which has again what it was found with."""
        if self.held:
            self._note.unlink(missing_ok=True)
            unlock(self._held)

    def drop(self) -> None:
        """Let others claim the group; the next one gives it back what it was found with."""
        unlock(self._held)


def put_back() -> None:
    """Give every group whose holder was killed the limit it was found with; those of holders that live are left alone."""
    for note in sorted(_folder().glob("*.found")):
        try:
            held = try_lock(note.with_suffix(".lock"))
            if held is not None:
                try:
                    _settle(note)
                finally:
                    unlock(held)
        except OSError as error:
            log.warning("what %s tells of was not put back: %s", note, error)


def _settle(note: Path) -> None:
    """Put back what a note tells of, with its lock held; what makes no sense is told and forgotten."""
    try:
        text = note.read_bytes()
    except FileNotFoundError:
        return
    try:
        told = json.loads(text)
        group, limit, which = Path(told["group"]), str(told["limit"]), str(told["is"])
        if _LIMIT.fullmatch(limit) is None:
            raise ValueError(f"{limit!r} is no limit")
        if which and which == _which(group):
            limit_again(group, limit)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        log.warning("%s cannot be read, a group may have kept a limit of ours: %s", note, error)
    note.unlink(missing_ok=True)


def _which(group: Path) -> str:
    """Return what tells a group from another one of the same name; nothing where it is gone."""
    try:
        boot = _BOOT.read_text("ascii").strip() if _BOOT.exists() else ""
        return f"{boot} {group.stat().st_ino}"
    except FileNotFoundError:
        return ""


def _folder() -> Path:
    return cache_folder() / "groups"


def _name(group: Path) -> str:
    return hashlib.sha256(str(group.resolve()).encode()).hexdigest()[:32]


def _refused(group: Path, error: OSError) -> Refused:
    return Refused("{group} cannot be claimed: {why}", group=group, why=error.strerror or error)
