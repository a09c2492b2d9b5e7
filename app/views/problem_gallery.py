"""The gallery of problems: each kind with a picture of its solved sample, what it is for, and one press to solve it."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.engine.base.text import tr
from app.views.problem_picture import ProblemPicture
from app.views.shell import theme
from app.views.shell.theme import RESOURCES
from app.views.widgets.explain import as_scrolled

PICTURES: Final = RESOURCES / "samples" / "problems" / "pictures.json"
_THUMB: Final = (104, 76)

Pick = Callable[[Path, str], None]


class ProblemGallery(QScrollArea):
    """A card per kind; `pick` gets file and kind of the sample or of the kept problem that was pressed."""

    def __init__(self, pick: Pick) -> None:
        super().__init__()
        self._pick = pick
        self.buttons: dict[str, QPushButton] = {}
        as_scrolled(self, tr("Gallery of problems"))
        self.setFrameShape(QFrame.Shape.NoFrame)

    def show_list(self, told: Mapping[str, Any]) -> None:
        """Show what `problem.list` told: the problems kept here first, then a card per kind."""
        pictures = pictures_of_samples()
        holder = QWidget()
        holder.setProperty("clear", True)
        column = QVBoxLayout(holder)
        column.setContentsMargins(12, 8, 8, 8)
        column.setSpacing(2 * theme.SPACE)
        self.buttons = {}
        titles = {str(kind["name"]): str(kind["title"]) for kind in told.get("kinds", ())}
        for kept in told.get("kept", ()):
            about = tr(titles.get(str(kept["kind"]), "")) if kept["kind"] else tr("no longer readable")
            self._card(column, (str(kept["name"]), about), None, (Path(kept["file"]), str(kept["kind"]) or "auto"))
        for kind in told.get("kinds", ()):
            read = (
                tr("File: {formats}", formats=tr(str(kind["formats"]))),
                tr("Table: {columns}", columns=tr(str(kind["columns"]))),
            )
            said = (tr(str(kind["title"])), tr(str(kind["help"])), *read)
            self._card(column, said, pictures.get(str(kind["name"])), (Path(kind["sample"]), str(kind["name"])))
        column.addStretch(1)
        self.setWidget(holder)

    def _card(
        self, column: QVBoxLayout, words_of: tuple[str, ...], picture: Mapping[str, Any] | None, taken: tuple[Path, str]
    ) -> None:
        title, *more = words_of
        frame = QFrame()
        frame.setProperty("card", True)
        line = QHBoxLayout(frame)
        line.setContentsMargins(8, 8, 8, 8)
        if picture is not None:
            thumb = ProblemPicture(title)
            thumb.setFixedSize(*_THUMB)
            thumb.show_picture(picture)
            line.addWidget(thumb, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(2)
        heading = QLabel(title)
        heading.setProperty("role", "heading")
        heading.setWordWrap(True)
        words.addWidget(heading)
        for text in more:
            if text:
                said = QLabel(text)
                said.setProperty("role", "caption")
                said.setWordWrap(True)
                words.addWidget(said)
        press = QPushButton(tr("Use the sample") if picture is not None else tr("Use"))
        press.setAccessibleName(tr("Use {what}", what=title))
        press.clicked.connect(partial(self._pressed, taken))
        self.buttons[title] = press
        words.addWidget(press, 0, Qt.AlignmentFlag.AlignLeft)
        line.addLayout(words, 1)
        column.addWidget(frame)

    def _pressed(self, taken: tuple[Path, str], _checked: bool = False) -> None:
        self._pick(*taken)


def pictures_of_samples() -> dict[str, Any]:
    """Return the picture of each kind's solved sample, made ahead by `app/engine/qubo/problems/gallery.py`."""
    if not PICTURES.is_file():
        return {}
    found: dict[str, Any] = json.loads(PICTURES.read_text("utf-8"))
    return found
