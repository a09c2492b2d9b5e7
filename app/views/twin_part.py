"""The part of the node inspector that shows a twin: what is still to do, where keys come from, and a conflict to be ended."""

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.engine.base.text import tr
from app.views.shell import theme
from app.views.widgets.explain import explain

_MOST_LINES = 6


class TwinPart(QWidget):
    """Shows one twin document; `resolve` is called with "mine" or "theirs"."""

    def __init__(self, resolve: Callable[[str], None]) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        self.state, self.lines = QLabel(), QLabel()
        self.state.setProperty("role", "caption")
        self.state.setWordWrap(True)
        self.lines.setWordWrap(True)
        self.lines.setFont(theme.mono_font(theme.CAPTION_PX))
        self.mine, self.theirs = QPushButton(tr("Keep this console's")), QPushButton(tr("Keep the other's"))
        explain(self.mine, tr("What this console asked for is what the node is to do"))
        explain(self.theirs, tr("What the other console asked for is what the node is to do"))
        self.mine.clicked.connect(partial(self._clicked, resolve, "mine"))
        self.theirs.clicked.connect(partial(self._clicked, resolve, "theirs"))
        self._buttons = QWidget()
        row = QHBoxLayout(self._buttons)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.mine)
        row.addWidget(self.theirs)
        for widget in (self.state, self.lines, self._buttons):
            column.addWidget(widget)

    @staticmethod
    def _clicked(resolve: Callable[[str], None], keep: str, _checked: bool = False) -> None:
        resolve(keep)

    def show_twin(self, twin: dict[str, Any]) -> None:
        """Show the document that `fleet twin` returns."""
        self.setVisible(bool(twin["desired"] or twin["conflict"]))
        self._buttons.setVisible(bool(twin["conflict"]))
        lines = _conflict_lines(twin) or _delta_lines(twin)
        self.state.setText(_state_text(twin))
        self.lines.setText("\n".join(lines[:_MOST_LINES]))
        self.lines.setVisible(bool(lines))
        layers = (f"{each['path']} ← {each['layer']}" for each in twin["provenance"])
        self.setToolTip("\n".join(layers))


def _state_text(twin: dict[str, Any]) -> str:
    if twin["conflict"]:
        return tr("Twin: another console changed the same keys (before → theirs | here)")
    if twin["in_sync"]:
        return tr("Twin: as it should be, at version {version}", version=twin["applied_version"])
    return tr("Twin: still to do, when it answers")


def _conflict_lines(twin: dict[str, Any]) -> list[str]:
    clashes = [each for each in twin["conflict"] if each["change"] == "conflict"]
    return [f"{each['path']}: {each['base']} → {each['theirs']} | {each['mine']}" for each in clashes]


def _delta_lines(twin: dict[str, Any]) -> list[str]:
    lines = []
    for each in twin["delta"]:
        line = f"{each['path']}: {each['reported']} → {each['desired']}"
        lines.append(f"{line} {tr('(unknown to the node)')}" if each["ignored"] else line)
    return lines
