"""Around the editor's canvas: circuits to begin with, running and keeping what was drawn, free angles as sliders."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QSlider, QWidget

from app.engine.base.text import tr
from app.engine.circuits.angles import angle_text
from app.views.shell.context import Context
from app.views.widgets.choice import Choice
from app.views.widgets.explain import explain

_STEPS: Final = 64  # of a slider, over a whole turn
MOST_SLIDERS: Final = 6


class Doors(QHBoxLayout):
    """A choice of circuits to open, and buttons that run the drawn one or keep it in this home."""

    def __init__(self, context: Context, text: Callable[[], str], opened: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._context, self._text, self._opened = context, text, opened
        self.samples = Choice()
        self.samples.setAccessibleName(tr("Open a circuit"))
        self.samples.setAccessibleDescription(tr("Puts a kept or bundled circuit on the canvas"))
        self.samples.activated.connect(self._open)
        self.addWidget(self.samples, 1)
        self.fill()
        for title, what, call in (
            (tr("Run"), tr("Simulate the circuit; the outcomes are on the page Circuits"), self._run),
            (tr("Compile…"), tr("Compile the circuit for a device; the result is on the page Circuits"), self._compile),
            (tr("Keep…"), tr("Keep the circuit in this home under a name"), self._keep),
        ):
            button = QPushButton(title)
            explain(button, what)
            button.clicked.connect(lambda _checked=False, call=call: call())
            self.addWidget(button)

    def fill(self) -> None:
        """List the circuits there are now."""
        self.samples.clear()
        self.samples.addItem(tr("Open a circuit…"), "")
        for sample in self._context.engine.circuits.samples():
            self.samples.addItem(sample.name, sample.file)
            self.samples.setItemData(self.samples.count() - 1, sample.title, Qt.ItemDataRole.ToolTipRole)

    def _open(self, number: int) -> None:
        file = str(self.samples.itemData(number) or "")
        if file:
            self._context.start("circuit.show", partial(self._opened), file=Path(file))

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
