"""A node's tier and labels as people read them."""

from app.engine.base.text import tr
from app.engine.base.units import span_text
from app.engine.fleet.records import Node


def labels_text(node: Node) -> str:
    """Return the labels as key=value, parted by commas."""
    return ", ".join(f"{key}={value}" if value else key for key, value in sorted(node.labels.items()))


def tier_text(node: Node) -> str:
    """Return the declared tier, and beside it the one that the measured round trip stands for."""
    if node.round_trip_s is None:
        return node.tier or "–"
    measured = tr("{tier} measured ({time})", tier=node.measured_tier, time=span_text(node.round_trip_s))
    return tr("{tier} declared, {measured}", tier=node.tier, measured=measured) if node.tier else measured
