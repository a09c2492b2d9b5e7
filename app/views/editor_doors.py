"""Around the editor's canvas: circuits to begin with, running and keeping what was drawn, free angles as sliders."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QLabel, QPushButton, QSlider, QWidget

from app.engine.base.text import tr
from app.engine.circuits import document
from app.engine.circuits.angles import angle_text
from app.engine.circuits.files import FORMATS
from app.engine.circuits.picture import picture_of
from app.engine.circuits.records import Circuit
from app.views.circuit_choice import CircuitChoice
from app.views.shell.context import Context
from app.views.widgets.circuit import CircuitCanvas
from app.views.widgets.explain import explain
from app.views.widgets.flow import Flow
from app.views.widgets.picture_file import save_png

_STEPS: Final = 64  # of a slider, over a whole turn
MOST_SLIDERS: Final = 6
_LETTERS: Final = 18
EXPORTS: Final = {"qasm3": "qasm", "qasm2": "qasm2", "qpy": "qpy", "svg": "svg", "png": "png"}  # format: ending


class Doors(Flow):
    """A choice of circuits to open, and buttons that run, keep or export the drawn one."""

    def __init__(
        self, context: Context, text: Callable[[], str], opened: Callable[[dict[str, Any]], None], drawn: Callable[[], Circuit]
    ) -> None:
        super().__init__()
        self._context, self._text, self._opened, self._drawn = context, text, opened, drawn
        self.samples = CircuitChoice(
            context, tr("Open a circuit…"), tr("Open a circuit"), tr("Puts a kept or bundled circuit on the canvas")
        )
        self.samples.setMinimumContentsLength(_LETTERS)
        self.samples.activated.connect(self._open)
        self.add(self.samples)
        for title, what, call in (
            (tr("Open file…"), tr("Puts an OpenQASM 2 or 3 or a QPY file on the canvas"), self._ask_open),
            (tr("Run"), tr("Simulate the circuit; the outcomes are on the page Circuits"), self._run),
            (tr("Compile…"), tr("Compile the circuit for a device; the result is on the page Circuits"), self._compile),
            (tr("Keep…"), tr("Keep the circuit in this home under a name"), self._keep),
            (tr("Export…"), tr("Write the circuit as OpenQASM 2 or 3, as QPY, or as a picture, SVG or PNG"), self._ask_export),
        ):
            button = QPushButton(title)
            explain(button, what)
            button.clicked.connect(lambda _checked=False, call=call: call())
            self.add(button)

    def fill(self) -> None:
        """List the circuits there are now."""
        self.samples.fill()

    def open_file(self, name: str) -> None:
        """Put the circuit of a file on the canvas."""
        self._context.start("circuit.show", partial(self._opened), file=Path(name))

    def export(self, name: str, form: str) -> None:
        """Write what is drawn to the file `name`, which the dialog has asked about, in one of `EXPORTS`."""
        path = Path(name)
        form = FORMATS.get(path.suffix.lower(), form) if path.suffix.lower() != ".qasm" else form
        if path.suffix.lower() == ".png" or form == "png":
            canvas = CircuitCanvas()
            canvas.show_picture(picture_of(self._drawn()))
            save_png(canvas, path)
            return
        # Free angles stay free where the format knows them.
        text = self._text() if form == "qasm2" else document.qasm(self._drawn())
        if text:
            self._context.start("circuit.export", None, text=text, out=path, format=form, replace=True)

    # inside

    def _open(self, number: int) -> None:
        file = str(self.samples.itemData(number) or "")
        if file:
            self.open_file(file)

    def _ask_open(self) -> None:
        kinds = " ".join(f"*{ending}" for ending in FORMATS if ending != ".svg")
        filters = ";;".join((tr("Circuits ({endings})", endings=kinds), tr("All files (*)")))
        dialog = QFileDialog(self.samples, tr("Open a circuit"), "", filters)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.open_file)
        dialog.open()

    def _ask_export(self) -> None:
        dialog = QFileDialog(self.samples, tr("Export the circuit"), "", ";;".join(map(filter_of, EXPORTS)))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(next(iter(EXPORTS.values())))
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(EXPORTS[form_of(chosen)]))
        dialog.fileSelected.connect(lambda name: self.export(name, form_of(dialog.selectedNameFilter())))
        dialog.open()

    def _run(self) -> None:
        text = self._text()
        if text:
            self._context.start("circuit.run", None, text=text)
            self._context.open_page("circuits")

    def _compile(self) -> None:
        text = self._text()
        if text:
            self._context.open_command("circuit.compile", {"text": text})

    def _keep(self) -> None:
        text = self._text()
        if text:
            self._context.open_command("circuit.import", {"text": text})


def filter_of(form: str) -> str:
    """Return the line of a file dialog for one of `EXPORTS`."""
    titles = {"qasm3": "OpenQASM 3", "qasm2": "OpenQASM 2", "qpy": "QPY", "svg": "SVG", "png": "PNG"}
    return f"{titles[form]} (*.{EXPORTS[form]})"


def form_of(line: str) -> str:
    """Return which of `EXPORTS` a line of the dialog stands for."""
    return next((form for form in EXPORTS if filter_of(form) == line), next(iter(EXPORTS)))


class FreeAngles(QWidget):
    """A slider for each free angle, from 0 to a whole turn; `changed` when one moves."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._sliders: dict[str, QSlider] = {}
        self.setVisible(False)

    @property
    def values(self) -> dict[str, float]:
        """Return the angle of each name in radians."""
        return {name: slider.value() * math.tau / _STEPS for name, slider in self._sliders.items()}

    def show_names(self, names: Sequence[str]) -> None:
        """Have a slider for each of `names`; those that stay keep their angle."""
        wanted = list(names[:MOST_SLIDERS])
        if wanted == list(self._sliders):
            return
        before = {name: slider.value() for name, slider in self._sliders.items()}
        while self._grid.count():
            item = self._grid.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._sliders = {}
        for row, name in enumerate(wanted):
            self._add(row, name, before.get(name, _STEPS // 8))
        self.setVisible(bool(wanted))

    def _add(self, row: int, name: str, value: int) -> None:
        slider, told = QSlider(Qt.Orientation.Horizontal), QLabel()
        slider.setAccessibleName(tr("Free angle {name}", name=name))
        explain(slider, tr("The angle that {name} stands for, in the pictures and in a run", name=name))
        slider.setRange(0, _STEPS)
        slider.setValue(value)
        told.setText(angle_text(value * math.tau / _STEPS))

        def turned(now: int) -> None:
            told.setText(angle_text(now * math.tau / _STEPS))
            self.changed.emit()

        slider.valueChanged.connect(turned)
        caption = QLabel(name)
        caption.setProperty("role", "caption")
        caption.setBuddy(slider)
        for column, widget in enumerate((caption, slider, told)):
            self._grid.addWidget(widget, row, column)
        self._sliders[name] = slider
