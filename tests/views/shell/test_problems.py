"""Problems follow the engine: told once per cause, one look per storm."""

from dataclasses import replace

from app.engine.fleet.health import Health


def test_a_storm_is_one_look_and_one_problem(qtbot, full_window, full):
    problems, told, looks = full_window.problems, [], []
    problems.appeared.connect(lambda one: told.append(one.scope))
    problems.changed.connect(lambda: looks.append(1))
    for node in full.fleet.records:
        full.fleet.records.put(replace(node, state=Health.OFFLINE))
    qtbot.waitUntil(lambda: bool(told))
    assert told == ["fleet"]
    assert len(looks) == 1


def test_failed_jobs_are_let_go_when_they_were_seen(full_window, full):
    problems = full_window.problems
    assert [one.scope for one in problems.current] == ["node", "node", "job", "job"]
    problems.seen(full.clock.now_us())
    assert [one.scope for one in problems.current] == ["node", "node"]
