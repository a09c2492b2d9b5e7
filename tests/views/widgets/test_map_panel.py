"""The map's tools and the list of nodes without a position, in step with one selection."""

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QHelpEvent, QWheelEvent
from PySide6.QtWidgets import QFileDialog, QToolTip

from app.views.widgets.map import Place
from app.views.widgets.map_layers import land, lines
from app.views.widgets.map_panel import MapPanel

NEAR = [Place(f"n{k}", f"node-{k}", 52.5 + k / 1000, 13.4, "online" if k else "offline", "berlin") for k in range(5)]
FAR = [Place("f", "far", -33.9, 18.4, "online", "cape"), Place("g", "east", 35.7, 139.7, "suspect", "tokyo")]
LOST = [Place("l1", "lost-1", 0, 0, "online"), Place("l2", "lost-2", 0, 0, "offline")]


@pytest.fixture
def panel(qtbot):
    made = MapPanel()
    qtbot.addWidget(made)
    made.resize(500, 420)
    made.show_places([*NEAR, *FAR], LOST, "")
    made.show()
    made.asked = []
    made.picked.connect(made.asked.append)
    return made


def test_nodes_without_a_position_stand_in_a_list_the_worst_first(qtbot, panel):
    assert [panel.lost.item(at).text() for at in range(2)] == ["lost-2  ■ offline", "lost-1  ● online"]
    panel.lost.setCurrentRow(1)
    assert panel.asked == ["l1"]
    panel.show_places([*NEAR, *FAR], LOST, "l2")
    assert panel.lost.currentRow() == 0
    assert panel.asked == ["l1"]
    panel.show_places([*NEAR, *FAR], [], "f")
    assert not panel.lost.isVisible()


def test_close_nodes_are_one_mark_that_opens_at_a_click(qtbot, panel):
    chart = panel.map
    groups = {len(mark.places): mark for mark in chart.marks()}
    assert sorted(len(mark.places) for mark in chart.marks()) == [1, 1, 5]
    assert groups[5].state == "offline"
    qtbot.mouseClick(chart, Qt.MouseButton.LeftButton, pos=chart.point_of(groups[5].lat, groups[5].lon).toPoint())
    assert len(chart.marks()) > 3
    qtbot.mouseClick(chart, Qt.MouseButton.LeftButton, pos=chart.point_of(52.5, 13.4).toPoint())
    assert panel.asked == ["n0"]
    chart.grab()
    panel.show_places([*NEAR, *FAR], LOST, "g")
    assert chart.rect().contains(chart.point_of(35.7, 139.7).toPoint())


def test_nodes_at_one_point_are_picked_one_after_another(qtbot, panel):
    same = [Place(f"s{k}", f"s{k}", 10, 10, "online") for k in range(3)]
    panel.show_places(same, [], "")
    chart = panel.map
    for _ in range(4):
        qtbot.mouseClick(chart, Qt.MouseButton.LeftButton, pos=chart.point_of(10, 10).toPoint())
        panel.show_places(same, [], panel.asked[-1])
    assert panel.asked == ["s0", "s1", "s2", "s0"]


def test_sites_are_one_mark_each_on_demand(panel):
    panel.by_site.click()
    assert [mark.site for mark in panel.map.marks()] == ["berlin", "cape", "tokyo"]
    panel.map.grab()
    panel.by_site.click()
    assert len(panel.map.marks()) == 3


def test_the_keyboard_picks_moves_and_zooms(qtbot, panel):
    chart = panel.map
    qtbot.keyClick(chart, Qt.Key.Key_Right)
    qtbot.keyClick(chart, Qt.Key.Key_Down)
    assert panel.asked == ["g", "f"]
    before = chart.view()
    qtbot.keyClick(chart, Qt.Key.Key_Plus)
    assert chart.view().world_px == pytest.approx(1.5 * before.world_px)
    qtbot.keyClick(chart, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert chart.view().east > before.east
    qtbot.keyClick(chart, Qt.Key.Key_Minus)
    qtbot.keyClick(chart, Qt.Key.Key_0)
    assert chart.view() == before
    qtbot.keyClick(chart, Qt.Key.Key_A)


def test_drag_and_wheel_move_the_map_and_what_is_under_the_pointer_stays(qtbot, panel):
    chart = panel.map
    at = QPointF(300, 120)
    under = chart.view().world(300, 120)
    wheel = QWheelEvent(at, chart.mapToGlobal(at), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
                        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    chart.wheelEvent(wheel)
    assert chart.view().world(300, 120) == pytest.approx(under)
    qtbot.mousePress(chart, Qt.MouseButton.LeftButton, pos=QPoint(200, 200))
    qtbot.mouseMove(chart, QPoint(240, 230))
    qtbot.mouseRelease(chart, Qt.MouseButton.LeftButton, pos=QPoint(240, 230))
    assert panel.asked == []


def test_what_is_under_the_pointer_is_said(panel, monkeypatch):
    told = []
    monkeypatch.setattr(QToolTip, "showText", lambda _at, text, _widget: told.append(text))
    chart = panel.map
    at = chart.point_of(-33.9, 18.4).toPoint()
    assert chart.event(QHelpEvent(QEvent.Type.ToolTip, at, chart.mapToGlobal(at)))
    assert chart.event(QHelpEvent(QEvent.Type.ToolTip, QPoint(2, 2), QPoint(2, 2)))
    assert told == ["far  ● online  cape", ""]


def test_a_file_that_is_no_map_is_told_and_the_outline_stays(panel, tmp_path):
    bad = tmp_path / "bad.mbtiles"
    bad.write_bytes(b"no")
    panel.use_tiles(str(bad))
    assert "bad.mbtiles" in panel._told.text()
    assert panel.no_tiles.isVisible()
    panel.use_tiles("")
    assert not panel._told.isVisible()
    panel._ask_tiles()
    dialog = panel.findChild(QFileDialog)
    assert dialog.nameFilters()
    dialog.close()


def test_the_outline_knows_land_from_sea(panel):
    from app.views.widgets.map_geo import project

    def dry(lat, lon):
        east, south = project(lat, lon)
        return land().contains(QPointF(float(east), float(south)))

    assert all(dry(*at) for at in [(52.5, 13.4), (-25, 134), (66.5, 100), (-80, 0), (0.3, 32.6 - 5)])
    assert not any(dry(*at) for at in [(0, -30), (40, -45), (-40, 80), (0, 180)])
    panel.map.show_places([], "")
    panel.map.grab()


def test_the_grid_has_the_lines_between_its_ends():
    assert lines(-11, 21, 10) == [-10, 0, 10, 20]
    assert len(lines(0, 1000, 1)) == 61
