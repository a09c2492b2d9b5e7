"""A drawing as a file: all of it, in fine pixels or as lines and text."""

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage

from app.engine.base.errors import Conflict, Limit
from app.views.widgets.chart import Chart
from app.views.widgets.circuit import CircuitCanvas
from app.views.widgets.picture_file import save_png, save_svg


@pytest.fixture
def canvas(qtbot, picture):
    made = CircuitCanvas()
    qtbot.addWidget(made)
    made.show_picture({**picture, "columns": picture["columns"] * 12})
    made.resize(100, 60)
    return made


def test_a_png_holds_the_whole_circuit_and_not_what_the_window_shows(canvas, tmp_path):
    canvas.horizontalScrollBar().setValue(300)
    found = QImage(str(save_png(canvas, tmp_path / "a.png")))
    assert found.size() == canvas.drawn_size() * 2
    right = {found.pixel(x, y) for x in range(found.width() - 200, found.width()) for y in range(0, found.height(), 2)}
    assert len(right) > 3


def test_an_svg_holds_every_gate_as_text(canvas, tmp_path):
    said = save_svg(canvas, tmp_path / "a.svg", "Diagram").read_text()
    assert "<title>Diagram</title>" in said
    assert said.count(">Rx(") == 12
    assert f'viewBox="0 0 {canvas.drawn_size().width()} {canvas.drawn_size().height()}"' in said


def test_a_chart_around_it_saves_it_whole_and_tells_it_as_a_table(canvas, tmp_path):
    chart = Chart("Diagram", canvas, canvas.twin)
    assert QImage(str(chart.save_png(tmp_path / "a.png"))).size() == canvas.drawn_size() * 2
    assert chart.save_svg(tmp_path / "a.svg").read_text().count(">Rx(") == 12
    lines = chart.save_csv(tmp_path / "a.csv").read_text().splitlines()
    assert lines[:3] == ["Column,Operation,Qubits,Bits", "1,H,q[0],", "1,Rx(π/2),q[2],"]
    assert len(lines) == 1 + 12 * 8


def test_a_picture_that_cannot_be_a_png_says_so(canvas, tmp_path, monkeypatch):
    monkeypatch.setattr(canvas, "drawn_size", lambda: QSize(100_000, 60))
    with pytest.raises(Limit, match="too large for a PNG"):
        save_png(canvas, tmp_path / "a.png")
    (tmp_path / "none").write_text("a file")
    with pytest.raises(Conflict, match="cannot be written"):
        save_svg(canvas, tmp_path / "none" / "a.svg", "Diagram")
