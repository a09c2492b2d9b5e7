"""What a hub tells Prometheus, in its text format (version 0.0.4)."""

from collections.abc import Mapping
from typing import Any, Final

_ROWS: Final = (
    ("consoles_count", "outpost_hub_consoles_count", "gauge", "Consoles paired with this hub."),
    ("pushed", "outpost_hub_operations_taken_total", "counter", "Operations taken from consoles."),
    ("refused", "outpost_hub_batches_refused_total", "counter", "Batches refused: forged, replayed, with a gap, malformed."),
    ("pulled", "outpost_hub_operations_given_total", "counter", "Operations given to consoles."),
    ("received_bytes", "outpost_hub_received_bytes_total", "counter", "Bytes of batches taken."),
    ("sent_bytes", "outpost_hub_sent_bytes_total", "counter", "Bytes of pages given."),
    ("backed_up_us", "outpost_hub_backed_up_us", "gauge", "When the hub last backed itself up, in microseconds of UTC."),
)


def exposition(status: Mapping[str, Any]) -> str:
    """Return the metrics of a hub whose status is `status`."""
    lines = []
    for key, name, kind, about in _ROWS:
        lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}", f"{name} {int(status.get(key, 0))}"]
    return "\n".join(lines) + "\n"
