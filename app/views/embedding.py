"""The part of the QUBO page that shows a problem on a device's graph; looked for once somebody opens it."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.engine.base.text import tr
from app.views.shell import theme
from app.views.shell.context import Context
from app.views.widgets.chart import Chart
from app.views.widgets.choice import Choice
from app.views.widgets.embedding_view import EmbeddingView, breaks, caption
from app.views.widgets.explain import explain

COMMAND = "qubo.embed"


class Source(NamedTuple):
    """What a picture is made of: a problem's file, read as what kind, and in what sense where it is a QUBO."""

    file: str = ""
    kind: str = "auto"
    sense: str = "auto"


_NONE = (Source(), "")


class EmbeddingPart(QWidget):
    """Asks for the embedding of the file it is given, onto the topology that is picked."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.setProperty("clear", True)
        self._context, self._source, self._asked = context, Source(), _NONE
        self.view = EmbeddingView(tr("Problem and device"))
        self.topology = Choice()
        self.topology.setAccessibleName(tr("Topology"))
        explain(self.topology, tr("Graph of the device the problem is laid onto"))
        row = context.find(COMMAND)
        names = next((arg.choices for arg in row.args if arg.name == "topology"), ()) if row is not None else ()
        for name in names:
            self.topology.addItem(str(name).capitalize(), name)
        self.topology.currentIndexChanged.connect(lambda _at: self.ask())
        self.told = QLabel()
        self.told.setProperty("role", "caption")
        self.told.setWordWrap(True)
        head = QHBoxLayout()
        head.setSpacing(2 * theme.SPACE)
        head.addWidget(self.topology)
        head.addWidget(self.told, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(head)
        self.again = QPushButton(tr("Look again"))
        explain(self.again, tr("Look for an embedding once more"))
        self.again.clicked.connect(lambda _checked=False: self.ask())
        self.again.hide()
        head.addWidget(self.again)
        column.addWidget(Chart(tr("Embedding"), self.view, self.view.twin), 1)

    def show_source(self, source: Source) -> None:
        """Have `source` be the problem that is asked about from now on."""
        if source != self._source:
            self._source, self._asked = source, _NONE
            self.view.show_picture(None)
            self.told.setText("")
            self.again.hide()

    def ask(self) -> None:
        """Ask for the embedding, once per file and topology; after a failure it can be asked for again."""
        wanted = (self._source, str(self.topology.currentData()))
        file, kind, sense = self._source
        if not file or wanted == self._asked or self._context.find(COMMAND) is None:
            return
        self._asked = wanted
        self.again.hide()
        self.view.show_picture(None)
        self.told.setText(tr("Looking for an embedding; a notice tells when none fits."))
        done, failed = partial(self._embedded, wanted), partial(self._failed, wanted)
        self._context.start(COMMAND, done, failed, file=Path(file), kind=kind, sense=sense, topology=wanted[1])

    def _failed(self, wanted: tuple[Source, str]) -> None:
        if wanted == self._asked:
            self._asked = _NONE
            self.told.setText(tr("No embedding was found; a notice says why."))
            self.again.show()

    def _embedded(self, wanted: tuple[Source, str], told: Mapping[str, Any]) -> None:
        if wanted == self._asked:
            self.view.show_picture(told)
            self.told.setText("\n".join(filter(None, (caption(told), breaks(told)))))
