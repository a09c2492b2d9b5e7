"""QUBO: the course, the verified objective and the samples of a run, live and afterwards."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea

from app.engine.base.text import read_catalogue, use_catalogue
from app.engine.base.units import figure_text
from app.engine.jobs.records import Job
from app.engine.jobs.runs import Run
from app.views.qubo import _facts, sample_columns


def test_a_finished_run_shows_objective_verdict_course_and_samples(full_window):
    full_window.open_page("qubo")
    full_window.settle()
    page = full_window.page
    assert page._figure.text() == "9,530"
    assert page._verdict.text().startswith("● Verified")
    assert "800 variables" in page._facts.text()
    assert page.samples.model.rowCount() == 40
    assert page.plot.points == 61


def test_a_drawing_that_stands_apart_is_asked_for_once_its_run_is_shown(full_window, full, start):
    drawing = {"type": "routes", "points": [], "lines": []}
    start.answers["qubo.show"] = {"id": "r-apart", "result": {"picture": drawing}}
    run = next(iter(full.qubo.records))
    light = {"objective": 3.0, "apart": {"artifact": "sha256:0", "size_bytes": 9}}
    full.qubo.records.put(replace(run, id="r-apart", result=light, created_us=full.clock.now_us()))
    full_window.open_page("qubo")
    assert ("qubo.show", {"id": "r-apart"}) in start.asked
    assert full_window.page.picture.drawing.picture == drawing


def test_energies_matrix_and_graph_are_pictures_with_tables(full_window, start):
    start.answers["qubo.picture"] = {
        "n": 3, "couplings": 2, "blocks": [[0.0, 2.0, 0.0], [2.0, 0.0, -1.0], [0.0, -1.0, 0.0]],
        "graph": {"at": [[0, 0], [1, 0], [1, 1]], "edges": [[0, 1, 2.0], [1, 2, -1.0]], "left_out": 0},
    }  # fmt: skip
    full_window.open_page("qubo")
    page = full_window.page
    assert sum(row[2] for row in page.energies.twin().rows) == sum(1 + k % 3 for k in range(40))
    assert "qubo.picture" not in start.names()
    page.tabs.setCurrentIndex(2)
    assert start.names().count("qubo.picture") == 1
    assert page.matrix.twin().rows[0] == ("0", "1", 2.0)
    page.tabs.setCurrentIndex(3)
    assert start.names().count("qubo.picture") == 1
    assert [row[2] for row in page.graph.twin().rows] == [1, 2, 1]
    full_window.settle()
    page.graph.grab()


def test_the_graph_of_the_next_problem_can_be_asked_for_where_that_of_the_last_was_too_large(full_window, full, start):
    start.answers["qubo.picture"] = {"n": 2, "couplings": 1, "blocks": [[0.0, 1.0], [1.0, 0.0]], "graph": None}
    full_window.open_page("qubo")
    page = full_window.page
    page.tabs.setCurrentIndex(2)
    assert not page.tabs.isTabVisible(3)
    page.tabs.setCurrentIndex(0)
    full.qubo.records.put(Run("r-next", "j-next", "G2", "G2", {"file": "G2.txt"}, created_us=full.clock.now_us() + 1))
    assert page.tabs.isTabVisible(3)


def test_beside_an_open_wizard_the_objective_is_still_read_and_all_can_be_reached(full_window):
    full_window.resize(1100, 700)
    full_window.open_page("qubo")
    page = full_window.page
    page._open_wizard()
    full_window.settle()
    (area,) = (one for one in page.findChildren(QScrollArea) if one.accessibleName() == "The run that is shown")
    assert area.widget().width() <= area.viewport().width() + area.horizontalScrollBar().maximum()
    assert area.horizontalScrollBarPolicy() == Qt.ScrollBarPolicy.ScrollBarAsNeeded
    assert page._verdict.width() >= 200


def test_a_running_solve_moves_the_plot(full_window, full):
    full_window.open_page("qubo")
    page = full_window.page
    now = full.clock.now_us()
    full.jobs.records.put(Job("j-live", "qubo", "G1", "running", now, partial={"objective": 10.5, "solver": "anneal"}))
    full.samples.push("j-live", "best_energy:anneal", 0.0, -5.0)
    full.qubo.records.put(Run("r-live", "j-live", "G1", "G1", created_us=now))
    assert page._figure.text() == "10.5"
    assert page._verdict.text() == "Best so far, as the solver tells it."
    full_window.settle()
    assert page.plot.points == 1
    full.samples.push("j-live", "best_energy:tabu", 0.5, -9.0)
    full.qubo.records.put(Run("r-live", "j-live", "G1", "G1", created_us=now, updated_us=now + 1))
    page.shown()
    assert page.plot.draw()
    assert [row[0] for row in page.plot.twin().rows] == ["Annealing", "Tabu search with path relinking"]


def test_the_sample_graph_is_one_press_away(qtbot, window, engine, start):
    window.open_page("qubo")
    qtbot.mouseClick(window.page.sample, Qt.MouseButton.LeftButton)
    assert window.page.form.given()["file"].endswith("maxcut-800.txt")
    window.page._solve_sample()
    name, args = start.asked[-1]
    assert (name, args["file"], args["seconds"]) == ("qubo.solve", engine.qubo.sample_path(), 5.0)


def test_figures_have_no_needless_digits():
    assert [figure_text(value) for value in (11624.0, -0.5, 1234567.25)] == ["11,624", "-0.5", "1.23457e+06"]


def test_a_problem_is_shown_in_its_own_terms(full_window, full):
    full_window.open_page("qubo")
    page = full_window.page
    now = full.clock.now_us()
    result = {
        "objective": 224.0, "energy": 230.0, "verified": True, "feasible": True, "answer": [[1]], "verdict": "Both found the same.",
        "problem": {"title": "Vehicle routing"}, "penalties": [{}], "n": 3, "picture": {"type": "routes", "points": [], "lines": []},
        "samples": [{"energy": 1.0, "objective": None, "count": 1, "feasible": False}],
    }  # fmt: skip
    full.qubo.records.put(Run("r-vrp", "j-vrp", "t", "t.vrp", {"file": "t.vrp"}, result, "done", now, now))
    assert page._verdict.text() == "● Verified in the problem's own terms. Both found the same."
    assert "Vehicle routing" in page._facts.text()
    assert "Why" not in page._facts.text()
    ways = [{"route": "domain", "solver": "ruin", "why": None}, {"route": "qubo", "solver": "anneal", "why": "it is sparse"}]
    for told in ({"solver": "anneal", "why": "it is sparse"}, {"solver": "ruin", "routes": ways}):
        full.qubo.records.put(Run("r-vrp", "j-vrp", "t", "t.vrp", {"file": "t.vrp"}, {**result, **told}, "done", now, now))
        full_window.settle()
        assert f"Why {page._called('anneal')}: it is sparse" in page._facts.text()
    assert page.picture.drawing.picture["type"] == "routes"
    full_window.settle()
    assert page.samples.model.rowCount() == 1
    bad = {**result, "feasible": False, "verified": False, "objective": None, "violations": ["customer a is not served"]}
    full.qubo.records.put(Run("r-vrp", "j-vrp", "t", "t.vrp", {"file": "t.vrp"}, bad, "done", now, now + 1))
    page.shown()
    assert "customer a is not served" in page._verdict.text()
    assert page._figure.text() == "–"


def test_gallery_and_import_open_beside_the_page(qtbot, window, start):
    start.answers["problem.list"] = {"kinds": [], "kept": [{"name": "van", "kind": "knapsack", "file": "/h/van.csv"}]}
    window.open_page("qubo")
    page = window.page
    page._open_gallery()
    assert start.asked[-1][0] == "problem.list"
    qtbot.mouseClick(page.gallery.buttons["van"], Qt.MouseButton.LeftButton)
    assert str(page.form.given()["file"]) == "/h/van.csv"
    page._open_wizard()
    assert page.wizard.read.isEnabled()


def test_samples_have_the_columns_of_their_problem_and_a_landscape(full_window, full):
    full_window.open_page("qubo")
    page = full_window.page
    now = full.clock.now_us()
    rows = [
        {"energy": 5.0, "objective": 5.0, "count": 2, "feasible": True, "violations": 0, "terms": {"vehicles": 3.0}, "distance": 0, "at": [0, 0]},
        {"energy": 9.0, "objective": None, "count": 1, "feasible": False, "violations": 4, "terms": {}, "distance": 7, "at": [1, -1]},
    ]  # fmt: skip
    result = {"objective": 5.0, "samples": rows, "landscape": {"shown_ratio": 0.5, "mirrored": True},
              "traces": {"anneal": [[0.1, 9.0], [0.2, 5.0]], "savings": [[0.1, 6.0]]}}  # fmt: skip
    full.qubo.records.put(Run("r-cvrp", "j-x", "t", "t.vrp", {"file": "t.vrp"}, result, "done", now, now))
    full_window.settle()
    titles = [column.title for column in page.samples.view.columns]
    assert titles[3:7] == ["Feasible", "Broken", "vehicles", "Bits from the best"]
    assert sample_columns(["constraints at their limit"])[5].width > sample_columns(["vehicles"])[5].width
    assert page.tabs.widget(0) is page.samples
    rows = page.plot.twin().rows
    assert [row[0] for row in rows] == ["Annealing"] * 3 + ["savings"] * 2
    ends = [max(row[1] for row in rows if row[0] == name) for name in ("Annealing", "savings")]
    assert ends[0] == ends[1] > 0.1
    assert [row[2] for row in page.landscape.twin().rows] == [0, 7]


def test_an_embedding_is_asked_for_once_it_is_looked_at_and_per_topology(full_window, full, start):
    full_window.open_page("qubo")
    page = full_window.page
    now = full.clock.now_us()
    full.qubo.records.put(Run("r-e", "j-e", "t", "t.txt", {"file": "t.txt"}, {"objective": 1.0}, "done", now, now))
    assert "qubo.embed" not in start.names()
    page.tabs.setCurrentWidget(page.embedding)
    name, args = start.asked[-1]
    assert (name, args["file"].name, args["topology"]) == ("qubo.embed", "t.txt", "pegasus")
    page.embedding.topology.setCurrentIndex(2)
    assert start.asked[-1][1]["topology"] == "chimera"
    asked = start.names().count("qubo.embed")
    page.shown()
    page.embedding.ask()
    assert start.names().count("qubo.embed") == asked == 2


def test_an_embedding_that_failed_is_said_and_can_be_asked_for_again(qtbot, full_window, full, start):
    full_window.open_page("qubo")
    page, now = full_window.page, full.clock.now_us()
    spec = {"file": "t.txt", "kind": "partition", "sense": "max"}
    full.qubo.records.put(Run("r-f", "j-f", "t", "t.txt", spec, {"objective": 1.0}, "done", now, now))
    page.tabs.setCurrentWidget(page.embedding)
    part = page.embedding
    assert start.asked[-1][1]["kind"] == "partition"
    assert part.told.text().startswith("Looking")
    assert part.again.isHidden()
    start.failed()
    assert part.told.text() == "No embedding was found; a notice says why."
    asked = start.names().count("qubo.embed")
    qtbot.mouseClick(part.again, Qt.MouseButton.LeftButton)
    assert start.names().count("qubo.embed") == asked + 1
    assert part.told.text().startswith("Looking")
    assert part.again.isHidden()


def test_pictures_are_asked_for_as_the_kind_that_was_solved_and_again_after_a_failure(full_window, full, start):
    full_window.open_page("qubo")
    page, now = full_window.page, full.clock.now_us()
    spec = {"file": "t.txt", "kind": "partition", "sense": "max"}
    full.qubo.records.put(Run("r-f", "j-f", "t", "t.txt", spec, {"objective": 1.0}, "done", now, now))
    page.tabs.setCurrentIndex(2)
    assert start.asked[-1] == ("qubo.picture", {"file": Path("t.txt"), "kind": "partition", "sense": "max"})
    start.failed()
    page.tabs.setCurrentIndex(0)
    page.tabs.setCurrentIndex(2)
    assert start.names().count("qubo.picture") == 2


def test_without_a_feasible_answer_the_page_says_so_with_what_the_nearest_breaks(full_window, full):
    full_window.open_page("qubo")
    page, now = full_window.page, full.clock.now_us()
    told = {"objective": None, "answer": None, "feasible": False, "violations": ["1 and 5 wear one colour"], "bound": None}
    for number, (more, said) in enumerate((
        ({}, "■ No feasible answer was found; the nearest breaks: 1 and 5 wear one colour"),
        ({"violations": [], "verdict": "In this time neither route found a feasible answer."},
         "■ In this time neither route found a feasible answer."),
    )):  # fmt: skip
        result = {**told, **more}
        full.qubo.records.put(Run(f"r-{number}", f"j-{number}", "t", "t.txt", {"file": "t"}, result, "done", now, now + number))
        page.pick(f"r-{number}")
        assert page._verdict.text() == said
        assert page._figure.text() == "–"


def test_a_problem_is_entered_with_its_kind(full_window):
    full_window.open_page("qubo")
    page = full_window.page
    page.use_problem(Path("/h/cube.partition.txt"), "partition")
    assert page.form.given()["kind"] == "partition"


def test_the_solvers_are_prepared_once_when_the_page_is_first_opened(full_window, start):
    full_window.open_page("qubo")
    full_window.open_page("fleet")
    full_window.open_page("qubo")
    assert start.names().count("qubo.warm") == 1


def test_a_run_without_an_answer_is_not_called_done(full_window, full):
    run = next(iter(full.qubo.records))
    why = "x is infeasible: these cannot be kept together: a, b"
    at = full.clock.now_us()
    proved = replace(run, id="r-no", job_id="", state="failed", result={"feasible": False, "infeasible": why}, created_us=at)
    full.qubo.records.put(proved, replace(proved, id="r-none", state="done", result={"feasible": False, "violations": ["a"]}))
    full_window.open_page("qubo")
    page = full_window.page
    page.pick("r-no")
    assert (page.bar.badge.text(), page._verdict.text()) == ("■ infeasible", f"■ {why}")
    page.pick("r-none")
    assert page.bar.badge.text() == "▲ no answer"
    state = page.runs.model.columns[0]
    assert [state.write(full.qubo.records.need(key)) for key in ("r-no", "r-none")] == ["■ infeasible", "▲ no answer"]


@pytest.mark.parametrize("code, said", [("en", "1 variable · 1 coupling"), ("de", "1 Variable · 1 Kopplung")])
def test_one_is_told_as_one(code, said):
    use_catalogue(read_catalogue(code))
    try:
        assert said in _facts(Run("r", "", "t", "x"), {"n": 1, "edges": 1}, "")
        many = _facts(Run("r", "", "t", "x"), {"n": 1000, "edges": 0}, "")
        assert ("1,000 variables · 0 couplings" if code == "en" else "Variablen · 0 Kopplungen") in many
    finally:
        use_catalogue({})


def test_long_words_of_a_run_are_all_there_in_a_small_window(full_window, full):
    broken = [f"customer {k} of the northern valley is visited {k} times" for k in range(3)]
    told = {"feasible": False, "objective": None, "violations": broken, "solver": "anneal",
            "routes": [{"solver": "anneal", "why": "sparse: annealing " * 8}, {"solver": "tabu", "why": "dense " * 20}]}  # fmt: skip
    now = full.clock.now_us()
    full.qubo.records.put(Run("r-none", "", "v.vrp", "v.vrp", {"file": "/x/v.vrp"}, told, "done", now, now))
    full_window.resize(1024, 700)
    full_window.open_page("qubo")
    full_window.settle()
    for label in (full_window.page._verdict, full_window.page._facts):
        assert label.height() >= label.heightForWidth(label.width())
