"""The palette: a key, a few letters, Return. Everything that has a name in one list, what was used last on top."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.engine.base.text import tr
from app.views.shell import theme
from app.views.shell.view_state import ViewState

MOST_SHOWN: Final = 40
_WIDTH_PX: Final = 520
_KIND: Final = int(Qt.ItemDataRole.UserRole)


@dataclass(frozen=True)
class Choice:
    """One line of the palette: what it says, a word on its kind, what it does; `key` names it among the recent ones."""

    title: str
    kind: str
    act: Callable[[], None]
    words: str = ""
    key: str = ""


def score(needle: str, text: str) -> int | None:
    """Return how well the letters of `needle` are found in this order in `text` (less is better), or None."""
    text, needle = text.casefold(), needle.casefold().strip()
    at = text.find(needle)
    if at >= 0:
        inside = at > 0 and text[at - 1].isalnum()  # in the middle of a word
        return at + (50 if inside else 0)
    place, cost = -1, 200
    for letter in needle.replace(" ", ""):
        found = text.find(letter, place + 1)
        if found < 0:
            return None
        cost += found - place - 1
        place = found
    return cost


class _Line(QStyledItemDelegate):
    """Writes what a line is at its right end, in the muted colour."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """Draw the line, then its kind."""
        super().paint(painter, option, index)
        painter.save()
        painter.setPen(theme.now().colour("muted"))
        painter.setFont(theme.text_font(theme.CAPTION_PX))
        side = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(option.rect.adjusted(0, 0, -10, 0), side, str(index.data(_KIND)))
        painter.restore()


class Palette(QFrame):
    """Floats above the window; Esc closes it."""

    def __init__(self, parent: QWidget, choices: Callable[[], Sequence[Choice]], memory: ViewState | None = None) -> None:
        super().__init__(parent)
        self._memory = memory or ViewState()
        self.setProperty("floating", True)
        self._window, self._choices = parent, choices
        self._all: Sequence[Choice] = ()
        self._shown: list[Choice] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        self.field = QLineEdit()
        self.field.setPlaceholderText(tr("Go to a page, a node, or run a command…"))
        self.field.setAccessibleName(tr("Search commands, pages and nodes"))
        self.field.textChanged.connect(self._search)
        self.field.installEventFilter(self)
        self.list = QListWidget()
        self.field.setAccessibleDescription(tr("Up and Down choose, Return goes there, Esc closes"))
        self.list.setAccessibleName(tr("Matches"))
        self.list.setAccessibleDescription(tr("Up and Down choose, Return goes there, Esc closes"))
        self.list.setItemDelegate(_Line(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.itemClicked.connect(lambda _item: self.choose())
        self.nothing = QLabel()
        self.nothing.setProperty("role", "muted")
        self.nothing.setWordWrap(True)
        column.addWidget(self.field)
        column.addWidget(self.list, 1)
        column.addWidget(self.nothing)
        self.hide()

    @property
    def titles(self) -> list[str]:
        """Return what the list offers now."""
        return [choice.title for choice in self._shown]

    def open(self, choices: Sequence[Choice] | None = None, asked: str = "") -> None:
        """Show the palette, empty, with the keyboard in it; over `choices` in place of all, asking `asked`."""
        self._all = self._choices() if choices is None else choices
        self.field.setPlaceholderText(asked or tr("Go to anything by its name, or run a command…"))
        room = self._window.width()
        width = min(_WIDTH_PX, room - 40)
        self.setGeometry((room - width) // 2, 64, width, 360)
        self.field.clear()
        self._search("")
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def choose(self) -> None:
        """Do what the marked line says."""
        row = self.list.currentRow()
        if 0 <= row < len(self._shown):
            choice = self._shown[row]
            if choice.key:
                self._memory.use("palette", choice.key)
            self.hide()
            choice.act()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the arrow keys, Return and Esc while the keyboard is in the field."""
        if watched is self.field and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = event.key()
            if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
                step = 1 if key == Qt.Key.Key_Down else -1
                self.list.setCurrentRow((self.list.currentRow() + step) % max(1, len(self._shown)))
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.choose()
                return True
            if key == Qt.Key.Key_Escape:
                self.hide()
                return True
        return super().eventFilter(watched, event)

    def _search(self, needle: str) -> None:
        recent = {key: place for place, key in enumerate(self._memory.recent("palette"))}
        last = len(recent)
        scored = []
        for at, choice in enumerate(self._all):
            cost = best_of(needle, choice)
            if cost is not None:  # among equals what was used last comes first; with nothing typed it comes first of all
                scored.append((cost if needle.strip() else 0, recent.get(choice.key, last) if choice.key else last, at))
        self._shown = [self._all[at] for _, _, at in sorted(scored)[:MOST_SHOWN]]
        self.list.clear()
        for choice in self._shown:
            item = QListWidgetItem(choice.title)
            old = choice.key in recent and not needle.strip()
            item.setData(_KIND, tr("{kind}, used lately", kind=choice.kind) if old else choice.kind)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self.nothing.setVisible(not self._shown)
        self.nothing.setText(tr("Nothing here is called so."))


def best_of(needle: str, choice: Choice) -> int | None:
    """Return how well `choice` answers `needle`: by its title, or for more by the words beside it."""
    by_title = score(needle, choice.title)
    if by_title is not None and by_title < 100:
        return by_title
    by_words = score(needle, f"{choice.title} {choice.words}") if choice.words else None
    costs = [cost for cost in (by_title, None if by_words is None else by_words + 30) if cost is not None]
    return min(costs, default=None)
