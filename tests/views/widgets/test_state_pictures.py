import math

import pytest

from app.engine.circuits.document import blank, insert, made
from app.engine.circuits.look import look
from app.views.widgets.state_pictures import City, EntanglementMap, Hinton, QSphere, StateBars, place_on_sphere


@pytest.fixture(scope="module")
def told():
    circuit = insert(insert(blank(3), made("h", [0])), made("cx", [0, 2]))
    return look(circuit, noise={"t_us": 10.0, "t1_us": 100.0, "t2_us": 80.0, "depolarised": 0.05})


@pytest.mark.parametrize("kind", [StateBars, QSphere, Hinton, City, EntanglementMap])
def test_a_picture_is_drawn_told_and_has_a_table(qtbot, told, kind):
    picture = kind("state")
    qtbot.addWidget(picture)
    picture.resize(360, 260)
    ground = picture.grab().toImage()
    picture.show_picture(told)
    assert picture.grab().toImage() != ground
    assert picture.accessibleDescription()
    assert picture.twin().rows


@pytest.mark.parametrize("bits", [1, 3, 5])
def test_no_two_outcomes_share_a_place_on_the_sphere(bits):
    spots = [place_on_sphere(number, bits) for number in range(2**bits)]
    assert all(math.hypot(*spot) == pytest.approx(1) for spot in spots)
    assert spots[0][2] == 1
    assert spots[-1][2] == -1
    assert len({tuple(round(value, 6) for value in spot) for spot in spots}) == 2**bits
