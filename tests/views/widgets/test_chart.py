"""Every chart has a table, and leaves as picture and as data."""

import csv

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QFileDialog

from app.engine.base.errors import Conflict
from app.views.widgets.plot import LivePlot


@pytest.fixture
def plot(qtbot):
    made = LivePlot("Load", unit="Hz")
    qtbot.addWidget(made)
    made.resize(400, 260)
    made.add("a")
    made.add("b")
    made.show_data(0, np.array([10.0, 11.0, 12.0]), np.array([1.5, 2.5, 3.25]))
    made.show_data(1, np.array([10.0, 12.0]), np.array([7.0, 8.0]))
    made.show()
    made.draw(wait=True)
    return made


def test_the_table_holds_what_the_plot_shows_and_can_be_put_in_its_place(plot):
    assert plot.twin().rows == [("a", 0.0, 1.5), ("a", 1.0, 2.5), ("a", 2.0, 3.25), ("b", 0.0, 7.0), ("b", 2.0, 8.0)]
    assert not plot.table_shown
    plot.menu.actions()[0].trigger()
    assert plot.table_shown
    view = plot._table.view
    view.flush()
    view.selectRow(4)
    assert "b\t2\t8" in view.as_text()
    plot.menu.actions()[0].trigger()
    assert not plot.table_shown


def test_data_leaves_unrounded(plot, tmp_path):
    rows = list(csv.reader(plot.save_csv(tmp_path / "out.csv").read_text("utf-8").splitlines()))
    assert rows[0] == ["Curve", "Time, s", "Value"]
    assert [float(row[2]) for row in rows[1:4]] == [1.5, 2.5, 3.25]


def test_a_picture_is_saved_at_twice_the_resolution_and_as_lines(plot, tmp_path):
    image = QImage(str(plot.save_png(tmp_path / "out.png")))
    assert (image.width(), image.height()) == (800, 520)
    assert len({image.pixel(400, y) for y in range(160, 420)}) > 1
    svg = plot.save_svg(tmp_path / "out.svg")
    assert QSvgRenderer(str(svg)).isValid()
    assert "Load" in svg.read_text("utf-8")


@pytest.mark.parametrize("save", ["save_csv", "save_svg", "save_png"])
def test_a_place_that_cannot_be_written_is_named(plot, tmp_path, save):
    with pytest.raises(Conflict, match="nowhere"):
        getattr(plot, save)(tmp_path / "nowhere" / "out")


def test_the_menu_asks_for_a_file(plot):
    plot.menu.actions()[-1].trigger()
    dialog = plot.findChild(QFileDialog)
    assert dialog.acceptMode() == QFileDialog.AcceptMode.AcceptSave
    dialog.close()


def test_curves_that_go_leave_nothing_in_the_legend(plot):
    before = [plot.legend.itemAt(k).widget() for k in range(2)]
    plot.set_curves({"c": None, "d": None})
    assert all(button.isHidden() for button in before)
    assert [plot.legend.itemAt(k).widget().text() for k in range(2)] == ["c", "d"]


def test_the_legend_hides_a_curve_and_shows_it_again(qtbot, plot):
    button = plot.legend.itemAt(0).widget()
    assert button.text() == "a"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert not plot._series[0].curve.isVisible()
    assert plot._plot.viewRange()[1][0] > 3.25
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert plot._series[0].curve.isVisible()
