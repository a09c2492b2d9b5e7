"""Presets of a form: kept by name, entered again, forgotten; a secret is never kept."""

from pathlib import Path

import pytest

from app.engine.base.command import Arg, Command
from app.views.shell.forms import CommandForm
from app.views.shell.view_state import ViewState


@pytest.fixture
def made(qtbot, tmp_path):
    args = (
        Arg("file", Path, "A file."),
        Arg("seconds", float, "How long.", 5.0, unit="s", low=1),
        Arg("code", str, "A secret.", "", secret=True),
    )
    row = Command("x.solve", "Solve", "Solves.", run=None, args=args)
    form = CommandForm(row, lambda _args: None, view=ViewState(tmp_path / "view.json"))
    qtbot.addWidget(form)
    return form, tmp_path / "view.json"


def test_a_preset_is_there_at_the_next_start_without_its_secret(made):
    form, file = made
    form.fill({"file": "G1.txt", "seconds": 7.0, "code": "hunter2"})
    form.presets.keep("short")
    assert "hunter2" not in file.read_text()
    assert ViewState(file).get("presets", "x.solve") == {"short": {"file": "G1.txt", "seconds": "7"}}
    form.fill({"file": "G2.txt", "seconds": 60.0})
    form.presets.use("short")
    assert form.row.take(form.given())["seconds"] == 7.0
    form.presets.drop("short")
    form.presets.use("short")
    assert form.presets.names == []


def test_the_menu_offers_what_was_kept(made):
    form, _ = made
    form.presets.keep("a & b")
    form.presets.menu().aboutToShow.emit()
    assert [action.text() for action in form.presets.menu().actions() if action.text()] == [
        "a && b",
        "Forget",
        "Keep what is entered…",
    ]
