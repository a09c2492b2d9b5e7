"""The Activity dock: sums up what runs, cancels, folds."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton


@pytest.fixture
def dock(full_window):
    return full_window.activity


def test_the_heading_sums_up_what_runs(qtbot, dock, full):
    assert dock.summary == "▶ 2 running · Train digits over 6 nodes 40\u2009% · Solve G55 –"
    full.jobs.records.put(*(replace(job, state="done") for job in full.jobs.records if job.state in ("running", "queued")))
    qtbot.waitUntil(lambda: dock.summary == "Nothing is running")


def test_jobs_stand_newest_first(dock):
    model = dock.table.model
    assert [model.record_at(row).title for row in range(2)] == ["Solve G55", "Train digits over 6 nodes"]


def test_delete_and_the_last_cell_cancel_what_can_be_cancelled(qtbot, dock, start):
    dock.table.view.pick("j-train")
    qtbot.keyClick(dock.table.view, Qt.Key.Key_Delete)
    column = [column.key for column in dock.table.model.columns].index("cancel")
    for key in ("j-queue", "j-qubo"):
        dock.table.view.clicked.emit(dock.table.model.index(dock.table.model.row_of(key), column))
    assert [args for name, args in start.asked if name == "job.cancel"] == [{"id": "j-train"}, {"id": "j-queue"}]


def test_it_folds_to_one_line_and_back(qtbot, dock):
    tall = dock.height()
    qtbot.mouseClick(dock.findChild(QToolButton), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dock.height() < tall / 2)
    dock.toggle()
    qtbot.waitUntil(lambda: dock.height() > tall / 2)
