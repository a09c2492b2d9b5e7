"""The picture of a problem in its own terms: whichever of the four drawings its document asks for."""

from collections.abc import Mapping
from typing import Any, Final

from PySide6.QtWidgets import QStackedLayout, QWidget

from app.engine.base.text import tr
from app.views.widgets.chart import Twin
from app.views.widgets.coloring import Coloring
from app.views.widgets.drawing import Drawing
from app.views.widgets.frontier import Frontier
from app.views.widgets.gantt import Gantt
from app.views.widgets.routes import Routes

KINDS: Final[Mapping[str, type[Drawing]]] = {"routes": Routes, "gantt": Gantt, "frontier": Frontier, "graph": Coloring}


class ProblemPicture(QWidget):
    """Shows a document of any type; an unknown one shows nothing."""

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self.setProperty("clear", True)
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._drawings: dict[str, Drawing] = {}
        self._name = name or tr("Picture of the problem")
        self.setAccessibleName(self._name)
        self._nothing = Drawing(self._name)
        self._stack.addWidget(self._nothing)

    @property
    def drawing(self) -> Drawing:
        """Return the drawing that is shown."""
        shown = self._stack.currentWidget()
        return shown if isinstance(shown, Drawing) else self._nothing

    def show_picture(self, picture: Mapping[str, Any] | None) -> None:
        """Show `picture`, or nothing."""
        kind = str((picture or {}).get("type", ""))
        if kind not in KINDS:
            self._stack.setCurrentWidget(self._nothing)
            return
        if kind not in self._drawings:
            self._drawings[kind] = KINDS[kind](self._name)
            self._stack.addWidget(self._drawings[kind])
        self._drawings[kind].show_picture(picture)
        self._stack.setCurrentWidget(self._drawings[kind])

    def twin(self) -> Twin:
        """Return what is shown as a table."""
        return self.drawing.twin()
