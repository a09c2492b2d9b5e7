"""The nouns of the fleet: a node as the console knows it, every value with the time it was true."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.engine.fleet.health import Health

NOTHING: Final[Mapping[str, Any]] = {}
# The round trip below which a node belongs to a tier, in seconds; whatever is slower is the cloud.
TIERS: Final = (("tier-1", 1e-3), ("tier-2", 10e-3), ("tier-3", 50e-3))
TIER_NAMES: Final = (*(name for name, _ in TIERS), "cloud")


def tier_of(round_trip_s: float) -> str:
    """Return the tier of a round trip."""
    return next((name for name, limit_s in TIERS if round_trip_s < limit_s), "cloud")


@dataclass(frozen=True, slots=True)
class Node:
    """One paired node; `as_of_us` is when its figures were true, `last_heartbeat_us` when it last answered (0: never).

    `serving` is what it last told of each model it was asked: count, latencies in s, errors, and the histogram of latency.
    """

    id: str
    device_id: str
    name: str
    address: str
    state: Health = Health.OFFLINE
    site: str = ""
    lat: float | None = None
    lon: float | None = None
    last_heartbeat_us: int = 0
    as_of_us: int = 0
    registered_us: int = 0
    cpu_ratio: float | None = None
    mem_ratio: float | None = None
    latency_p99_s: float | None = None
    error_ratio: float | None = None
    inference_count: int = 0
    round_trip_s: float | None = None
    models: tuple[str, ...] = ()
    serving: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    labels: Mapping[str, str] = field(default_factory=dict)
    hardware: Mapping[str, Any] = field(default_factory=dict)
    connectivity: str = ""
    tier: str = ""
    link_bytes_s: int | None = None
    link_bytes_day: int | None = None
    via: str = ""
    home: str = ""
    epoch: str = ""
    seq: int = 0
    trouble: str = ""

    @property
    def measured_tier(self) -> str:
        """Return the tier that the measured round trip stands for; empty while none was measured."""
        return "" if self.round_trip_s is None else tier_of(self.round_trip_s)

    @property
    def demo(self) -> bool:
        """Tell whether this console started the node itself, as a process on this machine."""
        return bool(self.home)


@dataclass(frozen=True)
class Site:
    """A place on the map, degrees north and east."""

    name: str
    lat: float
    lon: float


# Six towns with a harbour, a pass or a mine nearby: places that have edge sites. Positions: Wikipedia, to 0.01 degree.
DEMO_SITES: tuple[Site, ...] = (
    Site("Narvik", 68.44, 17.43),
    Site("Esbjerg", 55.47, 8.45),
    Site("Andermatt", 46.64, 8.59),
    Site("Piraeus", 37.94, 23.65),
    Site("Sines", 37.95, -8.87),
    Site("Kiruna", 67.86, 20.23),
)


def demo_name(index: int) -> str:
    """Return the name of the demo node number `index` (from 0)."""
    return f"node-{index + 1:02d}"


def demo_site(index: int) -> Site:
    """Return where the demo node number `index` stands; past six they share the towns, a little apart."""
    site = DEMO_SITES[index % len(DEMO_SITES)]
    ring = index // len(DEMO_SITES)
    return Site(site.name, round(site.lat + 0.03 * ring, 4), round(site.lon + 0.03 * ring, 4))
