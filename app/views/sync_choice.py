"""A conflict with what held then, what gave way and what holds now side by side; one click chooses between what is shown."""

from functools import partial
from typing import Any, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.engine.base.text import tr
from app.engine.base.units import time_text
from app.engine.sync import told
from app.engine.sync.records import Met
from app.views.shell.context import Context
from app.views.shell.page import card
from app.views.widgets.columns import Column
from app.views.widgets.explain import explain, scrolled
from app.views.widgets.state import dress

_TOKENS: Final = {"open": "warn", "resolved": "ok"}


def conflict_columns() -> list[Column[Met]]:
    """Return the columns of the conflict inbox."""
    states = {"open": tr("▲ open"), "resolved": tr("● resolved")}
    return [
        Column("state", tr("State"), lambda met: met.state, lambda state: states.get(state, state), 90,
               token=lambda met: _TOKENS.get(met.state, "stale")),
        Column("title", tr("What"), lambda met: met.title, width=120),
        Column("column", tr("Field"), lambda met: met.column_name, told.column_text, 90),
        Column("kept_by", tr("Held then, by"), lambda met: met.kept_by, width=130),
        Column("lost_by", tr("Gave way, by"), lambda met: met.lost_by, width=130),
        Column("at", tr("Written"), lambda met: max(met.kept_us, met.lost_us), time_text, 140),
    ]  # fmt: skip


