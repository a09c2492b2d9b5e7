"""Run pages follow the newest run until another one is picked."""

from dataclasses import replace

from PySide6.QtCore import Qt

from app.engine.jobs.records import Job
from app.engine.jobs.runs import Run
from app.views.shell.run_page import result_of


def test_the_newest_run_is_shown_and_a_picked_one_stays(qtbot, full_window, full):
    full_window.open_page("qubo")
    page = full_window.page
    assert page.bar.title.text() == "maxcut-800.txt, 5 s"
    page.pick("r-bad")
    assert page.bar.title.text() == "G9.txt, 5 s"
    assert page.bar.said.text() == "G9.txt, line 7: expected two node numbers · Correct the line."
    full.qubo.records.put(replace(full.qubo.records.need("r-qubo"), title="renamed"))
    assert page.bar.title.text() == "G9.txt, 5 s"


def test_a_new_run_comes_to_the_front_and_can_be_cancelled(qtbot, full_window, full, start):
    full_window.open_page("qubo")
    now = full.clock.now_us()
    full.jobs.records.put(Job("j-new", "qubo", "G1, 60 s", "running", now, now, 0, 6, 60, "s", {"objective": 11_000.0}))
    full.qubo.records.put(Run("r-new", "j-new", "G1, 60 s", "G1", created_us=now, updated_us=now))
    bar = full_window.page.bar
    assert bar.title.text() == "G1, 60 s"
    assert bar.bar.value() == bar.bar.maximum() // 10
    qtbot.mouseClick(bar.cancel, Qt.MouseButton.LeftButton)
    assert start.asked[-1] == ("job.cancel", {"id": "j-new"})
    full.jobs.records.put(replace(full.jobs.records.need("j-new"), state="cancelling"))
    qtbot.waitUntil(lambda: not bar.cancel.isEnabled())
    full.jobs.records.put(replace(full.jobs.records.need("j-new"), state="cancelled"))
    qtbot.waitUntil(lambda: not bar.cancel.isVisible())


def test_the_empty_state_goes_with_the_first_run(qtbot, window, engine):
    window.open_page("control")
    assert window.page._empty.isVisible()
    engine.control.records.put(Run("r", "j", "pid", "threadpool", created_us=1))
    assert not window.page._empty.isVisible()
    assert window.page.bar.isVisible()


def test_the_best_known_result_is_taken():
    run = Run("r", "j", "t", "s")
    job = Job("j", "k", "t", partial={"objective": 1})
    assert result_of(run, None) == {}
    assert result_of(run, job) == {"objective": 1}
    assert result_of(run, replace(job, result={"artifact": "sha256:0", "size_bytes": 9})) == {"objective": 1}
    assert result_of(replace(run, result={"objective": 3}), job) == {"objective": 3}


def test_the_second_form_is_folded_and_what_a_person_unfolds_stays_so(window):
    window.open_page("control")
    page = window.page
    first, second = (page.forms.itemAt(at).widget() for at in range(2))
    assert page.form.isVisible()
    assert not page.trial.isVisible()
    second.heading.click()
    first.heading.click()
    assert page.trial.isVisible()
    assert not page.form.isVisible()
    assert page.context.view.get("folds") == {"control.run": False, "control.trial": True}
