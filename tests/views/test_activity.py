"""Activity: jobs and one time line, each entry with its details beside it and a way to what it is about."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from app.engine.base.events import CommandFinished, NodePaired

AT = 1_700_000_000_000_000
ENTRIES = [
    {"id": "e1", "at_us": AT - 5_000_000, "kind": "event", "what": "node.state_changed", "title": "node.state_changed",
     "state": "offline", "object_kind": "node", "object": "n5", "object_name": "node-06", "actor": "engine", "cause": "",
     "detail": "before online", "took_s": None},
    {"id": "a1", "at_us": AT - 60_000_000, "kind": "command", "what": "fleet.demo", "title": "fleet.demo", "state": "done",
     "object_kind": "", "object": "", "object_name": "", "actor": "ada@1f2e3d4c", "cause": "c1", "detail": "", "took_s": 0.4},
    {"id": "j-qubo", "at_us": AT - 90_000_000, "kind": "job", "what": "qubo", "title": "maxcut-800.txt, 5 s", "state": "done",
     "object_kind": "job", "object": "j-qubo", "object_name": "maxcut-800.txt, 5 s", "actor": "ada@1f2e3d4c", "cause": "",
     "detail": "", "took_s": 5.0},
]  # fmt: skip


@pytest.fixture
def start(start):
    start.answers["activity.list"] = {"entries": ENTRIES, "count": 3}
    return start


@pytest.fixture
def page(full_window):
    full_window.open_page("activity")
    return full_window.page


@pytest.fixture
def line(page):
    page.tabs.setCurrentIndex(1)
    page.timeline.table.model.flush()
    return page.timeline


def inspected(window, kind=QLabel):
    return [part.text() for part in window.inspector.findChildren(kind) if part.isVisibleTo(window.inspector)]


def button(window, text):
    return next(one for one in window.inspector.findChildren(QPushButton) if one.text() == text and one.isVisibleTo(window))


def test_a_picked_job_tells_its_error_and_what_to_do(full_window, page):
    page.pick("j-bad")
    assert {"Solve G9.txt", "■ failed", "G9.txt, line 7: expected two node numbers", "Correct the line."} <= set(
        inspected(full_window)
    )
    button(full_window, "Show run").click()
    assert full_window.page_name == "qubo"


def test_jobs_of_one_cause_are_one_row_with_one_cancel(full, page, start):
    job = next(job for job in full.jobs.records if job.id == "j-queue")
    full.jobs.records.put(*(replace(job, id=f"b{k}", cause="roll", title=f"Update node-0{k}", kind="update") for k in range(5)))
    page.jobs.model.flush()
    assert "bulk:update:roll" in page.jobs.items.records
    assert "b0" not in page.jobs.items.records
    page.pick("b3")
    assert page.jobs.view.picked_key == "bulk:update:roll"
    page.jobs.cancel("bulk:update:roll")
    assert start.asked[-5:] == [("job.cancel", {"id": f"b{k}"}) for k in range(5)]


def test_the_time_line_is_read_from_the_store(full_window, line, start):
    assert start.asked[-1] == ("activity.list", {"limit": 500})
    model = line.table.model
    told = [[column.write(model.record_at(row)) for column in model.columns] for row in range(3)]
    assert [row[1:6] for row in told] == [
        ["2023-11-14 22:13:15Z", "event", "■ offline", "now", "node-06"],
        ["2023-11-14 22:12:20Z", "command", "● done", "Start demo fleet", ""],
        ["2023-11-14 22:11:50Z", "job", "● done", "maxcut-800.txt, 5 s", ""],
    ]


def test_filters_are_arguments_of_the_command(qtbot, line, start):
    qtbot.keyClicks(line.object, "node-06")
    line.kind.setCurrentIndex(3)
    line.since.setCurrentIndex(1)
    qtbot.keyClicks(line.actor, "ada")
    qtbot.waitUntil(lambda: start.asked[-1][1].get("actor") == "ada")
    assert start.asked[-1] == (
        "activity.list", {"limit": 500, "object": "node-06", "actor": "ada", "kind": "event", "since": "2023-11-14T21:13:20.000Z"}
    )  # fmt: skip
    line.clear.click()
    assert start.asked[-1] == ("activity.list", {"limit": 500})


def test_from_an_entry_to_its_node_and_back(qtbot, full_window, page, line, start):
    line.table.view.pick("e1")
    assert {"now", "■ offline", "node-06"} <= set(inspected(full_window))
    qtbot.keyClick(line.table.view, Qt.Key.Key_Return)
    assert full_window.page_name == "fleet"
    assert full_window.page.table.view.picked_key == "n5"
    full_window.back()
    assert full_window.page is page
    button(full_window, "Show all about this").click()
    assert start.asked[-1] == ("activity.list", {"limit": 500, "object": "n5"})


def test_from_a_node_to_what_happened_to_it(full_window, start):
    full_window.open_page("fleet")
    full_window.page.pick("n2")
    full_window.show_history()
    assert full_window.page_name == "activity"
    assert start.asked[-1] == ("activity.list", {"limit": 500, "object": "n2"})


def test_a_change_brings_the_line_up_to_date_and_a_read_does_not(qtbot, full, line, start):
    def finished(name):
        return CommandFinished(at_us=0, actor="", command=name, outcome="ok")

    before = start.names().count("activity.list")
    full.bus.publish(finished("activity.list"))
    assert not line._later.pending
    full.bus.publish(finished("qubo.solve"))
    full.bus.publish(NodePaired(at_us=0, actor="", node_id="n1", name="node-02"))
    qtbot.waitUntil(lambda: start.names().count("activity.list") == before + 1)


def test_the_dock_of_jobs_makes_room_for_the_page_of_jobs(full_window):
    full_window.open_page("activity")
    assert not full_window.activity.isVisible()
    full_window.open_page("qubo")
    assert full_window.activity.isVisible()
