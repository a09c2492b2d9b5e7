"""Marks of the map: alike ones are one picture, and names give way to what is drawn already."""

import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPixmap

from app.views.shell import theme
from app.views.widgets.map_geo import Mark, Place
from app.views.widgets.map_marks import MarkPen, draw_name, room_of


def mark_of(*states):
    places = tuple(Place(f"n{at}", f"node-{at}", 0, 0, state, "s") for at, state in enumerate(states))
    return Mark(places, 0, 0, 0.5, 0.5)


@pytest.fixture
def canvas(qapp):
    picture = QPixmap(200, 100)
    picture.fill(QColor("white"))
    painter = QPainter(picture)
    yield picture, painter
    painter.end()


def colours(picture):
    image = picture.toImage()
    return {image.pixelColor(x, y).name() for x in range(200) for y in range(100)}


def test_what_looks_alike_is_drawn_once_and_in_the_colour_of_its_state(canvas):
    picture, painter = canvas
    pen = MarkPen()
    for _ in range(3):
        pen.draw(painter, mark_of("offline", "online"), QPointF(60, 50), held=False)
    assert len(pen._kept) == 1
    assert QColor(theme.now().bad).name() in colours(picture)
    pen.draw(painter, mark_of("offline", "online"), QPointF(60, 50), held=True)
    assert len(pen._kept) == 2
    assert QColor(theme.now().accent).name() in colours(picture)


def test_only_so_many_pictures_are_kept(canvas):
    pen = MarkPen()
    for count in range(1, 600):
        pen.draw(canvas[1], mark_of(*["online"] * count), QPointF(60, 50), held=False)
    assert 0 < len(pen._kept) <= 512


def test_a_name_gives_way_to_what_stands_there_and_turns_at_the_edge(canvas):
    painter = canvas[1]
    mark, at = mark_of("online"), QPointF(60, 50)
    free = [room_of(mark, at)]
    draw_name(painter, mark, at, free, 200)
    assert len(free) == 2
    assert free[1].left() > at.x()
    full = [QRectF(0, 0, 200, 100)]
    draw_name(painter, mark, at, full, 200)
    assert len(full) == 1
    edge = []
    draw_name(painter, mark, QPointF(190, 50), edge, 200)
    assert edge[0].right() < 190
