"""Activity: jobs and history, each with its details beside it, brought up to date by what changes."""

from PySide6.QtWidgets import QLabel

from app.engine.base.events import CommandFinished
from app.views.activity import whole_entries


def finished(name):
    return CommandFinished(at_us=0, actor="", command=name, outcome="ok")


def inspected(window):
    return [label.text() for label in window.inspector.findChildren(QLabel)]


def test_a_picked_job_tells_its_error_and_what_to_do(full_window):
    full_window.open_page("activity")
    full_window.page.pick("j-bad")
    assert {"Solve G9.txt", "■ failed", "G9.txt, line 7: expected two node numbers", "Correct the line."} <= set(
        inspected(full_window)
    )


def test_the_history_is_read_from_the_store(full_window, start):
    full_window.open_page("activity")
    page = full_window.page
    page.tabs.setCurrentIndex(1)
    page.history.model.flush()
    assert page.history.model.rowCount() == 2
    assert start.asked[-1] == ("audit.list", {"limit": 1000})
    page.history.view.pick("a1")
    assert "qubo.solve" in inspected(full_window)


def test_a_change_brings_the_history_up_to_date_and_a_read_does_not(qtbot, full_window, full, start):
    full_window.open_page("activity")
    before = start.names().count("audit.list")
    full.bus.publish(finished("audit.list"))
    assert not full_window.page._later.pending
    full.bus.publish(finished("qubo.solve"))
    full.bus.publish(finished("fleet.demo"))
    qtbot.waitUntil(lambda: start.names().count("audit.list") == before + 1)


def test_the_dock_of_jobs_makes_room_for_the_page_of_jobs(full_window):
    full_window.open_page("activity")
    assert not full_window.activity.isVisible()
    full_window.open_page("qubo")
    assert full_window.activity.isVisible()


def test_a_run_is_one_entry_and_one_without_an_end_stays():
    begun = [{"id": at, "cause": cause, "command": "qubo.solve", "outcome": "started"} for at, cause in enumerate("ab")]
    end = {"id": 9, "cause": "a", "command": "qubo.solve", "outcome": "ok"}
    assert whole_entries([*begun, end]) == [begun[1], end]
