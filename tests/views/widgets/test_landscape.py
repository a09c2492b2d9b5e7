import pytest
from PySide6.QtCore import QPointF, Qt

from app.views.widgets.landscape import Landscape

ROWS = [
    {"energy": -12.0, "count": 9, "distance": 0, "at": [-1, 0], "feasible": True},
    {"energy": -11.0, "count": 1, "distance": 6, "at": [1, 0.5], "feasible": False},
    {"energy": -10.0, "count": 3, "distance": 12, "at": [0.5, -1]},
]


@pytest.fixture
def landscape(qtbot):
    shown = Landscape("Landscape")
    qtbot.addWidget(shown)
    shown.resize(640, 300)
    shown.show_picture({"samples": ROWS, "shown_ratio": 0.7, "mirrored": True})
    return shown


def test_it_says_how_many_samples_lie_how_far(landscape) -> None:
    assert landscape.accessibleDescription() == "3 samples, up to 12 bits from the best"
    assert [row[4] for row in landscape.twin().rows] == ["yes", "no", "yes"]
    assert not landscape.grab().isNull()


def test_arrows_and_the_pointer_read_sample_by_sample(qtbot, landscape) -> None:
    qtbot.keyClick(landscape, Qt.Key.Key_Right)
    assert landscape.accessibleDescription().startswith("sample 1: energy -12, 0 bits")
    qtbot.keyClick(landscape, Qt.Key.Key_Right)
    qtbot.keyClick(landscape, Qt.Key.Key_Left)
    assert landscape.accessibleDescription().startswith("sample 1")
    place: QPointF = landscape._places()[1][2]
    qtbot.mouseClick(landscape, Qt.MouseButton.LeftButton, pos=place.toPoint())
    assert landscape.accessibleDescription() == "sample 3: energy -10, 12 bits from the best, found 3 times"
    assert not landscape.grab().isNull()


def test_the_best_is_low_at_the_left_and_nothing_is_nothing(qtbot, landscape) -> None:
    left, _ = landscape._places()
    assert left[0].x() == min(place.x() for place in left)
    assert left[0].y() == max(place.y() for place in left)
    landscape.show_picture(None)
    qtbot.keyClick(landscape, Qt.Key.Key_Right)
    qtbot.mouseClick(landscape, Qt.MouseButton.LeftButton)
    assert landscape.twin().rows == []
    assert not landscape.grab().isNull()
