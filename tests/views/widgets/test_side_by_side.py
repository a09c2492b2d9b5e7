"""Parts beside each other, or below where they do not fit."""

from PySide6.QtWidgets import QWidget

from app.views.widgets.side_by_side import LEAST_PX, SideBySide


def test_parts_stand_below_each_other_where_they_do_not_fit_and_beside_where_they_do(qtbot):
    first, second = QWidget(), QWidget()
    first.setMinimumHeight(50)
    second.setMinimumHeight(70)
    held = SideBySide((first, 1), (second, 2))
    qtbot.addWidget(held)
    held.resize(3 * LEAST_PX, 200)
    held.show()
    assert not held.stacked
    assert second.x() > first.width() >= LEAST_PX
    assert held.minimumSizeHint().width() == LEAST_PX
    held.resize(LEAST_PX + 10, 200)
    assert held.stacked
    held.layout().activate()
    assert (first.x(), second.x()) == (0, 0)
    assert held.minimumSizeHint().height() > 120
    held.resize(3 * LEAST_PX, 200)
    assert not held.stacked
