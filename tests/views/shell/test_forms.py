"""Forms drawn from rows: they run only what the command would take, and know their line for the command line."""

import shlex
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QToolButton

from app.cli import ROW_ID, build_parser
from app.commands.table import command_table
from app.engine.base.command import Arg, Command, Danger
from app.views.shell.forms import CommandForm, command_line


async def _run(call, **args):
    return {}


ROW = Command(
    "qubo.solve", "Solve", "Solves a file.", _run,
    (
        Arg("file", Path, "The file."), Arg("seconds", float, "Time.", 5.0, unit="s", low=0.1, high=60),
        Arg("seed", int, "Seed.", 0, low=0), Arg("verify", bool, "Check.", True), Arg("solver", str, "Which.", "auto", choices=("auto", "sa")),
    ),
)  # fmt: skip


@pytest.fixture
def ran():
    return []


@pytest.fixture
def form(qtbot, ran):
    made = CommandForm(ROW, ran.append)
    qtbot.addWidget(made)
    made.show()
    return made


def test_the_button_is_ready_only_when_the_command_would_take_everything(qtbot, form, ran):
    assert not form.button.isEnabled()
    assert form.button.toolTip() == "File is needed"
    form.fill({"file": "G1.txt", "seconds": 2})
    assert form.button.isEnabled()
    form.field("seconds").editor.setText("99")
    assert not form.check()
    form.submit()
    assert ran == []
    form.fill({"seconds": 2.5})
    qtbot.mouseClick(form.button, Qt.MouseButton.LeftButton)
    assert ran == [{"file": Path("G1.txt"), "seconds": 2.5, "seed": 0, "verify": True, "solver": "auto"}]


def test_it_copies_the_same_run_as_a_command(qtbot, form):
    form.fill({"file": "my graph.txt", "seconds": 2, "verify": False})
    qtbot.mouseClick(form.findChildren(QToolButton)[-1], Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "outpost qubo solve --file 'my graph.txt' --seconds 2 --no-verify"


def test_a_reason_not_to_run_closes_the_form(qtbot, ran):
    form = CommandForm(ROW, ran.append, fixed={"file": Path("x")}, why_not="Needs the role operator; you are observer")
    qtbot.addWidget(form)
    assert not form.button.isEnabled()
    assert form.button.toolTip() == "Needs the role operator; you are observer"


def test_fixed_and_hidden_arguments_have_no_field(qtbot, ran):
    form = CommandForm(ROW, ran.append, fixed={"file": Path("x")}, hidden=("seed",))
    qtbot.addWidget(form)
    form.submit()
    assert ran[0]["file"] == Path("x")
    assert ran[0]["seed"] == 0
    with pytest.raises(KeyError):
        form.field("seed")


def test_a_destructive_command_is_not_dressed_as_the_primary_one(qtbot, ran):
    form = CommandForm(Command("a.b", "Remove", "Removes.", _run, danger=Danger.DESTRUCTIVE), ran.append)
    qtbot.addWidget(form)
    assert form.button.property("destructive")
    assert not form.button.property("primary")


@pytest.fixture(scope="module")
def parser():
    return build_parser(command_table())


@pytest.mark.parametrize("row", list(command_table()), ids=lambda row: row.id)
def test_every_command_can_be_drawn_and_its_line_is_understood_by_the_command_line(qtbot, row, ran, parser):
    form = CommandForm(row, ran.append, compact=False)
    qtbot.addWidget(form)
    samples = {int: 3, float: 2.5, str: "x", Path: "f.txt", bool: True}
    given = {arg.name: arg.choices[0] if arg.choices else samples[arg.type] for arg in row.args if arg.required}
    words = shlex.split(command_line(row, given))[1:]
    asked = vars(parser.parse_args(words))
    assert asked[ROW_ID] == row.id
    assert {name: str(asked[name]) for name in given} == {name: str(value) for name, value in given.items()}
