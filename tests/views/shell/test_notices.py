"""Notices: one per cause, at most three, gone when dismissed."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton

from app.engine.base.funnel import Fate, Notice
from app.views.shell import notices
from app.views.shell.notices import NoticeBar


@pytest.fixture
def bar(qtbot):
    made = NoticeBar()
    qtbot.addWidget(made)
    return made


def test_a_later_message_of_the_same_cause_replaces_the_earlier(bar):
    bar.tell(Notice(Fate.TELL, "first"), "qubo.solve")
    bar.tell(Notice(Fate.TELL, "other"), "fleet.demo")
    bar.tell(Notice(Fate.TELL, "second"), "qubo.solve")
    assert bar.texts == ["second", "other"]


def test_only_the_three_newest_are_shown(bar):
    for at in range(6):
        bar.tell(Notice(Fate.TELL, str(at)))
    assert bar.texts == ["5", "4", "3"]


def test_dismissing_the_last_one_hides_the_bar(qtbot, bar):
    bar.tell(Notice(Fate.TELL, "first", "do this"))
    assert bar.isVisible()
    qtbot.mouseClick(bar.findChild(QToolButton), Qt.MouseButton.LeftButton)
    assert bar.texts == []
    assert not bar.isVisible()
    assert not bar.dismiss_newest()


def test_a_bug_offers_its_report(qtbot, bar):
    bar.tell(Notice(Fate.BUG, "wrong inside", report="Traceback…"))
    qtbot.mouseClick(bar.findChild(QPushButton), Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "Traceback…"


def test_a_passing_line_goes_by_itself(qtbot, bar, monkeypatch):
    monkeypatch.setattr(notices, "PASSING_MS", 5)
    bar.pass_on("Copied")
    assert bar.texts == ["Copied"]
    qtbot.waitUntil(lambda: bar.texts == [])


def test_the_same_message_again_is_counted_in_its_place(bar):
    for _ in range(3):
        bar.tell(Notice(Fate.TELL, "The disk is full"), key="store")
    assert len(bar.texts) == 1
    assert "The disk is full (3 times)" in [label.text() for label in bar.findChildren(QLabel)]


def test_quiet_keeps_passing_lines_away_and_errors_not(bar):
    bar.set_quiet(quiet=True)
    bar.pass_on("Copied")
    bar.tell(Notice(Fate.TELL, "The disk is full"))
    assert bar.texts == ["The disk is full"]


def test_a_bug_offers_its_report_and_a_bundle(bar):
    asked = []
    bar.offer_help(lambda: asked.append("bundle"))
    bar.tell(Notice(Fate.BUG, "Something went wrong", report="Outpost 1\ntrace"))
    buttons = {one.text(): one for one in bar.findChildren(QPushButton)}
    buttons["Copy report"].click()
    buttons["Make a support bundle"].click()
    assert QGuiApplication.clipboard().text() == "Outpost 1\ntrace"
    assert asked == ["bundle"]
