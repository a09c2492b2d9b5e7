"""Fields: one editor per kind of argument, checked as it is typed."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QToolButton

from app.engine.base.command import Arg
from app.engine.base.text import use_catalogue
from app.views.shell.fields import Field, caption_of, range_of


def made(qtbot, arg):
    field = Field(arg)
    qtbot.addWidget(field)
    field.show()
    return field


@pytest.mark.parametrize(
    ("arg", "caption", "span"),
    [
        (Arg("seconds", float, "", 5.0, unit="s", low=0.1, high=60), "Seconds", "0.1 to 60"),
        (Arg("fleet.cadence_s", float, "", 2.0, unit="s", low=0.5), "Cadence, s", "0.5 or more"),
        (Arg("rate_hz", float, "", 1.0, unit="Hz", high=9), "Rate, Hz", "up to 9"),
        (Arg("nodes", int, "", 6), "Nodes", ""),
    ],
)
def test_captions_carry_the_unit_once_and_the_range_is_told(arg, caption, span):
    assert (caption_of(arg), range_of(arg)) == (caption, span)


def test_each_kind_has_its_editor_and_default(qtbot):
    number = made(qtbot, Arg("n", int, "How many.", 6, low=1, high=9))
    choice = made(qtbot, Arg("solver", str, "Which.", "b", choices=("a", "b")))
    flag = made(qtbot, Arg("on", bool, "Whether.", True))
    file = made(qtbot, Arg("file", Path, "Which file."))
    assert isinstance(number.editor, QLineEdit)
    assert number.given() == "6"
    assert isinstance(choice.editor, QComboBox)
    assert choice.given() == "b"
    assert isinstance(flag.editor, QCheckBox)
    assert flag.given() is True
    assert file.given() is None
    assert file.findChild(QToolButton).accessibleName() == "Choose a file"


def test_what_is_wrong_is_said_below_and_goes_when_it_is_right(qtbot):
    field = made(qtbot, Arg("n", int, "How many.", 6, low=1, high=9))
    edited = []
    field.edited.connect(lambda: edited.append(1))
    field.editor.clear()
    qtbot.keyClicks(field.editor, "12")
    assert field._told.text() == "n must be between 1 and 9, not 12"
    assert field._told.property("tint") == "bad"
    assert len(edited) == 2
    field.show_value(3)
    assert field.check() is None
    assert field._told.text() == "How many."


def test_a_required_field_waits_quietly_but_is_not_ready(qtbot):
    field = made(qtbot, Arg("file", Path, "Which file."))
    assert str(field.check()) == "File is needed"
    assert field._told.text() == "Which file."


def test_a_chosen_file_is_an_edit(qtbot):
    field = made(qtbot, Arg("file", Path, "Which file."))
    edited = []
    field.edited.connect(lambda: edited.append(1))
    field._chosen("/tmp/g1.txt")
    assert (field.given(), edited) == ("/tmp/g1.txt", [1])


def test_editors_have_names_and_descriptions(qtbot):
    field = made(qtbot, Arg("cadence_s", float, "How often.", 2.0, unit="s"))
    assert field.editor.accessibleName() == "Cadence, s"
    assert field.editor.accessibleDescription() == "How often."


def test_what_is_typed_is_completed_from_what_there_is(qtbot):
    field = made(qtbot, Arg("device", str, "", "ibm_brisbane"))
    field.suggest(["ibm_brisbane", "iqm_garnet"])
    completer = field.editor.completer()
    completer.setCompletionPrefix("garn")
    assert completer.currentCompletion() == "iqm_garnet"
    box = made(qtbot, Arg("law", str, "", "auto", choices=("auto", "pid")))
    box.suggest(["other"])
    assert box.given() == "auto"


def test_a_choice_reads_in_the_readers_language_and_gives_the_word_of_the_command_line(qtbot):
    use_catalogue({"mean": "Mittel"})
    try:
        field = made(qtbot, Arg("aggregator", str, "", "mean", choices=("median", "mean")))
        assert (field.editor.currentText(), field.given()) == ("Mittel", "mean")
        field.show_value("median")
        assert (field.editor.currentText(), field.given()) == ("median", "median")
    finally:
        use_catalogue({})


def test_a_default_that_stands_for_something_else_is_an_empty_field_that_says_what(qtbot):
    field = made(qtbot, Arg("low", int, "", 0, low=0, high=9, blank="automatic"))
    assert (field.editor.text(), field.editor.placeholderText(), field.given()) == ("", "automatic", None)
    field.show_value(3)
    assert field.given() == "3"
    field.show_value(0)
    assert (field.editor.text(), field.check()) == ("", None)
