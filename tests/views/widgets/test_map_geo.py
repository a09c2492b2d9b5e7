"""Projection and grouping of the map, against published values and against the definition."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.views.widgets.map_geo import MOST_LAT, Marks, Place, by_site, degrees, degrees_of, groups, project


def test_the_projection_is_web_mercator():
    # EPSG:3857 of Berlin (52.52 N, 13.405 E) by PROJ: 1492237.77 m, 6894699.80 m; the world is 40075016.69 m wide.
    east, south = project(52.52, 13.405)
    assert (float(east) - 0.5) * 40_075_016.686 == pytest.approx(1_492_237.77, abs=1)
    assert (0.5 - float(south)) * 40_075_016.686 == pytest.approx(6_894_699.80, abs=20)
    assert project(MOST_LAT, 180)[1] == pytest.approx(0, abs=1e-6)


@given(st.floats(-85, 85), st.floats(-180, 180))
def test_degrees_undo_the_projection(lat, lon):
    assert degrees(*map(float, project(lat, lon))) == pytest.approx((lat, lon), abs=1e-9)


@given(st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), max_size=60), st.floats(1, 80))
def test_every_point_is_in_one_group_near_its_founder_and_founders_stand_apart(points, reach):
    at = np.array(points, float).reshape(-1, 2)
    found = groups(at, reach)
    assert sorted(one for group in found for one in group) == list(range(len(points)))
    for group in found:
        assert all(math.dist(at[one], at[group[0]]) <= reach for one in group)
    founders = [at[group[0]] for group in found]
    assert all(math.dist(a, b) > reach for n, a in enumerate(founders) for b in founders[:n])


def test_a_group_takes_the_state_that_needs_attention_and_sites_stay_together():
    places = [Place("a", "a", 10, 10, "online", "x"), Place("b", "b", 20, 30, "offline", "x"), Place("c", "c", 0, 0, "online")]
    marks = Marks(places, degrees_of(places), by_site(places))
    assert [(len(mark.places), mark.state, mark.site) for mark in marks] == [(2, "offline", "x"), (1, "online", "")]
    assert (marks[0].lat, marks[0].lon) == (15, 20)
    assert marks.world[1].tolist() == [marks[1].east, marks[1].south] == [0.5, 0.5]
    assert [mark.site for mark in marks[1:]] == [""]
    assert list(Marks([], degrees_of([]), [])) == []
