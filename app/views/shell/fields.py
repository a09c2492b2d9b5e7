"""The fields of a form, one kind per argument type; each knows its argument, its text and what is wrong with it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QCompleter,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.engine.base.command import Arg
from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.engine.base.units import typed_text
from app.views.shell import theme
from app.views.shell.icons import icon
from app.views.widgets.choice import Choice
from app.views.widgets.state import dress

_WORDS: Final = {"s": "seconds", "Hz": "hertz", "B": "bytes"}  # a name that is its unit says it once


class Field(QWidget):
    """A caption with unit, an editor, and below it the help or what is wrong."""

    edited = Signal()

    def __init__(self, arg: Arg, *, helped: bool = True) -> None:
        super().__init__()
        self.arg, self._helped = arg, helped
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        caption = QLabel(caption_of(arg))
        caption.setProperty("role", "caption")
        self._editor, self._get, self._set = self._make()
        self._editor.setAccessibleName(caption_of(arg))
        self._editor.setAccessibleDescription(tr(arg.help))
        self._editor.setToolTip(tr(arg.help))
        caption.setBuddy(self._editor)
        self._told = QLabel()
        self._told.setProperty("role", "caption")
        self._told.setWordWrap(True)
        column.addWidget(caption)
        line = QHBoxLayout()
        line.setSpacing(theme.SPACE)
        line.addWidget(self._editor, 1)
        if arg.type is Path:
            line.addWidget(self._browse())
        column.addLayout(line)
        column.addWidget(self._told)
        if not arg.required:
            self._set(arg.default)
        self.check()

    @property
    def editor(self) -> QWidget:
        """Return the widget that takes the keyboard."""
        return self._editor

    def given(self) -> Any:
        """Return what is entered, before it is checked; None when nothing is."""
        return self._get()

    def show_value(self, value: Any) -> None:
        """Enter `value`."""
        self._set(value)
        self.check()

    def suggest(self, values: list[str]) -> None:
        """Offer `values` below a line of text while it is typed into; the arrow keys open and walk the list."""
        if isinstance(self._editor, QLineEdit):
            completer = QCompleter(values, self._editor)
            completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            completer.setFilterMode(Qt.MatchFlag.MatchContains)
            completer.activated.connect(lambda _text: self._touched())
            theme.dress(completer.popup())
            self._editor.setCompleter(completer)

    def check(self) -> BadInput | None:
        """Return what is wrong with the entry, and say so below it; an untouched required field only waits."""
        given = self.given()
        wrong: BadInput | None = None
        if given is None and self.arg.required:
            wrong = BadInput("{name} is needed", field=self.arg.name, name=caption_of(self.arg))
        elif given is not None:
            try:
                self.arg.take(given)
            except BadInput as error:
                wrong = error
        loud = wrong is not None and given is not None
        self._told.setText(str(wrong) if loud else tr(self.arg.help))
        self._told.setVisible(loud or self._helped)
        dress(self._told, "bad" if loud else "muted")
        if bool(self._editor.property("wrong")) != loud:
            self._editor.setProperty("wrong", loud)
            self._editor.style().unpolish(self._editor)
            self._editor.style().polish(self._editor)
        return wrong

    def _touched(self) -> None:
        self.check()
        self.edited.emit()

    def _make(self) -> tuple[QWidget, Callable[[], Any], Callable[[Any], None]]:
        if self.arg.choices:
            return self._make_choice()
        if self.arg.type is bool:
            box = QCheckBox()
            box.toggled.connect(lambda _on: self._touched())
            return box, box.isChecked, lambda value: box.setChecked(bool(value))
        line = QLineEdit()
        line.setPlaceholderText(tr(self.arg.blank) if self.arg.blank else range_of(self.arg))
        line.textEdited.connect(lambda _text: self._touched())
        return line, lambda: line.text().strip() or None, lambda value: line.setText(self._shown(value))

    def _shown(self, value: Any) -> str:
        """Return the text of a value; none where the field says what its absence stands for."""
        return "" if value is None or (self.arg.blank and value == self.arg.default) else _plain(value)

    def _make_choice(self) -> tuple[QWidget, Callable[[], Any], Callable[[Any], None]]:
        box = Choice()
        for word in self.arg.choices:
            box.addItem(tr(word), word)
        box.narrow()
        box.currentTextChanged.connect(lambda _text: self._touched())
        return box, box.currentData, lambda value: box.setCurrentIndex(max(0, box.findData(str(value))))

    def _browse(self) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon("folder-open"))
        button.setAccessibleName(tr("Choose a file"))
        button.setToolTip(tr("Choose a file"))
        button.clicked.connect(lambda _checked=False: self._choose())
        return button

    def _choose(self) -> None:
        dialog = QFileDialog(self, tr("Choose a file"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile if "write" in self.arg.help else QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._chosen)
        dialog.open()

    def _chosen(self, file: str) -> None:
        self._set(file)
        self._touched()


def words_of(name: str, unit: str = "") -> str:
    """Return an argument's name in words, without its unit: the text a language has an entry for."""
    words = name.rpartition(".")[2].replace("_", " ")
    if unit and words.casefold().endswith(f" {unit.casefold()}"):
        words = words[: -len(unit) - 1]
    return words[:1].upper() + words[1:]


def caption_of(arg: Arg) -> str:
    """Return the argument's name as people read it, with its unit."""
    words = words_of(arg.name, arg.unit)
    return f"{tr(words)}, {tr(arg.unit)}" if arg.unit and _WORDS.get(arg.unit) != words.lower() else tr(words)


def range_of(arg: Arg) -> str:
    """Return the argument's range in words; empty when it has none."""
    if arg.low is not None and arg.high is not None:
        return tr("{low} to {high}", low=_plain(arg.low), high=_plain(arg.high))
    if arg.low is not None:
        return tr("{low} or more", low=_plain(arg.low))
    if arg.high is not None:
        return tr("up to {high}", high=_plain(arg.high))
    return ""


def _plain(value: Any) -> str:
    return typed_text(value) if isinstance(value, float) else str(value)
