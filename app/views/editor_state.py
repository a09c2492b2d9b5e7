"""The state beside the editor's canvas: pictures, the step it is taken after, decoherence, and the qubits of the matrix."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QSlider, QVBoxLayout, QWidget

from app.engine.base.errors import OutpostError
from app.engine.base.ids import new_id
from app.engine.base.text import tr
from app.engine.circuits.look import MOST_DENSITY, MOST_QUBITS
from app.views.shell.context import Context
from app.views.widgets.bloch import BlochSpheres
from app.views.widgets.chart import Chart
from app.views.widgets.choice import Choice
from app.views.widgets.explain import explain, tabbed
from app.views.widgets.state_pictures import City, EntanglementMap, Hinton, QSphere, StateBars, measures_text

WAIT_MS: Final = 250
_T1_US: Final = 100.0


class StatePart(QWidget):
    """Asks for the state of a circuit and draws it; only the answer to the newest question is shown."""

    def __init__(self, context: Context, circuit: Callable[[], tuple[str, int]], above: QWidget) -> None:
        """`circuit` returns its text and how many qubits it has; `above` stands over the sliders."""
        super().__init__()
        self._context, self._circuit = context, circuit
        self._viewer = new_id()
        self._asked: dict[str, Any] = {}
        self.later = QTimer(self)
        self.later.setSingleShot(True)
        self.later.setInterval(WAIT_MS)
        self.later.timeout.connect(self.look)
        self._build_pictures()
        self.step = self._slider(tr("Step"), 0)
        self.wait = self._slider(tr("Wait, as a share of T1"), 300)
        self.dephase = self._slider(tr("T2 as a share of T1"), 200)
        self.dephase.setValue(100)
        self.noise = self._slider(tr("Depolarising"), 100)
        self.keep = QLineEdit()
        self.keep.setAccessibleName(tr("Qubits of the matrix"))
        self.keep.setPlaceholderText(", ".join(map(str, range(MOST_DENSITY))))
        explain(self.keep, tr("Numbers of up to {most} qubits whose density matrix is drawn", most=MOST_DENSITY))
        self.keep.textChanged.connect(lambda _text: self.later.start())
        self.measures = QLabel()
        self.measures.setWordWrap(True)
        self.measures.setProperty("role", "muted")
        self._lay_out(above)

    def follow(self, count: int) -> None:
        """Have `count` steps; the slider stays at the last one if it stood there."""
        last = self.step.value() >= self.step.maximum()
        self.step.setRange(0, count)
        if last:
            self.step.setValue(count)
        self.later.start()

    def kept(self, count: int) -> list[int]:
        """Return which of `count` qubits the matrix is to show; what is no such number is left out."""
        words = self.keep.text().replace(",", " ").split()
        return list(dict.fromkeys(int(word) for word in words if word.isdecimal() and int(word) < count))[:MOST_DENSITY]

    def look(self) -> None:
        """Ask for the state; a question that is still open is given up."""
        try:
            text, count = self._circuit()
        except OutpostError as error:
            self._asked = {}
            self.measures.setText(str(error))
            return
        self._keep_line.setVisible(count > 1)
        if count > MOST_QUBITS:
            self._asked = {}
            self.measures.setText(tr("States are drawn for up to {most} qubits.", most=MOST_QUBITS))
            return
        asked = {
            "text": text, "upto": self.step.value(), "t_us": self.wait.value(), "t1_us": _T1_US,
            "t2_us": max(1.0, float(self.dephase.value())), "depolarised": self.noise.value() / 100,
            "keep": " ".join(map(str, self.kept(count))),
        }  # fmt: skip
        self._asked = asked
        self._context.start("circuit.look", partial(self._looked, asked), **asked, viewer=self._viewer)

    # inside

    def _build_pictures(self) -> None:
        self.bars, self.sphere = StateBars(tr("Probabilities")), QSphere(tr("Q-sphere"))
        self.city, self.hinton = City(tr("Density matrix")), Hinton(tr("Hinton diagram"))
        self.ties, self.spheres = EntanglementMap(tr("Entanglement")), BlochSpheres(tr("Bloch vectors"))
        self.tabs = tabbed(tr("Pictures of the state"))
        self.pick = Choice()
        self.pick.setAccessibleName(tr("Pictures of the state"))
        explain(self.pick, tr("Which picture of the state is shown"))
        for title, widget in (
            (tr("Probabilities"), self.bars), (tr("Q-sphere"), self.sphere), (tr("Qubits"), self.spheres),
            (tr("Density matrix"), self.city), (tr("Hinton diagram"), self.hinton), (tr("Entanglement"), self.ties),
        ):  # fmt: skip
            self.tabs.addTab(Chart(title, widget, widget.twin), title)
            self.pick.addItem(title)
        self.pick.activated.connect(self.tabs.setCurrentIndex)
        self.tabs.currentChanged.connect(self.pick.setCurrentIndex)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the choice of pictures as tabs where all of them fit, as a list where they would hide behind arrows."""
        super().resizeEvent(event)
        fit = self.tabs.tabBar().sizeHint().width() <= self.width()
        self.tabs.tabBar().setVisible(fit)
        self.pick.setVisible(not fit)

    def _slider(self, name: str, most: int) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setAccessibleName(name)
        slider.setToolTip(name)
        slider.setRange(0, most)
        slider.valueChanged.connect(lambda _value: self.later.start())
        return slider

    def _lay_out(self, above: QWidget) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.pick)
        column.addWidget(self.tabs, 1)
        column.addWidget(self.measures)
        column.addWidget(above)
        self._keep_line = _line(self.keep)
        column.addWidget(self._keep_line)
        self._keep_line.hide()
        for slider in (self.step, self.wait, self.dephase, self.noise):
            column.addWidget(_line(slider))

    def _looked(self, asked: dict[str, Any], told: Mapping[str, Any]) -> None:
        if asked != self._asked:
            return
        for picture in (self.bars, self.sphere, self.city, self.hinton, self.ties):
            picture.show_picture(told)
        self.spheres.show_vectors(told["qubits"], told["bloch"])
        said = measures_text(dict(told["measures"]))
        if not told["exact"]:
            said = tr("{measures} · one run, as the circuit measures on its way", measures=said)
        if told["noisy"] and not told["odds_noisy"]:
            said = tr("{measures} · probabilities without the noise", measures=said)
        self.measures.setText(said)


def _line(widget: QWidget) -> QWidget:
    """Return `widget` with its name at its left."""
    held = QWidget()
    held.setProperty("clear", True)
    row = QHBoxLayout(held)
    row.setContentsMargins(0, 0, 0, 0)
    label = QLabel(widget.accessibleName())
    label.setProperty("role", "caption")
    row.addWidget(label, 1)
    row.addWidget(widget, 2)
    return held