class Side(QWidget):
    """One value in a card: whose and from when, or how it came."""

    def __init__(self, heading: str) -> None:
        super().__init__()
        self.who, self.how, self.value = QLabel(), QLabel(), QLabel()
        self.who.setProperty("role", "muted")
        for label in (self.who, self.how, self.value):
            label.setWordWrap(True)
        self.value.setTextFormat(Qt.TextFormat.PlainText)
        self.value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.value.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.value.setProperty("clear", True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(card(self.who, self.how, scrolled(self.value, heading), heading=heading))
        self.how.hide()

    def show_side(self, value: str, who: str = "", how: str = "", tint: str = "text") -> None:
        """Show a value with its writer, and how it came in the colour `tint`."""
        for label, text in ((self.who, who), (self.how, how), (self.value, value)):
            label.setText(text)
            label.setVisible(bool(text))
        dress(self.how, tint)


class Choice(QWidget):
    """A conflict with its values side by side; nothing can be chosen before it was told what holds now."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context, self._key, self._mark, self._is_open = context, "", "", False
        self.why, self.settled = QLabel(), QLabel()
        self.why.setWordWrap(True)
        self.settled.setProperty("role", "muted")
        self.kept, self.lost, self.now = Side(tr("Held then")), Side(tr("Gave way")), Side(tr("Holds now"))
        self.take, self.leave = QPushButton(tr("Take this one")), QPushButton(tr("Let it hold"))
        explain(self.take, tr("Writes this value in the place of what holds now"))
        explain(self.leave, tr("Leaves what holds now as it is and closes the conflict"))
        sides = QGridLayout()
        sides.setRowStretch(0, 1)
        for at, side in enumerate((self.kept, self.lost, self.now)):
            sides.setColumnStretch(at, 1)
            sides.addWidget(side, 0, at)
        for at, button, choice in ((1, self.take, "lost"), (2, self.leave, "kept")):
            sides.addWidget(button, 1, at, Qt.AlignmentFlag.AlignLeft)
            button.clicked.connect(partial(self._choose, choice))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.why)
        column.addLayout(sides, 1)
        column.addWidget(self.settled)

    def show_conflict(self, met: Met | None) -> None:
        """Show one conflict, or nothing, and ask what holds now."""
        self.setVisible(met is not None)
        if met is None:
            self._key = ""
            return
        if met.id != self._key:
            self.now.show_side(tr("Asking…"))
            self._mark = ""
        self._key, self._is_open, shown = met.id, met.state == "open", met.to_json()
        self.why.setText(told.reason_text(shown))
        for side, text, by in ((self.kept, told.held_text, "kept"), (self.lost, told.lost_text, "lost")):
            written = told.written_text(shown[f"{by}_by"], shown[f"{by}_us"])
            side.show_side(text(shown), f"{written}\n{told.seen_text(shown[f'{by}_seen_us'])}")
        self.settled.setText("" if self._is_open else tr(
            "{who} chose {what} at {time}", who=met.resolved_by, time=time_text(met.resolved_us),
            what=tr("the value that gave way") if met.choice == "lost" else tr("the value that held"),
        ))  # fmt: skip
        self._set_buttons()
        self.ask()

    def ask(self) -> None:
        """Ask what holds now where the conflict shown arose."""
        if self._key:
            self._context.start("sync.conflicts", self._take, conflict=self._key)

    def _take(self, result: dict[str, Any]) -> None:
        """Show what holds now, unless another conflict was picked meanwhile."""
        met = result["conflicts"][0]
        if met["id"] != self._key:
            return
        self._mark = met["now_mark"]
        by = tr("row changed last by {who}, {time}", who=met["now_by"] or tr("unknown"), time=time_text(met["now_us"]))
        how = told.change_text(met)
        self.now.show_side(
            told.now_text(met), by if met["now_us"] else "", f"▲ {how}" if met["changed"] else how,
            "warn" if met["changed"] else "muted",
        )  # fmt: skip
        self._set_buttons()

    def _set_buttons(self) -> None:
        can = bool(self._mark) and not self._context.why_not("sync.resolve")
        for button in (self.take, self.leave):
            button.setVisible(self._is_open)
            button.setEnabled(can)

    def _choose(self, choice: str, _checked: bool = False) -> None:
        self._context.start("sync.resolve", None, self.ask, conflict=self._key, choice=choice, shown=self._mark)


class Several(QWidget):
    """More conflicts than one are picked: one click resolves them alike, and nothing that was not looked at by then."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context, self._keys, self._marks = context, list[str](), ""
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.take, self.leave = (
            QPushButton(tr("Take what gave way, in each")),
            QPushButton(tr("Let what holds now stand, in each")),
        )
        line = QHBoxLayout()
        for button, choice in ((self.leave, "kept"), (self.take, "lost")):
            button.clicked.connect(partial(self._choose, choice))
            line.addWidget(button)
        line.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.said)
        column.addLayout(line)
        self._set()
        self.hide()

    def show_keys(self, keys: list[str]) -> None:
        """Show that these are picked, and ask what holds now where each of them arose."""
        self.setVisible(len(keys) > 1)
        if keys != self._keys:
            self._keys, self._marks = keys, ""
        if len(keys) > 1:
            self._set()
            self._context.start("sync.conflicts", self._take, conflict=",".join(keys))

    def _take(self, result: dict[str, Any]) -> None:
        """Take the marks of what holds now, unless others were picked meanwhile."""
        if [met["id"] for met in result["conflicts"]] == self._keys:
            self._marks = ",".join(met["now_mark"] for met in result["conflicts"])
            self._set(sum(bool(met["changed"]) for met in result["conflicts"]))

    def _set(self, changed: int = 0) -> None:
        told = tr("{n} open conflicts are picked.", n=len(self._keys))
        self.said.setText(" ".join([told, tr("In {n} of them another value holds by now.", n=changed)] if changed else [told]))
        why = self._context.why_not("sync.resolve")
        for button, words in (
            (self.take, tr("Writes the value that gave way in the place of what holds now, in each")),
            (self.leave, tr("Leaves what holds now as it is and closes each")),
        ):
            button.setEnabled(bool(self._marks) and not why)
            explain(button, why or words)

    def _choose(self, choice: str, _checked: bool = False) -> None:
        self._context.start("sync.resolve", None, conflict=",".join(self._keys), choice=choice, shown=self._marks)
