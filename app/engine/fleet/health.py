"""The health of a node as a pure function of what was last heard: online, suspect, offline, or alive by a neighbour's word.

Two timeouts, as in the field's node controllers; a failed pull makes a node suspect at once, only silence makes it
offline. Maintenance and decommissioned are set by a person and stay until a person lifts them.
"""

import enum
from dataclasses import dataclass
from typing import Final


class Health(enum.StrEnum):
    """What we believe of a node; `unknown` is what a newer peer may tell us that we cannot read."""

    ONLINE = "online"
    SUSPECT = "suspect"
    VIA_PEER = "reachable_via_peer"
    OFFLINE = "offline"
    MAINTENANCE = "maintenance"
    DECOMMISSIONED = "decommissioned"
    UNKNOWN = "unknown"


HELD: Final = frozenset({Health.MAINTENANCE, Health.DECOMMISSIONED})


@dataclass(frozen=True)
class Limits:
    """Silence in seconds after which a node is suspect, and after which it is offline (suspect_s <= offline_s)."""

    suspect_s: float
    offline_s: float

    @classmethod
    def of(cls, suspect_s: float, offline_s: float, cadence_s: float) -> "Limits":
        """Return the limits, widened so that one (suspect) or two (offline) missed pulls are not yet silence."""
        suspect = max(suspect_s, 2 * cadence_s)
        return cls(suspect, max(offline_s, 3 * cadence_s, suspect))


def read_health(text: str) -> Health:
    """Return the health that `text` names; an unknown word becomes `unknown`."""
    try:
        return Health(text)
    except ValueError:
        return Health.UNKNOWN


def judge(state: Health, silence_s: float | None, limits: Limits, *, failed: bool, vouched_s: float | None = None) -> Health:
    """Return the health of a node silent for `silence_s` (None: never heard); `failed` tells that the last pull failed.

    `vouched_s` is how long ago a neighbour last reached it: the link is down but the node lives, which asks for another deed
    than a dead node (OpenYurt's relayed heartbeat).
    """
    if state in HELD:
        return state
    if (silence_s is None or silence_s > limits.suspect_s) and vouched_s is not None and vouched_s <= limits.offline_s:
        return Health.VIA_PEER
    if silence_s is None or silence_s > limits.offline_s:
        return Health.OFFLINE
    if failed or silence_s > limits.suspect_s:
        return Health.SUSPECT
    return Health.ONLINE
