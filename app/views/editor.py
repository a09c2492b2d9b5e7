"""The circuit editor: catalogue left, canvas centre, the state at the right, OpenQASM below in step with the canvas."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from PySide6.QtCore import QByteArray, QMimeData, QSize, Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
)

from app.engine.base.errors import OutpostError
from app.engine.base.text import tr
from app.engine.circuits import document
from app.engine.circuits.angles import angle_or_name
from app.engine.circuits.gates import GATES
from app.engine.circuits.look import MOST_QUBITS
from app.engine.circuits.picture import label_of
from app.engine.circuits.records import Circuit, Op
from app.views.editor_doors import Doors, FreeAngles
from app.views.editor_model import EditorModel, placed
from app.views.editor_state import WAIT_MS, StatePart
from app.views.shell import theme
from app.views.shell.context import Context
from app.views.shell.page import Page, card
from app.views.widgets.choice import Choice
from app.views.widgets.circuit_grid import MIME, CircuitGrid
from app.views.widgets.explain import explain
from app.views.widgets.flow import Flow
from app.views.widgets.state_pictures import angles_text

_OTHERS: Final = ("measure", "reset", "barrier")


class Catalogue(QListWidget):
    """The gates, to be dragged onto the canvas or put at its cursor with Return."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Gates"))
        self.setAccessibleDescription(tr("Return puts the gate at the cursor of the canvas"))
        self.setDragEnabled(True)
        self.setUniformItemSizes(True)
        for name in (*GATES, *_OTHERS):
            item = QListWidgetItem(f"{label_of(Op(name, (0,)))}  ·  {name}")
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setSizeHint(QSize(120, theme.row_px()))
            if name in GATES:
                item.setToolTip(GATES[name].about)
            self.addItem(item)

    def mimeData(self, items: Any) -> QMimeData:
        """Return the dragged gate's name."""
        data = QMimeData()
        data.setData(MIME, QByteArray(str(items[0].data(Qt.ItemDataRole.UserRole)).encode()))
        return data


