"""The tray: guarded where there is none; one message per cause, none to those who look or want quiet."""

import pytest
from PySide6.QtWidgets import QSystemTrayIcon

from app.engine.observe.alerts import Problem, Sign
from app.views.shell.tray import Tray, wanted

SIGN = Sign("node", "n1", "pump", "offline", 1, "north")
DOWN = Problem("node:n1", "node", "offline", (SIGN,), "north")


def test_without_a_tray_there_is_no_icon(full_window):
    if not QSystemTrayIcon.isSystemTrayAvailable():
        assert full_window.tray.icon is None


@pytest.mark.parametrize(
    ("scope", "state", "quiet", "looked", "told"),
    [("node", "offline", False, False, True), ("node", "suspect", False, False, False), ("site", "suspect", False, False, True),
     ("node", "offline", True, False, False), ("node", "offline", False, True, False), ("job", "failed", False, False, True)],
)  # fmt: skip
def test_who_is_told(scope, state, quiet, looked, told):
    assert wanted(Problem("c", scope, state, (SIGN,)), quiet=quiet, looked=looked) is told


def test_with_a_tray_it_says_how_many_problems_there_are_and_silence_is_a_setting(monkeypatch, full_window, full, start):
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", staticmethod(lambda: True))
    monkeypatch.setattr(QSystemTrayIcon, "show", lambda _self: None)
    said = []
    monkeypatch.setattr(QSystemTrayIcon, "showMessage", lambda _self, _title, text, _icon: said.append(text))
    tray = Tray(full_window, full_window.problems, full.settings, start, full_window._come)
    assert tray.icon.toolTip() == "Outpost: 4 problems"
    monkeypatch.setattr(full_window, "isActiveWindow", lambda: False)
    full_window.problems.appeared.emit(DOWN)
    assert said == ["pump in north"]
    tray.quiet.setChecked(True)
    assert start.asked[-1] == ("settings.set", {"key": "view.quiet", "value": "true"})
