"""The help sheet of shortcuts (?): what each does, and new keys for it, refused when they are taken."""

from collections.abc import Callable
from functools import partial

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QGridLayout, QKeySequenceEdit, QLabel, QLineEdit, QToolButton, QVBoxLayout, QWidget

from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.views.shell import theme
from app.views.shell.icons import icon
from app.views.shell.shortcuts import SETTING, Shortcuts
from app.views.widgets.explain import scrolled
from app.views.widgets.state import dress

Store = Callable[[str, str], None]


class KeySheet(QWidget):
    """One line per action; `store(setting, text)` keeps a change."""

    def __init__(self, shortcuts: Shortcuts, store: Store) -> None:
        super().__init__()
        self._shortcuts, self._store = shortcuts, store
        self.edits: dict[str, QKeySequenceEdit] = {}
        self._resets: dict[str, QToolButton] = {}
        self._lines: dict[str, tuple[str, tuple[QWidget, ...]]] = {}
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(tr("Filter…"))
        self.filter.setAccessibleName(tr("Filter the shortcuts"))
        self.filter.textChanged.connect(self._filter)
        self.said = QLabel(tr("Click into a field, or Tab to it, and press the new keys."))
        self.said.setProperty("role", "caption")
        self.said.setWordWrap(True)
        holder = QWidget()
        holder.setProperty("clear", True)
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 8, 0)
        grid.setVerticalSpacing(theme.SPACE)
        grid.setColumnStretch(0, 1)
        for at, name in enumerate(shortcuts.bindings):
            self._add(grid, at, name)
        grid.setRowStretch(len(shortcuts.bindings), 1)
        area = scrolled(holder, tr("Keys"))
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 12)
        column.addWidget(self.filter)
        column.addWidget(self.said)
        column.addWidget(area, 1)
        self.tell()

    def tell(self) -> None:
        """Show the keys in use."""
        for name, edit in self.edits.items():
            edit.setKeySequence(QKeySequence(self._shortcuts.keys_of(name)))
            self._resets[name].setVisible(self._shortcuts.is_own(name))

    def _add(self, grid: QGridLayout, at: int, name: str) -> None:
        binding = self._shortcuts.bindings[name]
        title = QLabel(binding.title)
        title.setWordWrap(True)
        edit = QKeySequenceEdit()
        edit.setMaximumSequenceLength(1)
        edit.setFixedWidth(116)
        for part in (edit, *edit.findChildren(QLineEdit)):
            part.setAccessibleName(tr("Keys for: {title}", title=binding.title))
            part.setAccessibleDescription(self.said.text())
        edit.editingFinished.connect(partial(self._changed, name))
        reset = QToolButton()
        reset.setIcon(icon("rotate-ccw"))
        reset.setAccessibleName(tr("Back to {keys}", keys=binding.keys))
        reset.setToolTip(tr("Back to {keys}", keys=binding.keys))
        reset.clicked.connect(lambda _on=False: self._keep(name, binding.keys))
        self.edits[name], self._resets[name] = edit, reset
        self._lines[name] = (f"{binding.title} {binding.keys}".casefold(), (title, edit))
        grid.addWidget(title, at, 0)
        grid.addWidget(edit, at, 1)
        grid.addWidget(reset, at, 2)

    def _changed(self, name: str) -> None:
        keys = self.edits[name].keySequence().toString()
        if keys != QKeySequence(self._shortcuts.keys_of(name)).toString():
            self._keep(name, keys)

    def _keep(self, name: str, keys: str) -> None:
        try:
            text = self._shortcuts.with_keys(name, keys)
        except BadInput as error:
            self._say(str(error), "bad")
            self.tell()
            return
        self._say(tr("{title}: {keys}", title=self._shortcuts.bindings[name].title, keys=keys or tr("no keys")), "muted")
        self._store(SETTING, text)

    def _say(self, sentence: str, token: str) -> None:
        self.said.setText(sentence)
        dress(self.said, token)

    def _filter(self, text: str) -> None:
        for name, (hay, widgets) in self._lines.items():
            for widget in widgets:
                widget.setVisible(text.casefold().strip() in hay)
            self._resets[name].setVisible(text.casefold().strip() in hay and self._shortcuts.is_own(name))
