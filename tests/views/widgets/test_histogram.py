"""The histogram: most frequent first, the rest told in words."""

from app.views.widgets.histogram import MOST_BARS, Histogram


def test_shows_the_most_frequent_outcomes_and_tells_of_the_rest(qtbot):
    bars = Histogram("Outcomes")
    qtbot.addWidget(bars)
    bars.show_counts({f"{at:06b}": at + 1 for at in range(60)})
    assert bars._rows[0] == ("111011", 60)
    assert len(bars._rows) == MOST_BARS
    assert bars._hidden == 60 - MOST_BARS
    bars.resize(bars.sizeHint())
    assert not bars.grab().isNull()


def test_ties_keep_the_order_of_the_outcome_and_nothing_is_no_error(qtbot):
    bars = Histogram("Outcomes")
    qtbot.addWidget(bars)
    bars.show_counts({"11": 5, "00": 5})
    assert [name for name, _ in bars._rows] == ["00", "11"]
    assert bars.accessibleDescription() == "00 5; 11 5"
    bars.show_counts({})
    bars.grab()


def test_another_run_stands_beside_as_shares(qtbot):
    bars = Histogram("Outcomes")
    qtbot.addWidget(bars)
    bars.show_counts({"00": 30, "11": 70}, {"11": 5, "01": 5})
    assert [name for name, _ in bars._rows] == ["11", "01", "00"]
    assert bars.accessibleDescription() == "11 70 / 5; 01 0 / 5; 00 30 / 0"
    assert bars.twin().rows[1] == ("01", 0, 0.0, 5, 0.5)
    bars.resize(400, bars.sizeHint().height())
    assert not bars.grab().isNull()
    bars.show_counts({"00": 1})
    assert len(bars.twin().headings) == 3
