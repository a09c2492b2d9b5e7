"""A control group as a rig without a load: what runs in the group is yours, and so is the memory it asks for."""

import logging
from pathlib import Path
from typing import Any

from app.engine.base.contracts import Resource  # noqa: TC001 - a protocol's member is declared with it
from app.engine.base.errors import BadInput
from app.engine.control.adapters.cgroup import CgroupResource
from app.engine.control.records import APPLY

log = logging.getLogger(__name__)


class GroupRig:
    """The group in `more["group"]`; where it is to be limited raises `Refused`, and `Conflict` where another run does so."""

    def __init__(self, _size: int, low: int, high: int, more: dict[str, Any]) -> None:
        if not more.get("group"):
            raise BadInput("A control group is named by its folder", field="group", hint="Give it with --group.")
        resource = CgroupResource(Path(more["group"]), low, high)
        if more.get("mode") == APPLY:
            resource.claim()
        self.resource: Resource = resource
        self._group = resource
        # The limit it was found with, within the bounds; in the end it is left with the very one.
        self.safe = resource.measure_state().size

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
        return []
