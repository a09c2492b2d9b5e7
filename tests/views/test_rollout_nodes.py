"""The nodes of a rollout: which one failed, and why."""

from dataclasses import replace

import pytest

from app.engine.fleet.rollout.records import Task
from app.views.rollout_nodes import NodesTable

TASKS = [
    Task("a", "north", 0, "succeeded", way="delta", bytes_sent=2048),
    Task("b", "south", 1, "rolled_back", reason="the self-test is off"),
]


@pytest.fixture
def table(qtbot):
    made = NodesTable()
    qtbot.addWidget(made)
    made.show_tasks("r1", ("1", "rest"), TASKS)
    made.model.flush()
    return made


def cells(table, row):
    record = table.model.record_at(row)
    return {column.key: column.write(record) for column in table.model.columns}


def test_state_way_bytes_and_reason_of_every_node_are_told(table):
    assert table.model.rowCount() == 2
    assert cells(table, 0) == {
        "name": "north", "group": "1", "state": "● succeeded", "site": "–", "way": "delta",
        "sent": "2.0\u2009KiB", "agreement": "–", "before": "–", "why": "–",
    }  # fmt: skip
    assert (cells(table, 1)["state"], cells(table, 1)["why"]) == ("■ went back", "the self-test is off")


def test_only_what_changed_is_told_and_another_rollout_begins_anew(table):
    told = []
    table._tasks.watch(told.append)
    table.show_tasks("r1", ("1", "rest"), TASKS)
    assert told == []
    fresh = [TASKS[0], replace(TASKS[1], state="queued", reason="")]
    table.show_tasks("r1", ("1", "rest"), fresh)
    assert [change.changed for change in told] == [(fresh[1],)]
    table.show_tasks("r1", ("1", "rest"), fresh[:1])
    assert [task.name for task in table._tasks] == ["north"]
    table.show_tasks("r2", ("rest",), [Task("c", "west", 0)])
    assert [task.name for task in table._tasks] == ["west"]
