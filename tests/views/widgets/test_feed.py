"""The feed: entries with state and action, told when there are none and when there are more."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from app.views.widgets.feed import Entry, Feed


def texts(feed):
    return [label.text() for label in feed.findChildren(QLabel) if not label.isHidden()]


def test_says_that_there_is_nothing_and_shows_entries_with_their_action(qtbot):
    done = []
    feed = Feed("Needs you", "Nothing.")
    qtbot.addWidget(feed)
    feed.show()
    assert "Nothing." in texts(feed)
    feed.show_entries([Entry("a", "offline", "node-1", "10 s ago", "Show", lambda: done.append(1))])
    assert "Nothing." not in texts(feed)
    assert {"■ offline", "node-1", "10 s ago"} <= set(texts(feed))
    qtbot.mouseClick(feed.findChild(QPushButton), Qt.MouseButton.LeftButton)
    assert done == [1]


def test_the_same_entries_again_rebuild_nothing(qtbot):
    feed = Feed("Needs you", "Nothing.")
    qtbot.addWidget(feed)
    feed.show_entries([Entry("a", "offline", "node-1")])
    before = feed._rows.itemAt(0).widget()
    feed.show_entries([Entry("a", "offline", "node-1")])
    assert feed._rows.itemAt(0).widget() is before


def test_an_age_that_changes_is_written_in_place(qtbot):
    feed = Feed("Needs you", "Nothing.")
    qtbot.addWidget(feed)
    feed.show_entries([Entry("a", "offline", "node-1", "1 s ago")])
    before = feed._rows.itemAt(0).widget()
    feed.show_entries([Entry("a", "offline", "node-1", "2 s ago")])
    assert feed._rows.itemAt(0).widget() is before
    assert "2 s ago" in texts(feed)


def test_past_the_limit_the_rest_is_counted(qtbot):
    feed = Feed("Running", "Nothing.", most=3)
    qtbot.addWidget(feed)
    feed.show_entries([Entry(str(at), "", f"job {at}") for at in range(10)])
    assert "and 7 more" in [label.text() for label in feed.findChildren(QLabel)]
    assert feed.count == 10
