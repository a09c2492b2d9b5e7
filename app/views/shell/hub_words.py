"""How we stand with the hub, in the few words that are told on every page; of the answer of `outpost status`."""

from collections.abc import Mapping
from typing import Any

from app.engine.base.text import tr
from app.engine.base.units import span_text


def hub_text(status: Mapping[str, Any], now_us: int) -> str:
    """Return when a hub was exchanged with last, and whether that goes on; nothing where none is joined."""
    if not status["hubs_count"]:
        return ""
    if status["hub_busy"]:
        return tr("● exchanging with the hub")
    if not status["hub_us"]:
        return tr("■ no exchange with a hub yet") if status["hub_problem"] else tr("◌ no exchange with a hub yet")
    span = span_text(max(0, now_us - int(status["hub_us"])) / 1e6)
    if status["hub_problem"]:
        return tr("■ no exchange with a hub for {span}", span=span)
    return tr("● exchanged with the hub {span} ago", span=span)


def pending_text(status: Mapping[str, Any]) -> str:
    """Return how many changes wait to be handed over."""
    return tr("{n} changes pending", n=int(status["pending_count"]))


def conflicts_text(status: Mapping[str, Any]) -> str:
    """Return how many conflicts wait for a person; nothing where none does."""
    return tr("▲ {n} conflicts open", n=int(status["conflicts_count"])) if status["conflicts_count"] else ""
