"""The node inspector: alive, honest about age, and able to act."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from app.engine.fleet.health import Health


@pytest.fixture
def page(full_window):
    full_window.open_page("fleet")
    return full_window.page


def test_state_is_told_with_its_age_and_sparklines_are_drawn(page, full):
    page.pick("n5")
    node = page.node
    assert node._badge.text() == "■ offline · as of 12\u2009s ago"
    assert node.sparks["cpu_ratio"].accessibleDescription().startswith("CPU is")
    full.samples.push("n5", "cpu_ratio", 0, 0.99)
    assert node.draw()
    assert not node.draw()
    assert node.sparks["cpu_ratio"].accessibleDescription() == "CPU is 99\u2009%"


def test_the_history_of_the_picked_node_opens_on_one_time_axis(qtbot, page, full_window):
    page.pick("n0")
    qtbot.mouseClick(page.node.plots, Qt.MouseButton.LeftButton)
    assert page.plots.isVisible()
    full_window.settle()
    assert {plot.points for plot in page.plots.plots.values()} == {300}
    page.plots.axis.zoom((page.plots.axis.span()[0], page.plots.axis.span()[0] + 100))
    assert {round(plot._plot.viewRange()[0][1]) for plot in page.plots.plots.values()} == {100}
    page.pick("n1")
    assert page.plots._title.text() == "Figures of node-02"
    assert page.plots.axis.window is None


def test_actions_fit_the_state_and_name_the_node(qtbot, page, start):
    page.pick("n0")
    assert page.node.kill.isVisible()
    assert not page.node.restart.isVisible()
    qtbot.mouseClick(page.node.kill, Qt.MouseButton.LeftButton)
    assert start.asked[-1][0] == "fleet.kill"
    assert list(start.asked[-1][1].values()) == ["n0"]
    page.pick("n5")
    assert page.node.restart.isVisible()
    qtbot.mouseClick(page.node.restart, Qt.MouseButton.LeftButton)
    assert start.asked[-1][0] == "fleet.restart"


def test_a_node_that_is_no_demo_cannot_be_killed(page, full):
    full.fleet.records.put(replace(full.fleet.records.need("n0"), home="", state=Health.ONLINE))
    page.pick("n0")
    assert not page.node.kill.isVisible()


def test_tier_and_labels_are_told_and_maintenance_begins_and_ends_here(qtbot, page, full, start):
    node = replace(full.fleet.records.need("n0"), tier="tier-1", round_trip_s=4e-3, labels={"gpu": "", "ring": "canary"})
    full.fleet.records.put(node)
    page.pick("n0")
    said = [label.text() for label in page.node._facts]
    assert "tier-1 declared, tier-2 measured (4\u2009ms)" in said
    assert "gpu, ring=canary" in said
    qtbot.mouseClick(page.node.rest, Qt.MouseButton.LeftButton)
    assert start.asked[-1] == ("fleet.maintenance", {"nodes": "n0"})
    full.fleet.records.put(replace(node, state=Health.MAINTENANCE))
    page.node.tell()
    qtbot.mouseClick(page.node.rest, Qt.MouseButton.LeftButton)
    assert start.asked[-1] == ("fleet.maintenance", {"nodes": "n0", "off": True})


def test_removing_asks_once_more(qtbot, page, start):
    page.pick("n1")
    qtbot.mouseClick(page.node.remove, Qt.MouseButton.LeftButton)
    assert "fleet.remove" not in start.names()
    qtbot.mouseClick(page.node.remove, Qt.MouseButton.LeftButton)
    assert start.asked[-1][0] == "fleet.remove"


def test_a_removed_node_is_said_to_be_gone(page, full):
    page.pick("n1")
    full.fleet.records.discard("n1")
    page.node.tell()
    assert page.node._badge.text() == "◌ unknown · removed from the fleet"
    assert not page.node.isEnabled()
