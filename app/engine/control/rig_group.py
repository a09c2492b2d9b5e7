"""A control group as a rig without a load: what runs in the group is yours, and so is the memory it asks for.

It outlives us, so the limit it was found with is written down before the first change (`RUN.found` beside the run's orders): a
run that is killed cannot put it back itself, and whoever looks next does (`put_back`).
"""

import json
import logging
from pathlib import Path
from typing import Any, Final

from app.engine.base.contracts import Resource  # noqa: TC001 - a protocol's member is declared with it
from app.engine.base.errors import BadInput
from app.engine.control.adapters.cgroup import CgroupResource, limit_again
from app.engine.control.records import APPLY

log = logging.getLogger(__name__)
NOTE: Final = ".found"


def put_back(note: Path) -> bool:
    """Give the group of a note that a run left behind the limit it was found with; tell whether there was such a note."""
    try:
        found = json.loads(note.read_text("utf-8"))
    except FileNotFoundError:
        return False
    except ValueError as error:
        found = {}
        log.warning("%s cannot be read, a group may have kept a limit of ours: %s", note, error)
    if found:
        try:
            limit_again(Path(found["group"]), str(found["limit"]))
        except OSError as error:
            log.warning("%s did not get its limit of %s back: %s", found["group"], found["limit"], error)
    note.unlink(missing_ok=True)
    return True


class GroupRig:
    """The group in `more["group"]`; where it is to be limited raises `Refused`, and `Conflict` where another run does so."""

    def __init__(self, _size: int, low: int, high: int, more: dict[str, Any]) -> None:
        if not more.get("group"):
            raise BadInput("A control group is named by its folder", field="group", hint="Give it with --group.")
        resource = CgroupResource(Path(more["group"]), low, high)
        if more.get("mode") == APPLY:
            resource.claim()
        self._note = Path(more["orders"]).with_suffix(NOTE) if more.get("orders") else None
        resource.before_first = self._write_down
        self.resource: Resource = resource
        self._group = resource
        # The limit it was found with, within the bounds; in the end it is left with the very one.
        self.safe = resource.measure_state().size

    def _write_down(self) -> None:
        if self._note is not None:
            self._note.parent.mkdir(parents=True, exist_ok=True)
            self._note.write_text(json.dumps({"group": str(self._group.group), "limit": self._group.found}), "utf-8")

    def submit(self, service_s: float, due_s: float) -> None:
        """Offer nothing."""

    def take_waits(self) -> list[float]:
        """Return nothing: no task of ours waits."""
        return []

    def counts(self) -> tuple[int, int, int]:
        """Return that there are no tasks."""
        return 0, 0, 0

    def wake(self) -> None:
        """End nothing."""

    def close(self) -> list[float]:
        """Leave the group as it was found."""
        try:
            self._group.leave_as_found()
        except OSError as error:
            log.warning("%s did not get its limit of %s back: %s", self._group.group, self._group.found, error)
        if self._note is not None:
            self._note.unlink(missing_ok=True)
        return []
