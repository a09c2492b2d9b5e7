"""The canvas of the circuit editor: a QGraphicsView that paints only the cells in view, with a cursor and a selection.

Columns have one width, so what stands where is found without a search; nothing is an item of its own, and a circuit of 5,000
gates scrolls like one of ten. What a person does leaves as signals; the circuit itself is changed elsewhere.
"""

from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QGraphicsScene, QGraphicsView

from app.engine.base.text import tr
from app.engine.circuits.picture import cell_of, schedule
from app.engine.circuits.records import Circuit
from app.views.shell import theme
from app.views.widgets.circuit_cells import LINE_PX, TOP_PX, Cell, Cells, y_of

COLUMN_PX: Final = 74
TILE_COLUMNS, TILE_WIRES = 4, 6  # of one kept part of the drawing
MOST_TILES: Final = 160
MIME: Final = "application/x-outpost-gate"
_STEPS: Final = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1),
}  # fmt: skip
_KEYS: Final = {"h": "h", "x": "x", "y": "y", "z": "z", "s": "s", "t": "t", "c": "cx", "r": "rx", "p": "p", "w": "swap",
                "m": "measure", "b": "barrier", "0": "reset"}  # fmt: skip


class CircuitGrid(QGraphicsView):
    """Shows a circuit and tells what is done to it."""

    placed = Signal(str, int, int)  # gate, column, wire
    moved = Signal(int, int)  # wires down, to column
    picked = Signal()
    asked_remove = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.circuit = Circuit("", (), (), ())
        self.selected: set[int] = set()
        self.cursor_at = (0, 0)  # column, wire
        self._columns: list[list[tuple[int, Cell]]] = []
        self._places: list[int] = []
        self._cells = Cells()
        self._tiles: dict[tuple[int, int], QPixmap] = {}
        self._drawn_for: tuple[float, str] = (0.0, "")
        self._label_px = 0.0
        self._pressed: tuple[int, int] | None = None
        self._band: QRectF | None = None
        self.setScene(QGraphicsScene(self))
        self.setAcceptDrops(True)
        self.setFrameShape(self.Shape.NoFrame)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.setAccessibleName(tr("Circuit being edited"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    # what it shows

    def show_circuit(self, circuit: Circuit) -> None:
        """Show `circuit`; the cursor stays, the selection is dropped."""
        self.circuit = circuit
        self.selected = set()
        self._tiles = {}
        self._places = schedule(circuit)
        self._columns = [[] for _ in range(max(self._places, default=-1) + 1)]
        for number, (op, place) in enumerate(zip(circuit.ops, self._places, strict=True)):
            self._columns[place].append((number, cell_of(op)))
        mono = QFontMetricsF(theme.mono_font(theme.TABLE_PX))
        labels = (*circuit.qubits, *circuit.clbits)
        self._label_px = max((mono.horizontalAdvance(label) for label in labels), default=0.0) + 20
        wide = self._label_px + COLUMN_PX * (len(self._columns) + 4)
        self.setSceneRect(0, 0, wide, 2 * TOP_PX + LINE_PX * len(labels))
        self._keep_cursor(*self.cursor_at)

    def select(self, numbers: set[int]) -> None:
        """Select operations by number."""
        self.selected = {number for number in numbers if number < len(self.circuit.ops)}
        self._tiles = {}
        self.picked.emit()
        self.viewport().update()

    def number_at(self, column: int, wire: int) -> int | None:
        """Return the number of the operation drawn at a column and wire."""
        if not 0 <= column < len(self._columns):
            return None
        for number, _ in self._columns[column]:
            qubits = self.circuit.ops[number].qubits
            if qubits and min(qubits) <= wire <= max(qubits):
                return number
        return None

    def column_of(self, number: int) -> int:
        """Return the column an operation stands in."""
        return self._places[number]

    def _keep_cursor(self, column: int, wire: int) -> None:
        column = min(max(0, column), len(self._columns))
        self.cursor_at = (column, min(max(0, wire), max(0, len(self.circuit.qubits) - 1)))
        here = self.number_at(*self.cursor_at)
        said = self.circuit.ops[here].name if here is not None else tr("empty")
        self.setAccessibleDescription(
            tr("{qubits} qubits, {gates} operations; cursor at column {column}, {wire}: {what}",
               qubits=len(self.circuit.qubits), gates=len(self.circuit.ops), column=self.cursor_at[0] + 1,
               wire=self.circuit.qubits[self.cursor_at[1]] if self.circuit.qubits else "–", what=said)
        )  # fmt: skip
        self.viewport().update()

    def place_of(self, at: QPointF) -> tuple[int, int]:
        """Return (column, wire) of a point of the scene."""
        wires = max(1, len(self.circuit.qubits))
        column = int((at.x() - self._label_px) // COLUMN_PX)
        return max(0, column), min(max(0, int((at.y() - TOP_PX) // LINE_PX)), wires - 1)

    # painting

    def drawBackground(self, painter: QPainter, rect: QRectF) -> None:  # type: ignore[override]
        """Draw the ground and the wires in `rect`."""
        tokens = theme.now()
        painter.fillRect(rect, QColor(tokens.surface))
        qubits = len(self.circuit.qubits)
        for wire in self._wires_in(rect):
            painter.setPen(QPen(QColor(tokens.muted if wire < qubits else tokens.border), 1))
            for off in (0,) if wire < qubits else (-1.5, 1.5):
                y = y_of(wire) + off
                painter.drawLine(QPointF(max(rect.left(), self._label_px), y), QPointF(rect.right(), y))

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:  # type: ignore[override]
        """Draw the cells in `rect`, the cursor, and the labels at the left of the window."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        wide, high = TILE_COLUMNS * COLUMN_PX, TILE_WIRES * LINE_PX
        for row in range(max(0, int(rect.top() // high)), int(rect.bottom() // high) + 1):
            for across in range(max(0, int(rect.left() // wide)), int(rect.right() // wide) + 1):
                painter.drawPixmap(QPointF(across * wide, row * high), self._tile(across, row))
        wires = self._wires_in(rect)
        self._draw_cursor(painter)
        self._draw_labels(painter, rect, wires)

    def _tile(self, across: int, row: int) -> QPixmap:
        """Return a part of the drawing, painted once and kept until the circuit, selection or theme changes."""
        ratio, name = self.devicePixelRatioF(), theme.now().name
        if self._drawn_for != (ratio, name) or len(self._tiles) > MOST_TILES:
            self._tiles, self._drawn_for = {}, (ratio, name)
        tile = self._tiles.get((across, row))
        if tile is None:
            area = QRectF(across * TILE_COLUMNS * COLUMN_PX, row * TILE_WIRES * LINE_PX, TILE_COLUMNS * COLUMN_PX,
                          TILE_WIRES * LINE_PX)  # fmt: skip
            tile = QPixmap(round(area.width() * ratio), round(area.height() * ratio))
            tile.setDevicePixelRatio(ratio)
            tile.fill(Qt.GlobalColor.transparent)
            painter = QPainter(tile)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.translate(-area.topLeft())
            self._draw_cells(painter, area)
            painter.end()
            self._tiles[across, row] = tile
        return tile

    def _draw_cells(self, painter: QPainter, area: QRectF) -> None:
        wires = self._wires_in(area)
        first = max(0, int((area.left() - self._label_px) // COLUMN_PX))
        last = int((area.right() - self._label_px) // COLUMN_PX) + 1
        for column in range(first, min(last, len(self._columns))):
            left = self._label_px + column * COLUMN_PX + 4
            for number, cell in self._columns[column]:
                if self._touches(number, wires):
                    self._draw_cell(painter, number, cell, left)

    def _touches(self, number: int, wires: range) -> bool:
        op, count = self.circuit.ops[number], len(self.circuit.qubits)
        lowest = max((count + bit for bit in op.clbits), default=max(op.qubits, default=0))
        return min(op.qubits, default=0) < wires.stop and lowest >= wires.start

    def _draw_cell(self, painter: QPainter, number: int, cell: Cell, left: float) -> None:
        if number in self.selected:
            qubits = self.circuit.ops[number].qubits
            top, bottom = y_of(min(qubits)) - LINE_PX / 2 + 1, y_of(max(qubits)) + LINE_PX / 2 - 1
            painter.setPen(QPen(QColor(theme.now().accent), 2))
            painter.setBrush(QColor(theme.now().raised))
            painter.drawRoundedRect(QRectF(left - 2, top, COLUMN_PX - 4, bottom - top), 5, 5)
        self._cells.draw(painter, cell, left, COLUMN_PX - 8, len(self.circuit.qubits))

    def _draw_cursor(self, painter: QPainter) -> None:
        if self._band is not None:
            painter.setPen(QPen(QColor(theme.now().accent), 1, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self._band)
        if self.hasFocus() and self.circuit.qubits:
            column, wire = self.cursor_at
            painter.setPen(QPen(QColor(theme.now().accent), 1.5, Qt.PenStyle.DotLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            box = QRectF(self._label_px + column * COLUMN_PX + 1, y_of(wire) - LINE_PX / 2 + 2, COLUMN_PX - 2, LINE_PX - 4)
            painter.drawRoundedRect(box, 4, 4)

    def _draw_labels(self, painter: QPainter, rect: QRectF, wires: range) -> None:
        tokens, left = theme.now(), self.mapToScene(0, 0).x()
        if rect.left() > left + self._label_px:
            return
        painter.fillRect(QRectF(left, rect.top(), self._label_px, rect.height()), QColor(tokens.surface))
        painter.setFont(theme.mono_font(theme.TABLE_PX))
        labels = (*self.circuit.qubits, *self.circuit.clbits)
        side = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for wire in wires:
            painter.setPen(QColor(tokens.text if wire < len(self.circuit.qubits) else tokens.muted))
            painter.drawText(QRectF(left, y_of(wire) - 12, self._label_px - 8, 24), side, labels[wire])

    def _wires_in(self, rect: QRectF) -> range:
        count = len(self.circuit.qubits) + len(self.circuit.clbits)
        first = max(0, int((rect.top() - TOP_PX) // LINE_PX))
        return range(first, max(first, min(count, int((rect.bottom() - TOP_PX) // LINE_PX) + 1)))

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Scroll; the labels at the left stay, so going sideways they are drawn anew."""
        super().scrollContentsBy(dx, dy)
        if dx:
            self.viewport().update(0, 0, int(self._label_px + abs(dx)) + 1, self.viewport().height())

    # hands

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick what is under the pointer, or begin to draw a band."""
        at = self.mapToScene(event.position().toPoint())
        column, wire = self.place_of(at)
        self._keep_cursor(column, wire)
        number = self.number_at(column, wire)
        more = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if number is None:
            self._band = QRectF(at, at)
            self.select(self.selected if more else set())
        elif more:
            self.select(self.selected ^ {number})
        else:
            self._pressed = (column, wire)
            if number not in self.selected:
                self.select({number})

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw the band."""
        if self._band is not None:
            self._band.setBottomRight(self.mapToScene(event.position().toPoint()))
            self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Take what is in the band, or put what was dragged where it was let go."""
        at = self.mapToScene(event.position().toPoint())
        if self._band is not None:
            band, self._band = self._band.normalized(), None
            if band.width() > 4:
                self.select(self._inside(band))
        elif self._pressed is not None:
            column, wire = self.place_of(at)
            begun, self._pressed = self._pressed, None
            if (column, wire) != begun:
                self.moved.emit(wire - begun[1], column)
        self.viewport().update()

    def _inside(self, band: QRectF) -> set[int]:
        first, top = self.place_of(band.topLeft())
        last, bottom = self.place_of(band.bottomRight())
        return {
            number for column in self._columns[first : last + 1] for number, _ in column
            if any(top <= qubit <= bottom for qubit in self.circuit.ops[number].qubits)
        }  # fmt: skip

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor or the selection, place a gate by its letter, select, remove."""
        step = _STEPS.get(Qt.Key(event.key()))
        plain = not event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
        if step is not None:
            self._step(*step, dragging=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif event.key() == Qt.Key.Key_Space:
            number = self.number_at(*self.cursor_at)
            self.select(self.selected ^ {number} if number is not None else set())
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.asked_remove.emit()
        elif plain and event.text().lower() in _KEYS:
            self.placed.emit(_KEYS[event.text().lower()], *self.cursor_at)
        else:
            super().keyPressEvent(event)

    def _step(self, right: int, down: int, *, dragging: bool) -> None:
        column, wire = self.cursor_at
        self._keep_cursor(column + right, wire + down)
        if dragging and self.selected:
            self.moved.emit(down, max(0, min(self.column_of(number) for number in self.selected) + right))
        x, y = self._label_px + self.cursor_at[0] * COLUMN_PX, y_of(self.cursor_at[1])
        self.ensureVisible(QRectF(x, y - LINE_PX / 2, COLUMN_PX, LINE_PX), int(self._label_px), 0)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take gates from the catalogue."""
        if event.mimeData().hasFormat(MIME):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Show where the gate would go."""
        if event.mimeData().hasFormat(MIME):
            self._keep_cursor(*self.place_of(self.mapToScene(event.position().toPoint())))
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Place the gate that was let go."""
        if event.mimeData().hasFormat(MIME):
            name = bytes(event.mimeData().data(MIME).data()).decode()
            self.placed.emit(name, *self.place_of(self.mapToScene(event.position().toPoint())))
            event.acceptProposedAction()
