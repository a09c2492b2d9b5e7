"""The palette: Ctrl+K, a few letters, Return. Pages, commands and nodes in one list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
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

MOST_SHOWN: Final = 12
_WIDTH_PX: Final = 520
_KIND: Final = int(Qt.ItemDataRole.UserRole)


@dataclass(frozen=True)
class Choice:
    """One line of the palette: what it says, a word on its kind, and what it does."""

    title: str
    kind: str
    act: Callable[[], None]
    words: str = ""


def score(needle: str, text: str) -> int | None:
    """Return how well the letters of `needle` are found in this order in `text` (less is better), or None."""
    text, needle = text.casefold(), needle.casefold().strip()
    at = text.find(needle)
    if at >= 0:
        return at
    place, cost = -1, 100
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

    def __init__(self, parent: QWidget, choices: Callable[[], Sequence[Choice]]) -> None:
        super().__init__(parent)
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
        self.list.setAccessibleName(tr("Matches"))
        self.list.setItemDelegate(_Line(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.itemClicked.connect(lambda _item: self.choose())
        column.addWidget(self.field)
        column.addWidget(self.list)
        self.hide()

    @property
    def titles(self) -> list[str]:
        """Return what the list offers now."""
        return [choice.title for choice in self._shown]

    def open(self) -> None:
        """Show the palette, empty, with the keyboard in it."""
        self._all = self._choices()
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
        scored = [(score(needle, f"{choice.title} {choice.words}"), at) for at, choice in enumerate(self._all)]
        best = sorted((cost, at) for cost, at in scored if cost is not None)[:MOST_SHOWN]
        self._shown = [self._all[at] for _, at in best]
        self.list.clear()
        for choice in self._shown:
            item = QListWidgetItem(choice.title)
            item.setData(_KIND, choice.kind)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
