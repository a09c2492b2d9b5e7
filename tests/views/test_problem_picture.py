"""Every kind's picture is drawn, large and small, in every theme, and has a table twin."""

import pytest
from PySide6.QtWidgets import QApplication

from app.views.problem_gallery import pictures_of_samples
from app.views.problem_picture import KINDS, ProblemPicture
from app.views.shell import theme

PICTURES = pictures_of_samples()


def colours(widget):
    image = widget.grab().toImage()
    return {image.pixel(x, y) for x in range(0, image.width(), 2) for y in range(0, image.height(), 2)}


@pytest.mark.parametrize("kind", sorted(PICTURES))
def test_a_picture_is_drawn_large_and_small(qtbot, kind):
    shown = ProblemPicture()
    qtbot.addWidget(shown)
    shown.show_picture(PICTURES[kind])
    assert isinstance(shown.drawing, KINDS[PICTURES[kind]["type"]])
    for size in ((420, 300), (104, 76)):
        shown.resize(*size)
        assert len(colours(shown)) > 3
    assert shown.drawing.accessibleDescription()
    twin = shown.twin()
    assert len(twin.rows) > 0
    assert all(len(row) == len(twin.headings) for row in twin.rows)


@pytest.mark.parametrize("name", sorted(theme.THEMES))
def test_a_picture_follows_the_theme(qtbot, name):
    app = QApplication.instance()
    before = theme.now().name
    shown = ProblemPicture()
    qtbot.addWidget(shown)
    shown.show_picture(PICTURES["cvrp"])
    theme.apply(app, name)
    assert theme.now().colour("surface").rgb() in colours(shown)
    theme.apply(app, before)


def test_an_unknown_picture_shows_nothing(qtbot):
    shown = ProblemPicture()
    qtbot.addWidget(shown)
    shown.show_picture(PICTURES["tsp"])
    shown.show_picture({"type": "hologram"})
    assert shown.twin().rows == []
    shown.show_picture(None)
    assert shown.drawing.picture == {}


def test_routes_on_the_earth_stand_on_the_map(qtbot):
    shown = ProblemPicture()
    qtbot.addWidget(shown)
    shown.resize(420, 300)
    places = [("Lisbon", -9.14, 38.72), ("Oslo", 10.75, 59.91), ("Athens", 23.73, 37.98)]
    points = [{"name": name, "x": lon, "y": lat, "role": "stop"} for name, lon, lat in places]
    picture = {
        "type": "routes",
        "points": points,
        "lines": [{"points": [0, 1, 2, 0], "series": 0, "label": "", "width_ratio": 1.0}],
    }
    shown.show_picture(picture)
    plain = colours(shown)
    assert theme.now().colour("raised").rgb() not in plain
    shown.show_picture({**picture, "earth": True})
    assert theme.now().colour("raised").rgb() in colours(shown)