class EditorPage(Page):
    """Draw a circuit, see its state at every step."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, tr("Circuit editor"))
        self.model = EditorModel(self)
        self.grid = CircuitGrid()
        self.catalogue = Catalogue()
        self.text = QPlainTextEdit()
        self.text.setAccessibleName(tr("OpenQASM of the circuit"))
        self.text.setAccessibleDescription(tr("In step with the canvas: what is changed in one shows in the other"))
        self.text.setFont(theme.mono_font(theme.TABLE_PX))
        self.said = QLabel()
        self.said.setProperty("role", "muted")
        self.said.setWordWrap(True)
        self._telling = False
        self._read_later = QTimer(self)
        self._read_later.setSingleShot(True)
        self._read_later.setInterval(WAIT_MS)
        self._read_later.timeout.connect(self._read)
        self.doors = Doors(context, self._given, self._opened, lambda: self.model.circuit)
        self.free = FreeAngles()
        self.state = StatePart(context, self._seen, self.free)
        self.free.changed.connect(self.state.later.start)
        self._build_line()
        self._lay_out()
        self._connect()
        self.begin_at(self.grid)
        self._changed()

    # parts

    def _build_line(self) -> None:
        self.qubits, self.angles, self.condition = QLineEdit(), QLineEdit(), Choice()
        for field, name in ((self.qubits, tr("Qubits of the gate")), (self.angles, tr("Angles of the gate"))):
            field.setAccessibleName(name)
            field.setPlaceholderText(name)
            field.editingFinished.connect(self._apply)
        self.condition.setAccessibleName(tr("Only if"))
        self.condition.setAccessibleDescription(tr("The measured bit on which the gate depends"))
        self.condition.activated.connect(self._conditioned)
        self.line = Flow()
        for text, what, call in (
            (tr("Add a qubit"), tr("Below the last one"), partial(self._do, tr("Add a qubit"), document.add_qubit)),
            (tr("Remove the qubit"), tr("The one at the cursor, with its gates"), self._remove_qubit),
            (tr("Undo"), tr("Take the last change of the circuit back"), self.model.stack.undo),
            (tr("Redo"), tr("Make the change that was taken back again"), self.model.stack.redo),
        ):
            button = QPushButton(text)
            explain(button, what)
            button.clicked.connect(lambda _checked=False, call=call: call())
            self.line.add(button)
        self.gate_line = QHBoxLayout()
        for widget in (self.qubits, self.angles, self.condition):
            self.gate_line.addWidget(widget, 1)

    def _lay_out(self) -> None:
        centre = QSplitter(Qt.Orientation.Vertical)
        canvas = card(self.doors, self.line, self.gate_line, self.said, self.grid)
        centre.addWidget(canvas)
        centre.addWidget(card(self.text, heading=tr("OpenQASM")))
        centre.setStretchFactor(0, 3)
        centre.setStretchFactor(1, 1)
        across = QSplitter(Qt.Orientation.Horizontal)
        for part in (card(self.catalogue, heading=tr("Gates")), centre, card(self.state, heading=tr("State"))):
            across.addWidget(part)
        across.setSizes([150, 620, 380])
        self.body.addWidget(across, 1)

    def _connect(self) -> None:
        self.model.changed.connect(self._changed)
        self.model.refused.connect(self.said.setText)
        self.grid.placed.connect(self._place)
        self.grid.moved.connect(self._move)
        self.grid.picked.connect(self._picked)
        self.grid.asked_remove.connect(self._remove)
        self.catalogue.itemActivated.connect(
            lambda item: self._place(str(item.data(Qt.ItemDataRole.UserRole)), *self.grid.cursor_at)
        )
        self.text.textChanged.connect(self._typed)
        for keys, call in (
            (QKeySequence.StandardKey.Undo, self.model.stack.undo), (QKeySequence.StandardKey.Redo, self.model.stack.redo),
            (QKeySequence.StandardKey.Copy, lambda: self.model.copy(self.grid.selected)),
            (QKeySequence.StandardKey.Paste, self._paste),
            (QKeySequence.StandardKey.SelectAll, lambda: self.grid.select(set(range(len(self.model.circuit.ops))))),
        ):  # fmt: skip
            QShortcut(QKeySequence(keys), self.grid, call, context=Qt.ShortcutContext.WidgetShortcut)

    # edits

    def _do(self, text: str, how: Any) -> None:
        self.model.edit(text, how)

    def _place(self, name: str, column: int, wire: int) -> None:
        self._do(tr("Place {gate}", gate=name), lambda circuit: placed(circuit, name, column, wire))

    def _move(self, by: int, column: int) -> None:
        chosen = sorted(self.grid.selected)
        if chosen:
            self._do(tr("Move"), lambda circuit: document.move(circuit, chosen, by, column))

    def _remove(self) -> None:
        here = self.grid.number_at(*self.grid.cursor_at)
        gone = self.grid.selected or ({here} if here is not None else set())
        self._do(tr("Remove"), lambda circuit: document.remove(circuit, gone))

    def _remove_qubit(self) -> None:
        wire = self.grid.cursor_at[1]
        self._do(tr("Remove the qubit"), lambda circuit: document.remove_qubit(circuit, wire))

    def _paste(self) -> None:
        column, wire = self.grid.cursor_at
        self._do(tr("Paste"), lambda circuit: document.paste(circuit, self.model.pasted(wire), column))

    def _one(self) -> int | None:
        return next(iter(self.grid.selected)) if len(self.grid.selected) == 1 else None

    def _picked(self) -> None:
        number = self._one()
        op = self.model.circuit.ops[number] if number is not None else None
        for widget in (self.qubits, self.angles, self.condition):
            widget.setEnabled(op is not None)
        self.qubits.setText(", ".join(str(qubit) for qubit in op.qubits) if op else "")
        self.angles.setText(angles_text(op.params) if op else "")
        self.condition.clear()
        self.condition.addItem(tr("always"), "")
        for label in self.model.circuit.clbits:
            self.condition.addItem(tr("if {bit} is {value}", bit=label, value=1), label)
            self.condition.addItem(tr("if {bit} is {value}", bit=label, value=0), f"!{label}")
        if op and op.condition:
            self.condition.setCurrentIndex(max(0, self.condition.findData(op.condition)))

    def _apply(self) -> None:
        number = self._one()
        if number is None:
            return
        op = self.model.circuit.ops[number]

        def change(circuit: Circuit) -> Circuit:
            angles = [angle_or_name(part) for part in self.angles.text().split(",") if part.strip()]
            same = self.angles.text() == angles_text(op.params)
            words = self.qubits.text().replace(",", " ").split()
            wires = [int(word) if word.isdecimal() else -1 for word in words]
            fresh = document.made(op.name, wires, list(op.params) if same else angles, op.clbits)
            kept = replace(fresh, condition=op.condition, clbits=op.clbits)
            if fresh.qubits == op.qubits:
                kept = replace(kept, open_controls=op.open_controls)
            return document.change(circuit, number, kept)

        if self.model.edit(tr("Change the gate"), change):
            self.grid.select({number})

    def _conditioned(self, at: int) -> None:
        number = self._one()
        held = str(self.condition.itemData(at) or "")
        if number is not None:
            bit = self.model.circuit.clbits.index(held.lstrip("!")) if held else None
            self._do(tr("Only if"), lambda circuit: document.conditioned(circuit, number, bit, 0 if held[:1] == "!" else 1))

    # text in step

    def open_circuit(self, made: Mapping[str, Any]) -> None:
        """Edit the circuit of a document."""
        self.model.open(document.from_json(made))

    def _changed(self) -> None:
        self.grid.show_circuit(self.model.circuit)
        self._picked()
        self.said.setText("")
        self.free.show_names(document.free(self.model.circuit))
        if not self.text.hasFocus():
            self._telling = True
            self.text.setPlainText(document.qasm(self.model.circuit))
            self._telling = False
        self.state.follow(len(self.model.circuit.ops))

    def _typed(self) -> None:
        if not self._telling:
            self._read_later.start()

    def _read(self) -> None:
        typed = self.text.toPlainText()
        self.context.start("circuit.show", partial(self._understood, typed), text=typed)

    def _understood(self, typed: str, told: Mapping[str, Any]) -> None:
        if typed != self.text.toPlainText():
            return
        made = told.get("document")
        if made is None:
            self.said.setText(tr("This text cannot be edited on the canvas: {reason}", reason=told.get("why_not", "")))
        else:
            self._do(tr("Edit the text"), lambda _circuit: document.from_json(made))

    # the state, and the way out

    def shown(self) -> None:
        """List what is kept by now."""
        self.doors.fill()

    def _bound(self) -> str:
        """Return the circuit as text, its free angles as the sliders have them."""
        return document.qasm(document.bound(self.model.circuit, self.free.values))

    def _seen(self) -> tuple[str, int]:
        """Return what the pictures are of; raises `OutpostError` when it cannot be written."""
        count = len(self.model.circuit.qubits)
        return (self._bound() if count <= MOST_QUBITS else "", count)

    def _given(self) -> str:
        """Return the circuit to be run or kept; says why when it cannot be written."""
        try:
            return self._bound()
        except OutpostError as error:
            self.said.setText(str(error))
            return ""

    def _opened(self, told: Mapping[str, Any]) -> None:
        if told.get("document") is None:
            self.said.setText(tr("This text cannot be edited on the canvas: {reason}", reason=told.get("why_not", "")))
        else:
            self.open_circuit(told["document"])
