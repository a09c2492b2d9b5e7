"""The map: places keep their order in space, a click picks the nearest."""

import pytest
from PySide6.QtCore import Qt

from app.views.widgets.map import NodeMap, Place

PLACES = [
    Place("n", "north", 68.4, 17.4, "online"),
    Place("s", "south", 38.0, 23.7, "offline"),
    Place("w", "west", 38.0, -8.9, "odd"),
]


@pytest.fixture
def chart(qtbot):
    made = NodeMap()
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.show()
    made.show_places(PLACES, "s")
    return made


def test_north_is_up_east_is_right_and_all_are_inside(chart):
    north, south, west = (chart.point_of(place.lat, place.lon) for place in PLACES)
    assert north.y() < south.y()
    assert west.x() < south.x()
    assert all(0 < at.x() < 400 and 0 < at.y() < 300 for at in (north, south, west))


def test_a_click_picks_the_place_under_it_and_elsewhere_none(qtbot, chart):
    picked = []
    chart.picked.connect(picked.append)
    qtbot.mouseClick(chart, Qt.MouseButton.LeftButton, pos=chart.point_of(38.0, -8.9).toPoint())
    qtbot.mouseClick(chart, Qt.MouseButton.LeftButton)
    assert picked == ["w"]


def test_every_place_is_told_in_words(chart):
    assert "south ■ offline" in chart.accessibleDescription()
    chart.grab()
    chart.show_places([], "")
    chart.grab()


def test_one_place_alone_stands_in_the_middle(qtbot):
    chart = NodeMap()
    qtbot.addWidget(chart)
    chart.resize(400, 300)
    chart.show_places(PLACES[:1], "")
    at = chart.point_of(68.4, 17.4)
    assert (round(at.x()), round(at.y())) == (200, 150)


def test_moving_keeps_the_groups_and_coming_closer_makes_them_anew(chart):
    before = chart.marks()
    chart._move_by(30, 10)
    assert chart.marks() is before
    chart.zoom(2.0)
    assert chart.marks() is not before


def test_neighbours_across_the_date_line_stand_together(qtbot):
    chart = NodeMap()
    qtbot.addWidget(chart)
    chart.resize(400, 300)
    chart.show_places([Place("a", "a", 0, 179.9, "online"), Place("b", "b", 0, -179.9, "online")], "")
    chart.zoom(1.0)
    chart._move_to(0.9999, 0.5)
    assert [len(mark.places) for mark in chart.marks()] == [2]


def test_arrows_pick_the_nearest_in_their_direction_and_nobody_where_none_is(qtbot, chart):
    picked = []
    chart.picked.connect(picked.append)
    qtbot.keyClick(chart, Qt.Key.Key_Left)
    assert picked == ["w"]
    qtbot.keyClick(chart, Qt.Key.Key_Down)
    assert picked == ["w"]
    chart.show_places([], "")
    qtbot.keyClick(chart, Qt.Key.Key_Left)
    assert picked == ["w"]
