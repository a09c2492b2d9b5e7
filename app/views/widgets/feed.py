"""A feed: short entries with state, sentence and next action; used where a person reads, not where they compare."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.engine.base.text import tr
from app.views.shell import theme
from app.views.widgets.link import Link
from app.views.widgets.state import Badge


@dataclass(frozen=True)
class Entry:
    """One line of a feed; `act` is offered as a button named `action`, and the title leads to where `open` goes."""

    key: str
    state: str
    title: str
    detail: str = ""
    action: str = ""
    act: Callable[[], None] | None = None
    open: Callable[[], None] | None = None
    why_not: str = ""


class Feed(QFrame):
    """A headed card with entries; says `nothing` when there are none, and how many more there are past `most`."""

    def __init__(self, heading: str, nothing: str, *, most: int = 12, more: Callable[[], None] | None = None) -> None:
        super().__init__()
        self.setProperty("card", True)
        self._most, self._open_more = most, more
        self._shown: tuple[tuple[str, ...], ...] = ()
        self._details: list[QLabel] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(2 * theme.SPACE)
        title = QLabel(heading)
        title.setProperty("role", "heading")
        column.addWidget(title)
        self._nothing = QLabel(nothing)
        self._nothing.setProperty("role", "muted")
        self._nothing.setWordWrap(True)
        column.addWidget(self._nothing)
        self._list = QWidget()
        self._rows = QVBoxLayout(self._list)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(theme.SPACE)
        self._rows.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setProperty("clear", True)
        area.setWidget(self._list)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setAccessibleName(heading)
        area.setAccessibleDescription(nothing)
        column.addWidget(area, 1)

    @property
    def count(self) -> int:
        """Return how many entries are shown."""
        return len(self._shown)

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Show `entries`; where only details changed (ages), only those are written anew."""
        shown = tuple((one.key, one.state, one.title, one.action, one.why_not) for one in entries)
        if shown == self._shown:
            for label, entry in zip(self._details, entries, strict=False):
                if label.text() != entry.detail:
                    label.setText(entry.detail)
            return
        self._shown = shown
        self._nothing.setVisible(not entries)
        while self._rows.count() > 1:
            item = self._rows.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        self._details = [QLabel(entry.detail) for entry in entries[: self._most]]
        for at, (entry, detail) in enumerate(zip(entries, self._details, strict=False)):
            row = _row_of(entry, detail)
            self._rows.insertWidget(at, row)
            row.show()
        if len(entries) > self._most:
            self._rows.insertWidget(self._most, self._rest(len(entries) - self._most))

    def _rest(self, count: int) -> QWidget:
        said = tr("and {count} more", count=count)
        if self._open_more is not None:
            return Link(said, self._open_more, where=tr("Show them all"))
        label = QLabel(said)
        label.setProperty("role", "caption")
        return label


def _row_of(entry: Entry, detail: QLabel) -> QWidget:
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 4, 0, 4)
    words = QVBoxLayout()
    words.setSpacing(2)
    if entry.state:
        words.addWidget(Badge(entry.state))
    words.addWidget(_title_of(entry))
    detail.setProperty("role", "caption")
    detail.setWordWrap(True)
    detail.setVisible(bool(entry.detail))
    words.addWidget(detail)
    line.addLayout(words, 1)
    act = entry.act
    if entry.action and act is not None:
        button = QPushButton(entry.action)
        button.setEnabled(not entry.why_not)
        button.setToolTip(entry.why_not)
        button.setAccessibleDescription(entry.why_not or entry.title)
        button.clicked.connect(lambda _checked=False: act())
        line.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
    return row


def _title_of(entry: Entry) -> QWidget:
    if entry.open is not None:
        return Link(entry.title, entry.open, where=tr("Show {thing}", thing=entry.title), quiet=True)
    title = QLabel(entry.title)
    title.setWordWrap(True)
    return title
