"""Comparison: the verdict in words, a row per solver, the curves; the best so far while it runs."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea

from app.engine.jobs.records import Job
from app.engine.jobs.runs import Run


def row(label: str, times: list[float | None], ttt99: float | None) -> dict:
    hits = sum(time is not None for time in times)
    return {
        "label": label, "solver": label, "setting": "as it comes", "success": hits / len(times), "ttt99": ttt99, "low": ttt99,
        "high": ttt99, "cost_per_success": ttt99, "gap": 0.001, "times": times,
    }  # fmt: skip


def result(word: str) -> dict:
    return {
        "rows": [row("anneal", [0.1, 0.2, 0.3], 0.9), row("dwave-sa:sweeps=1000", [None, 0.5, None], None)],
        "median_course": {"anneal": [[0.01, 8.0], [0.2, 10.0]], "dwave-sa:sweeps=1000": [[0.3, 9.0]]},
        "verdict": word, "confidence": 0.99, "runs": 20, "seconds": 1.0, "target": 10.0, "reference_kind": "best known",
        "views": {"wall": {"factor": 3.0}},
    }  # fmt: skip


def reaches_all(page) -> None:
    """Nothing of the shown run is cut off: it fits across, or there is a bar."""
    (area,) = (one for one in page.findChildren(QScrollArea) if one.accessibleName() == "The run that is shown")
    wide = area.widget().width() > area.viewport().width()
    assert not wide or area.horizontalScrollBarPolicy() == Qt.ScrollBarPolicy.ScrollBarAsNeeded
    for plot in (page.medians, page.shares):
        assert plot.mapTo(area.widget(), plot.rect().topRight()).x() < area.viewport().width() or wide


def show(window, engine, word: str):
    window.open_page("compare")
    now = engine.clock.now_us()
    engine.qubo.comparisons.records.put(Run("c1", "j-c1", "G1", "G1.txt", result=result(word), state="done", created_us=now))
    window.settle()
    return window.page


def test_a_verdict_is_a_sentence_and_every_solver_has_a_row(full_window, full):
    page = show(full_window, full, "yes")
    assert page._verdict.text().startswith("Yes: anneal")
    assert len(page._rows) == 2
    assert [row[0] for row in page.medians.twin().rows] == ["anneal", "anneal", "dwave-sa:sweeps=1000"]
    shares = [row for row in page.shares.twin().rows if row[0] == "dwave-sa:sweeps=1000"]
    assert [round(row[2], 1) for row in shares] == [0.0, 33.3, 33.3]


def test_its_report_is_saved_under_the_name_that_was_asked_for(full_window, full, start):
    page = show(full_window, full, "no")
    assert page._report.isEnabled()
    page.save_report("/tmp/report.png")
    name, args = start.asked[-1]
    assert (name, args["id"], args["out"].name, args["replace"]) == ("qubo.report", "c1", "report.png", True)


def test_undecided_is_said_as_such(full_window, full):
    assert show(full_window, full, "undecided")._verdict.text().startswith("Undecided")


def test_a_running_comparison_shows_the_best_so_far(full_window, full):
    full_window.open_page("compare")
    now = full.clock.now_us()
    full.jobs.records.put(
        Job(
            "j-c2",
            "qubo",
            "G1",
            "running",
            now,
            partial={"best": {"anneal": 11624.0}, "median_course": {"anneal": [[0.1, 11000.0], [0.2, 11624.0]]}},
        )
    )
    full.qubo.comparisons.records.put(Run("c2", "j-c2", "G1", "G1.txt", created_us=now))
    full_window.settle()
    assert full_window.page._verdict.text() == "anneal 11,624"
    assert len(full_window.page._rows) == 0
    assert [row[2] for row in full_window.page.medians.twin().rows] == [11000.0, 11624.0]
    assert not full_window.page._report.isEnabled()


def test_a_comparison_that_was_ended_shows_what_it_had_and_says_that_there_is_no_verdict(full_window, full):
    full_window.open_page("compare")
    left = {"best": {"anneal": 11624.0}, "median_course": {"anneal": [[0.1, 11000.0], [0.2, 11624.0]]}}
    now = full.clock.now_us()
    full.qubo.comparisons.records.put(Run("c3", "j-c3", "G1", "G1.txt", result=left, state="cancelled", created_us=now))
    page = full_window.page
    assert page._verdict.text() == "anneal 11,624"
    assert page._views.text().endswith("ended before there was a verdict.")
    assert len(page.medians.twin().rows) == 2
    assert page.bar.cancel.toolTip() == "End the run; what it has found so far is kept"


def test_there_is_no_report_of_nothing(window):
    window.open_page("compare")
    assert not window.page._report.isEnabled()


def test_three_solvers_fit_a_small_window_or_can_be_scrolled_to(full_window, full):
    full_window.resize(1100, 700)
    page = show(full_window, full, "no")
    three = result("no")
    three["rows"].append(row("dwave-tabu:tenure=100", [0.1, 0.2, None], 3.0))
    three["median_course"]["dwave-tabu:tenure=100"] = [[0.1, 9.0]]
    now = full.clock.now_us() + 1
    full.qubo.comparisons.records.put(Run("c4", "j-c4", "G1", "G1.txt", result=three, state="done", created_us=now))
    full_window.settle()
    assert len(page._rows) == 3
    reaches_all(page)


def test_it_starts_from_its_form(window, start):
    window.open_page("compare")
    window.page.form.fill({"file": "G1.txt", "runs": 50})
    window.page.form.submit()
    name, args = start.asked[-1]
    assert (name, args["solvers"], args["runs"]) == ("qubo.compare", "anneal;dwave-sa", 50)
