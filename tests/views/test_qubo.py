"""QUBO: the course, the verified objective and the samples of a run, live and afterwards."""

from dataclasses import replace

from PySide6.QtCore import Qt

from app.engine.jobs.records import Job
from app.engine.jobs.runs import Run
from app.views.qubo import figure_text


def test_a_finished_run_shows_objective_verdict_course_and_samples(full_window):
    full_window.open_page("qubo")
    full_window.settle()
    page = full_window.page
    assert page._figure.text() == "9,530"
    assert page._verdict.text().startswith("● Verified")
    assert "800 variables" in page._facts.text()
    assert page.samples.model.rowCount() == 40
    assert page.plot.points == 60


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


def test_a_running_solve_moves_the_plot(full_window, full):
    full_window.open_page("qubo")
    page = full_window.page
    now = full.clock.now_us()
    full.jobs.records.put(Job("j-live", "qubo", "G1", "running", now, partial={"objective": 10.5, "solver": "anneal"}))
    full.samples.push("j-live", "best_energy", 0.0, -5.0)
    full.qubo.records.put(Run("r-live", "j-live", "G1", "G1", created_us=now))
    assert page._figure.text() == "10.5"
    assert page._verdict.text() == "Best so far, as the solver tells it."
    full_window.settle()
    assert page.plot.points == 1
    full.samples.push("j-live", "best_energy", 0.5, -9.0)
    assert page.plot.draw()
    assert page.plot.points == 2


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
