"""Guided tasks: the steps of each in words, a form of its own, and both answers of a run side by side."""

import shlex
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QLabel

from app.engine.base.contracts import never, silent
from app.engine.circuits.tasks import comparing, work
from app.engine.circuits.tasks.base import read_options
from app.engine.circuits.tasks.registry import TASKS
from app.engine.jobs.runs import Run
from app.views.tasks import answers, courses


@pytest.fixture
def page(window):
    window.open_page("tasks")
    return window.page


def choose(page, name):
    page.choice.setCurrentIndex(page.choice.findData(name))


def run_of(name, **options):
    result = work.run({"task": name, "options": options}, 1, silent, never)
    return Run(id=f"t-{name}", job_id="j", title=TASKS[name].title, source=name, result=result, state="done", created_us=1)


@pytest.mark.parametrize("name", TASKS)
def test_each_task_tells_its_steps_and_has_its_own_form(page, start, name):
    choose(page, name)
    assert page.about.text() == TASKS[name].about
    assert page.steps.text().splitlines()[0] == f"1. {TASKS[name].steps[0]}"
    page.form.submit()
    command, args = start.asked[-1]
    assert (command, args["name"], args["seed"]) == ("task.run", name, 0)
    assert TASKS[name].take(read_options(args["options"])) == TASKS[name].take({})
    words = shlex.split(page.form.as_command())
    assert words[:4] == ["outpost", "task", "run", name]
    options = words[words.index("--options") + 1] if "--options" in words else ""
    assert TASKS[name].take(read_options(options)) == TASKS[name].take({})


def test_a_query_of_the_fleet_goes_its_own_way_blanks_and_quotes_included(page, start):
    choose(page, "fleet")
    query = 'site == "north" and mem < 80%'
    page.form.fill({"query": query})
    page.form.submit()
    assert (start.asked[-1][1]["query"], start.asked[-1][1]["options"]) == (query, "")
    assert shlex.split(page.form.as_command()) == ["outpost", "task", "run", "fleet", "--query", query, "--seed", "0"]


def test_a_wrong_value_is_told_at_its_field_and_nothing_starts(page, start):
    choose(page, "phase")
    asked = len(start.asked)
    page.form.fill({"qubits": 99})
    page.form.submit()
    assert len(start.asked) == asked


def test_a_run_shows_verdict_both_answers_and_its_course(page, full_window):
    full_window.open_page("tasks")
    page = full_window.page
    full_window.engine.circuits.tasks.records.put(run_of("ising", steps=20))
    full_window.settle()
    assert page.verdict.text().startswith("No quantum advantage: a chain of this length")
    shown = {row[0]: row[1:] for row in page._rows}
    assert shown["magnetisation"][0] != "–"
    assert shown["method"] == ("–", "exact diagonalisation")
    assert page.plot.points == 2 * 21
    assert not page._drawn.isHidden()
    assert "simulated with statevector" in page.facts.text()


def test_a_task_without_circuit_shows_none(page, full_window):
    full_window.open_page("tasks")
    full_window.engine.circuits.tasks.records.put(run_of("bb84", photons=20_000))
    full_window.settle()
    assert full_window.page._drawn.isHidden()
    assert full_window.page._course.isHidden()
    assert {row[0]: row[1] for row in full_window.page._rows}["keys equal"] == "yes"


def test_another_run_of_the_task_stands_beside_the_shown_one(full_window, start):
    records = full_window.engine.circuits.tasks.records
    for number, name in enumerate(("phase", "phase", "fourier")):
        records.put(replace(run_of(name, qubits=3 + number), id=f"r{number}", created_us=number))
    full_window.open_page("tasks")
    page = full_window.page
    page.pick("r0")
    full_window.settle()
    assert [page.beside.itemData(at) for at in range(page.beside.count())] == ["", "r1"]
    assert "qubits 4" in page.beside.itemText(1)
    assert "Share of the shots that gave the phase found." in page.means.text()
    page.beside._compared("r0", "r1", {"rows": []})
    assert page.beside.table.isHidden()  # nobody has chosen it
    page.beside.put("r1")
    command, args = start.asked[-1]
    assert (command, args) == ("task.compare", {"first": "r0", "second": "r1"})
    page.beside._compared("r0", "r1", compare_rows(records))
    assert ("asked", "qubits", "3", "4") in list(page.beside._rows)
    assert (page.beside.table.isHidden(), page.table.isHidden()) == (False, True)
    page.beside._chosen(0)
    assert (page.beside.table.isHidden(), page.table.isHidden()) == (True, False)


def compare_rows(records):
    return {"rows": comparing.compare(records.need("r0").result, records.need("r1").result)}


def test_lists_stay_out_of_the_table_and_counts_out_of_the_course():
    assert answers({"found": True, "clauses": [[1]]}, {"method": "m"}) == [("found", "yes", "–"), ("method", "–", "m")]
    assert courses({"counts": {"0": 3}}) == []
    assert courses({"success": [0.1, 0.9]}) == [("success", [0, 1], [0.1, 0.9])]


def test_the_first_task_is_a_press_away(page, start):
    assert any(label.text() == "No task has been run yet" for label in page.findChildren(QLabel))
    page._empty.button.click()
    assert start.asked[-1][0] == "task.run"
