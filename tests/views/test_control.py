"""Control: the course of target, size, queue and wait, and the figures with their kind."""

from app.engine.jobs.records import Job
from app.engine.jobs.runs import Run


def test_a_finished_run_shows_its_course_its_figures_and_its_simulated_peer(full_window):
    full_window.open_page("control")
    full_window.settle()
    page = full_window.page
    assert [plot.points for plot in page.plots] == [200, 100, 100]
    assert "mean size 8.3 threads" in page._said.text()
    assert page._peer.text().startswith("◇ Simulated")


def test_a_running_controller_is_live(full_window, full):
    full_window.open_page("control")
    now = full.clock.now_us()
    partial = {"target": 9, "size": 8, "queue": 3, "wait_s": 0.02}
    full.jobs.records.put(Job("j-live", "control", "pid", "running", now, partial=partial))
    for metric, value in partial.items():
        full.samples.push("j-live", metric, now / 1e6, value)
    full.control.records.put(Run("r-live", "j-live", "pid", "threadpool", created_us=now))
    full_window.settle()
    page = full_window.page
    assert [plot.points for plot in page.plots] == [2, 1, 1]
    assert page._said.text() == "target 9 · size 8 · queue 3 · wait 20\u2009ms"
    assert page._peer.text() == ""


def test_it_starts_from_its_form(window, start):
    window.open_page("control")
    window.page.form.fill({"seconds": 3})
    window.page.form.submit()
    name, args = start.asked[-1]
    assert (name, args["resource"], args["seconds"]) == ("control.run", "threadpool", 3.0)
