"""The memory limit of a control group (cgroup v2) as a resource: `memory.high`, where this process may write it.

Above `memory.high` the kernel slows a group down and takes memory back; nothing is killed (Linux, admin-guide/cgroup-v2,
"Memory Interface Files"). Demand is what the group holds, and more while it was held back since the last look. A group that had
no limit at first has none again once it has the size of the upper bound. Who sets it first claims it (`claims`): the limit of
one would be what another takes for the one that it found, and leaves for good.
"""

import os
import threading
import weakref
from pathlib import Path
from typing import Any, Final

from app.engine.base.errors import Missing, Offline, OutpostError, Refused
from app.engine.control.adapters.claims import Claim, limit_again
from app.engine.control.adapters.metered import Metered, Reading
from app.engine.control.adapters.procs import SAMPLER, Sampler, Watched

ROOT: Final = Path("/sys/fs/cgroup")
_PRESSED: Final = 1.25
_NO_LIMIT: Final = "max"
_NOT_OURS: Final = "not delegated to this user"
_DELEGATE: Final = "Have the group delegated, for example by systemd with Delegate=memory."


def group_of(process_id: int = 0, root: Path = ROOT, proc: Path = Path("/proc")) -> Path:
    """Return the folder of a process's group; raises `Missing` with the reason where there is no cgroup v2."""
    if not (root / "cgroup.controllers").exists():
        raise Missing(
            "This system has no control groups of version 2", hint="Steer a cache's budget with MemoryResource instead."
        )
    try:
        text = (proc / (str(process_id) if process_id else "self") / "cgroup").read_text("utf-8")
    except OSError:
        raise Missing("There is no process {pid}", pid=process_id) from None
    path = next((line[3:] for line in text.splitlines() if line.startswith("0::")), "/")
    return root / path.lstrip("/")


def lacking(root: Path = ROOT, proc: Path = Path("/proc")) -> str:
    """Return why the group of this process cannot be steered, or nothing where it can."""
    try:
        return CgroupResource(group_of(root=root, proc=proc)).why_not
    except OutpostError as error:
        return str(error)


class CgroupResource(Metered):
    """The `memory.high` of a group; a group that is not delegated to this process is watched only."""

    name, unit, plant, delay_s = "cgroup", "bytes", "sizing", 0.0
    reserve = 0.25

    def __init__(self, group: Path | None = None, low: int = 16 << 20, high: int = 1 << 34, *, sampler: Sampler = SAMPLER,
                 **more: Any) -> None:  # fmt: skip
        super().__init__(low, high, **more)
        self.group = group_of() if group is None else group
        if not (self.group / "cgroup.controllers").exists():
            raise Missing("{group} is no control group of version 2", group=self.group)
        self._current, self._limit, self._events = (self._watch(sampler, name) for name in ("current", "high", "events"))
        self.why_not = "" if os.access(self.group / "memory.high", os.W_OK) else _NOT_OURS
        self._claimed: Claim | None = None
        self._touched = self._left = False
        # A turn may set the limit while another thread leaves the group as it was found.
        self._setting = threading.RLock()
        self._find()
        self._held_back = self._count("high")

    def _find(self) -> None:
        self._limit.look()
        # The limit it was found with, as the kernel wrote it: it may lie outside our bounds.
        self.found = self._limit.text().strip()
        self._unlimited = self.found == _NO_LIMIT

    def _watch(self, sampler: Sampler, name: str) -> Watched:
        try:
            return sampler.watch(self.group / f"memory.{name}")
        except OSError as error:
            raise Missing("{group} has no memory.{name}: {why}", group=self.group, name=name, why=error.strerror or error,
                          hint="The memory controller is not switched on for this group.") from None  # fmt: skip

    def _count(self, name: str) -> float:
        return next((float(line.split()[1]) for line in self._events.text().splitlines() if line.startswith(f"{name} ")), 0.0)

    def _size(self) -> float:
        limit = self._limit.text().strip()
        return self.high if limit == _NO_LIMIT else min(max(float(limit), self.low), self.high)

    def read(self) -> Reading:
        """Return the figures now; a group without a limit has the size of the upper bound."""
        try:
            size, current = self._size(), float(self._current.text())
        except ValueError as error:
            raise Offline("{group} tells no memory: {why}", group=self.group, why=error) from None
        held_back, before = self._count("high"), self._held_back
        self._held_back = held_back
        return Reading(size, busy=current, dropped=held_back, demand=current * (_PRESSED if held_back > before else 1.0))

    def need_ours(self) -> None:
        """Raise `Refused` with the reason where the limit may not be set."""
        if self.why_not:
            raise Refused("{group} cannot be limited: {why}", group=self.group, why=self.why_not, hint=_DELEGATE)

    def claim(self) -> None:
        """Have the group for this resource alone until it is left as found; raises `Conflict` where somebody else steers it.

        The system lets go of the claim with the process. One user's claims count in all his homes.
        """
        with self._setting:
            self.need_ours()
            if self._claimed is not None and self._claimed.held:
                return
            self._claimed, self._touched = Claim(self.group), False
            weakref.finalize(self, self._claimed.drop).atexit = False  # whoever leaves at the end of the program still needs it
            try:
                self._find()  # who had it before may have set it since we looked
            except OutpostError:
                self._claimed.let_go()
                raise

    def resize(self, size: float) -> float:
        """Set the limit and return what the kernel kept; raises as `claim`, and where the group was left or is gone."""
        with self._setting:
            if self._left:
                raise Refused("{group} was left as it was found", group=self.group)
            self.claim()
            if self._claimed is not None and not self._claimed.stands:
                raise Missing("{group} is gone, or another one of that name by now", group=self.group)
            limit = _NO_LIMIT if self._unlimited and size >= self.high else str(round(size))
            if not self._touched and self._claimed is not None:
                self._claimed.note(self.found)
            self._touched = True
            limit_again(self.group, limit)
            self._limit.look()
            return self._size()

    def leave_as_found(self) -> None:
        """Write back the very limit the group was found with, where it was set from here; none is set until `take_up`."""
        with self._setting:
            self._left = True
            if self._claimed is None or not self._claimed.held:
                return
            if self._touched:
                self._give_back(self._claimed)
            self._touched = False
            self._claimed.let_go()

    def _give_back(self, claimed: Claim) -> None:
        """Write back what the group was found with; one that is gone needs nothing, one made anew has its own."""
        try:
            if claimed.stands:
                limit_again(self.group, self.found)
        except OSError:
            if claimed.stands:
                raise
        self._limit.look()

    def take_up(self) -> None:
        """Let sizes be set again after the group was left."""
        self._left = False

    def get_metrics(self) -> dict[str, float]:
        """Return what the group holds, its limit, and how often it was held back, ran into its maximum, or lost a process."""
        return {
            "memory_bytes": float(self._current.text()), "limit_bytes": self._size(), "held_back_count": self._count("high"),
            "maximum_count": self._count("max"), "killed_count": self._count("oom_kill"),
        }  # fmt: skip
