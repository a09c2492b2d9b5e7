"""What lies below the places: a view that shows all of them, the nearer way round the earth."""

import pytest

from app.views.widgets.map_geo import project
from app.views.widgets.map_layers import lines, view_of


def test_a_view_of_places_shows_all_of_them_and_keeps_the_shape_of_the_map() -> None:
    places = [(-9.14, 38.72), (10.75, 59.91), (23.73, 37.98)]
    view, at = view_of(places, (400, 300), 20)
    assert all(19.9 <= point.x() <= 380.1 and 19.9 <= point.y() <= 280.1 for point in at)
    for (lon, lat), point in zip(places, at, strict=True):
        east, south = project(lat, lon)
        assert view.world(point.x(), point.y()) == pytest.approx((float(east), float(south)))


def test_places_on_both_sides_of_the_180th_meridian_are_shown_together() -> None:
    view, (suva, apia) = view_of([(178.44, -18.12), (-171.76, -13.83)], (400, 300), 20)
    assert view.world_px > 10_000
    assert suva.x() < apia.x()


def test_one_place_alone_is_in_the_middle() -> None:
    _, (at,) = view_of([(7.0, 46.0)], (400, 300), 20)
    assert (at.x(), at.y()) == pytest.approx((200, 150))


def test_grid_lines_are_the_multiples_in_sight() -> None:
    assert lines(-1.0, 31.0, 15) == [0, 15, 30]
