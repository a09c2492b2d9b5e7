"""The seam to a resource that is steered: whatever its sensor or actuator raises becomes nothing and a reason, never an end.

A resource may be anybody's code. One that is gone, or whose adapter has a bug, must look like a sensor that is lost or an
actuator that is stuck, since the loop that ends leaves the last size for good. A reason is logged when it changes.
"""

import logging
import math
from collections.abc import Callable

from app.engine.base.contracts import Resource, ResourceState
from app.engine.control.envelope import is_sane

log = logging.getLogger(__name__)
_MOST_CHARS = 200


class Touch:
    """Measures and sets one resource; `sensor` and `actuator` say what is wrong with it, or nothing."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.sensor = self.actuator = ""
        self._left = False

    def measure(self) -> ResourceState | None:
        """Return a state that can be believed, or None."""
        try:
            state = self.resource.measure_state()
            why = "" if is_sane(state) else "its figures cannot be true"
        except Exception as error:  # noqa: BLE001 - the seam to anybody's sensor: told, logged, and held by the envelope
            state, why = None, _said(error)
        if why and why != self.sensor:
            log.warning("%s is not believed: %s", _name(self.resource), why)
        self.sensor = why
        return None if why else state

    def apply(self, size: float) -> float | None:
        """Set the size and return what was set, or None when it was not, or the resource was left as it was found."""
        if self._left:
            return None
        try:
            applied, why = float(self.resource.apply_control(size)), ""
            if not math.isfinite(applied):
                why = "it tells no size"
        except Exception as error:  # noqa: BLE001 - the seam to anybody's actuator: told, logged, and tried again
            # One that is refused because the resource was left meanwhile came too late, and that is no fault.
            applied, why = math.nan, "" if self._left else _said(error)
        if why and why != self.actuator:
            log.warning("%s does not take the size %g: %s", _name(self.resource), size, why)
        self.actuator = why
        return applied if math.isfinite(applied) else None

    def leave(self) -> None:
        """Have a resource that outlives this program as it was found, where it knows how (`leave_as_found`).

        No size is set from then on, whichever turn comes back late with one, until `take_up`.
        """
        leave = getattr(self.resource, "leave_as_found", None)
        self._left = leave is not None
        try:
            if leave is not None:
                leave()
        except Exception as error:  # noqa: BLE001 - the seam to anybody's resource: told
            log.warning("%s was not left as it was found: %s", _name(self.resource), _said(error))

    def take_up(self) -> None:
        """Set sizes again, also where another left it as it was found."""
        self._left = False
        getattr(self.resource, "take_up", _nothing)()


def tell(listener: Callable[[], object]) -> None:
    """Tell a listener of an action; one that fails is logged: what is steered, and how it is left, does not hang on it."""
    try:
        listener()
    except Exception:
        log.exception("who listens to the actions of a controller failed")


def _nothing() -> None:
    """Have nothing to take up."""


def _said(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:_MOST_CHARS]


def _name(resource: Resource) -> str:
    return str(getattr(resource, "name", type(resource).__name__))
