"""A control group as a rig without a load: what runs in the group is yours, and so is the memory it asks for."""

from pathlib import Path
from typing import Any

from app.engine.base.contracts import Resource  # noqa: TC001 - a protocol's member is declared with it
from app.engine.base.errors import BadInput
from app.engine.control.adapters.cgroup import CgroupResource
from app.engine.control.records import APPLY


class GroupRig:
    """The group in `more["group"]`; raises `Refused` where it is to be limited and is not delegated to this user."""

    def __init__(self, _size: int, low: int, high: int, more: dict[str, Any]) -> None:
        if not more.get("group"):
            raise BadInput("A control group is named by its folder", field="group", hint="Give it with --group.")
        resource = CgroupResource(Path(more["group"]), low, high)
        if more.get("mode") == APPLY:
            resource.need_ours()
        self.resource: Resource = resource
        # The limit it was found with: it is left there.
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
        """Leave the group as it is."""
        return []
