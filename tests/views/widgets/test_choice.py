"""The choice draws an arrow of its own."""

from app.views.widgets.choice import Choice


def test_an_arrow_is_drawn_at_the_right(qtbot):
    box = Choice()
    qtbot.addWidget(box)
    box.addItem("auto")
    box.resize(160, 28)
    image = box.grab().toImage()
    right = {image.pixel(x, y) for x in range(136, 156) for y in range(6, 22)}
    assert len(right) > 3
