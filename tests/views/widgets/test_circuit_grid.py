import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from app.engine.circuits.document import blank, insert, made
from app.engine.circuits.records import Circuit
from app.views.widgets.circuit_grid import COLUMN_PX, CircuitGrid


@pytest.fixture
def grid(qtbot):
    grid = CircuitGrid()
    qtbot.addWidget(grid)
    grid.resize(600, 300)
    return grid


def test_only_the_cells_in_view_are_painted(grid, monkeypatch):
    rng = np.random.default_rng(0)
    ops = tuple(made("h", [int(wire)]) for wire in rng.integers(0, 156, 5000))
    grid.show_circuit(Circuit("wide", blank(156).qubits, (), ops))
    drawn = []
    monkeypatch.setattr(grid._cells, "draw", lambda *given: drawn.append(given))
    image = QImage(600, 300, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    grid.drawForeground(painter, QRectF(10 * COLUMN_PX, 400, 600, 300))
    painter.end()
    assert 0 < len(drawn) <= 17 * 19
    count = len(drawn)
    again = QPainter(image)
    grid.drawForeground(again, QRectF(10 * COLUMN_PX, 400, 600, 300))
    again.end()
    assert len(drawn) == count  # what was painted is kept
    grid.select({0})
    last = QPainter(image)
    grid.drawForeground(last, QRectF(10 * COLUMN_PX, 400, 600, 300))
    last.end()
    assert len(drawn) == 2 * count


def test_a_point_means_a_column_and_a_wire(grid):
    grid.show_circuit(insert(insert(blank(3), made("h", [0])), made("cx", [0, 2])))
    assert grid.number_at(0, 0) == 0
    assert grid.number_at(1, 1) == 1
    assert grid.number_at(5, 0) is None
    assert grid.accessibleDescription().startswith("3 qubits, 2 operations; cursor at column 1, q[0]: h")
