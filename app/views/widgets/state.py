"""State by shape, colour and word together: online ●, suspect ▲, failed ■, old or unknown ◌, simulated ◇."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from PySide6.QtWidgets import QLabel, QWidget

from app.engine.base.text import language, tr

_OK, _WARN, _BAD, _STALE, _BUSY, _MADE = (
    ("●", "ok"),
    ("▲", "warn"),
    ("■", "bad"),
    ("◌", "stale"),
    ("▶", "accent"),
    ("◇", "simulated"),
)
_LOOKS: Final = {
    "online": _OK, "done": _OK, "ok": _OK, "active": _OK,
    "suspect": _WARN, "cancelling": _WARN, "interrupted": _WARN, "maintenance": _WARN, "late": _WARN,
    "waiting": _WARN, "paused": _WARN, "unanswered": _WARN,
    "reachable_via_peer": _WARN,
    "offline": _BAD, "failed": _BAD, "rejected": _BAD, "refused": _BAD, "bad": _BAD, "infeasible": _BAD,
    "running": _BUSY, "training": _BUSY,
    "simulated": _MADE,
}  # fmt: skip


def words() -> Mapping[str, str]:
    """Return the word for each state in the reader's language."""
    return _words(language())


@cache
def _words(_language: str) -> Mapping[str, str]:
    return {
        "online": tr("online"), "done": tr("done"), "ok": tr("ok"), "active": tr("active"), "suspect": tr("suspect"),
        "cancelling": tr("cancelling"), "interrupted": tr("interrupted"), "maintenance": tr("maintenance"),
        "reachable_via_peer": tr("reached by a neighbour"), "decommissioned": tr("out of service"),
        "offline": tr("offline"), "failed": tr("failed"), "rejected": tr("rejected"), "running": tr("running"),
        "training": tr("training"), "simulated": tr("simulated"), "queued": tr("queued"), "cancelled": tr("cancelled"),
        "late": tr("late"), "unknown": tr("unknown"), "pending": tr("pending"),
        "waiting": tr("waiting"), "paused": tr("paused"), "stopped": tr("stopped"), "refused": tr("refused"),
        "bad": tr("unusable"), "infeasible": tr("infeasible"), "unanswered": tr("no answer"),
    }  # fmt: skip


def shape_of(state: str) -> str:
    """Return the shape of `state`; an unknown state is old or unknown."""
    return _LOOKS.get(state, _STALE)[0]


def token_of(state: str) -> str:
    """Return the theme token of `state`."""
    return _LOOKS.get(state, _STALE)[1]


def state_text(state: str) -> str:
    """Return shape and word of `state`."""
    return f"{shape_of(state)} {words().get(state, state)}"


class Badge(QLabel):
    """A label that says a state; kept current with `show_state`."""

    def __init__(self, state: str = "") -> None:
        super().__init__()
        self.setProperty("role", "state")
        self.show_state(state)

    def show_state(self, state: str, more: str = "") -> None:
        """Say `state`, with an age or a reason behind it."""
        said = state_text(state) if state else ""
        self.setText(f"{said} · {more}" if more else said)
        self.setAccessibleName(f"{words().get(state, state)} {more}".strip() or tr("State unknown"))
        dress(self, token_of(state))


def dress(label: QWidget, tint: str) -> None:
    """Give `label` the theme colour called `tint`, also after the theme changes."""
    if label.property("tint") != tint:
        label.setProperty("tint", tint)
        label.style().unpolish(label)
        label.style().polish(label)
