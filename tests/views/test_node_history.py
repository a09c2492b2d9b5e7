"""What happened to a node stands in its inspector, and leads to all of it."""

import pytest
from PySide6.QtCore import Qt

from app.engine.base.events import CommandFinished, NodeStateChanged

NOW = 1_700_000_000_000_000


def entry(what, state, kind="event", **more):
    return {
        "id": f"{what}{state}", "at_us": NOW - 5_000_000, "kind": kind, "what": what, "state": state, "title": "", "actor": "ada",
        "object_name": "node-01", "object_kind": "node", "object": "n0", "cause": "", "took_s": None,
        "detail": "connection refused", **more,
    }  # fmt: skip


@pytest.fixture
def page(full_window, start):
    start.answers["activity.list"] = {
        "entries": [entry("node.state_changed", "offline"), entry("fleet.kill", "done", "command")], "count": 2,
    }  # fmt: skip
    full_window.open_page("fleet")
    return full_window.page


def shown(history):
    return [what.text() for _, what in history.lines if what.isVisible()]


def test_the_newest_entries_are_told_with_age_and_person(page, start):
    page.pick("n0")
    assert start.asked[-1] == ("activity.list", {"object": "n0", "limit": 6})
    history = page.node.history
    assert shown(history) == ["now ■ offline", "Kill demo node ● done"]
    assert history.lines[0][0].text().replace("\u2009", " ") == "5.0 s ago"
    assert history.lines[0][1].toolTip() == "ada · connection refused"
    assert not history.nothing.isVisible()


def test_a_node_without_entries_says_so(page, start):
    start.answers["activity.list"] = {"entries": [], "count": 0}
    page.pick("n1")
    assert shown(page.node.history) == []
    assert page.node.history.nothing.isVisible()


def test_what_happens_now_is_asked_for_again_but_not_what_happens_elsewhere(page, start, full):
    page.pick("n0")
    history, asked = page.node.history, len(start.asked)
    full.bus.publish(
        NodeStateChanged(
            at_us=NOW, actor="engine", node_id="n1", name="node-02", before="online", after="suspect", as_of_us=NOW
        )
    )
    full.bus.publish(CommandFinished(at_us=NOW, actor="ada", command="qubo.solve", outcome="ok"))
    assert not history._later.pending
    full.bus.publish(
        NodeStateChanged(
            at_us=NOW, actor="engine", node_id="n0", name="node-01", before="online", after="suspect", as_of_us=NOW
        )
    )
    assert history._later.pending
    history._later.now()
    assert start.asked[asked:] == [("activity.list", {"object": "n0", "limit": 6})]


def test_all_of_it_is_one_press_away(qtbot, page, full_window, start):
    page.pick("n0")
    qtbot.mouseClick(page.node.history.more, Qt.MouseButton.LeftButton)
    assert full_window.page_name == "activity"
    assert start.asked[-1][1]["object"] == "n0"
