"""What panels are given: reasons in words, and subscriptions that end with their widget."""

import pytest
from PySide6.QtWidgets import QWidget

from app.engine.base.records import Records
from app.views.shell.context import Context, hold


@pytest.fixture
def context(engine, start):
    return Context(engine, start, *([None] * 6))


def test_a_role_that_is_too_low_is_told(context, engine):
    assert context.why_not("fleet.demo") == ""
    engine.settings.set("user.role", "observer")
    assert context.why_not("fleet.demo") == "Needs the role operator; you are observer"
    assert context.why_not("fleet.list") == ""


def test_a_command_the_engine_lacks_is_told(context):
    assert context.find("no.such") is None
    assert context.why_not("no.such") == "This engine has no such command"


def test_subscriptions_end_with_the_widget(qtbot):
    records = Records(str, "word")
    widget = QWidget()
    hold(widget, records.watch(lambda _change: None), records.watch(lambda _change: None))
    assert len(records._watchers) == 2
    widget.deleteLater()
    qtbot.waitUntil(lambda: not records._watchers)
