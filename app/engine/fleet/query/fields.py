"""What can be asked of a node: each field's name, kind, meaning, and how it is read from a record."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, Literal

from app.engine.fleet.records import Node

FieldKind = Literal["text", "ratio", "duration", "whole", "degrees", "bytes", "flag", "list"]
Read = Callable[[Node, int], Any]


@dataclass(frozen=True)
class Field:
    """One field; `read(node, now_us)` returns None where nothing is known."""

    name: str
    kind: FieldKind
    help: str
    read: Read


def _age(node: Node, now_us: int) -> float | None:
    return max(0, now_us - node.last_heartbeat_us) / 1e6 if node.last_heartbeat_us else None


_ALL: Final = (
    Field("name", "text", "Name", lambda node, _: node.name),
    Field("id", "text", "Id", lambda node, _: node.id),
    Field("device", "text", "Device id", lambda node, _: node.device_id),
    Field("address", "text", "Address", lambda node, _: node.address),
    Field("state", "text", "State: online, suspect, offline, …", lambda node, _: str(node.state)),
    Field("site", "text", "Site", lambda node, _: node.site),
    Field("tier", "text", "Declared tier: tier-1, tier-2, tier-3, cloud", lambda node, _: node.tier),
    Field("measured", "text", "Tier by the measured round trip", lambda node, _: node.measured_tier),
    Field("connectivity", "text", "Connectivity", lambda node, _: node.connectivity),
    Field("trouble", "text", "Why it cannot be reached", lambda node, _: node.trouble),
    Field("cpu", "ratio", "CPU in use, 0 to 1", lambda node, _: node.cpu_ratio),
    Field("mem", "ratio", "Memory in use, 0 to 1", lambda node, _: node.mem_ratio),
    Field("errors", "ratio", "Failed inferences, 0 to 1", lambda node, _: node.error_ratio),
    Field("p99", "duration", "99th percentile of inference latency", lambda node, _: node.latency_p99_s),
    Field("rtt", "duration", "Measured round trip", lambda node, _: node.round_trip_s),
    Field("age", "duration", "Time since it last answered", _age),
    Field("count", "whole", "Inferences", lambda node, _: node.inference_count),
    Field("lat", "degrees", "Latitude, north", lambda node, _: node.lat),
    Field("lon", "degrees", "Longitude, east", lambda node, _: node.lon),
    Field("budget", "bytes", "Bytes a second its link may carry", lambda node, _: node.link_bytes_s),
    Field("day_budget", "bytes", "Bytes a day its link may carry", lambda node, _: node.link_bytes_day),
    Field("demo", "flag", "Started by this console", lambda node, _: node.demo),
    Field("model", "list", "Models, as name:version", lambda node, _: node.models),
    Field("label", "list", "Names of its labels", lambda node, _: tuple(node.labels)),
)
FIELDS: Final = {field.name: field for field in _ALL}
OPEN: Final = ("label.", "hardware.")


def field_of(name: str) -> Field | None:
    """Return the field called `name`, `label.NAME` and `hardware.NAME` included, or None."""
    if name in FIELDS:
        return FIELDS[name]
    family, dot, key = name.partition(".")
    if not dot or not key:
        return None
    if family == "label":
        return Field(name, "text", "Label", lambda node, _: node.labels.get(key))
    if family == "hardware":
        return Field(name, "text", "Hardware", lambda node, _: node.hardware.get(key))
    return None


def near(name: str) -> str:
    """Return the field whose name is most like `name`, or empty text."""
    return next(iter(get_close_matches(name, FIELDS, 1, 0.5)), "")


def values_of(name: str, nodes: Iterable[Node], now_us: int, most: int = 50) -> list[str]:
    """Return the texts that field `name` holds among `nodes`, each once, in order."""
    field = field_of(name)
    if field is None or field.kind not in {"text", "list"}:
        return []
    found: set[str] = set()
    for node in nodes:
        value = field.read(node, now_us)
        found.update(value if isinstance(value, tuple) else () if value in (None, "") else (str(value),))
    return sorted(found)[:most]
