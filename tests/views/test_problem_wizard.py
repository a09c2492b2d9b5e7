"""The import: what is entered is handed on, and what was understood is shown before anything is solved."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from app.engine.base.contracts import never, silent
from app.engine.qubo.problems import registry
from app.engine.qubo.problems.work import look
from app.views.problem_wizard import ProblemWizard

UNDERSTOOD = {**look({"file": str(registry.sample_of("knapsack"))}, 0, silent, never), "file": "/h/van.csv"}


@pytest.fixture
def solved():
    return []


@pytest.fixture
def wizard(qtbot, window, solved):
    made = ProblemWizard(window.context, lambda file, kind: solved.append((file, kind)))
    qtbot.addWidget(made)
    made.resize(320, 360)
    made.show()
    return made


def test_a_pasted_table_is_read_and_what_was_understood_is_shown(qtbot, wizard, start, solved):
    start.answers["problem.import"] = UNDERSTOOD
    assert not wizard.picture.isVisible()
    wizard.text.setPlainText("capacity = 5\nitem,value,weight\na,4,3\n")
    wizard.field("name").show_value("van")
    wizard.field("sense").show_value("max")
    qtbot.mouseClick(wizard.read, Qt.MouseButton.LeftButton)
    name, args = start.asked[-1]
    assert (name, args["name"], args["kind"], args["sense"]) == ("problem.import", "van", "auto", "max")
    assert args["text"].startswith("capacity")
    assert wizard.understood.text() == "● Knapsack: 12 variables, 4 of them slack, 66 couplings"
    assert "penalty capacity: 11 (" in wizard.facts.text()
    assert wizard.picture.drawing.picture["type"] == "gantt"
    qtbot.waitUntil(lambda: not wizard.understood.visibleRegion().isEmpty())
    qtbot.mouseClick(wizard.solve, Qt.MouseButton.LeftButton)
    assert solved == [(Path("/h/van.csv"), "knapsack")]


def test_an_infeasible_problem_is_told_and_cannot_be_solved(wizard):
    wizard.show_understood({**UNDERSTOOD, "conflicts": ["no set holds element x"]})
    assert wizard.understood.text() == "■ Infeasible: no set holds element x"
    assert not wizard.solve.isEnabled()


def test_a_problem_too_large_as_a_qubo_says_so(wizard):
    wizard.show_understood({**UNDERSTOOD, "why_not": "too many couplings"})
    assert "for its own method only: too many couplings" in wizard.understood.text()
