from app.views.widgets.lanes import Lane, Lanes


def test_lanes_grow_with_their_marks_and_are_said_in_words(qtbot):
    lanes = Lanes()
    qtbot.addWidget(lanes)
    lanes.resize(200, 100)
    lanes.show_lanes([Lane("canary", "running", "1 of 2 have it", ("done", "failed"))])
    small = lanes.minimumHeight()
    lanes.show_lanes([Lane("canary", "running", "1 of 2 have it", ("done",) * 200)])
    assert lanes.minimumHeight() > small
    assert lanes.accessibleDescription() == "canary: 1 of 2 have it"
    assert not lanes.grab().toImage().isNull()
