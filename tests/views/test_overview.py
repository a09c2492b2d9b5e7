"""Overview: what is wrong by cause, what is new, what runs; each with its next action, and every figure a way there."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from app.engine.base.events import NodeStateChanged
from app.engine.fleet.health import Health
from app.views.widgets.link import Link

NEWS = {
    "since_us": 0, "count": 3,
    "news": [
        {"kind": "event", "what": "node.state_changed", "state": "offline", "count": 2, "objects": ["node-01", "node-02"],
         "more": 0, "object_kind": "node", "object": "n1", "last_us": 1_699_999_990_000_000},
        {"kind": "command", "what": "fleet.demo", "state": "done", "count": 1, "objects": [""], "more": 0, "object_kind": "",
         "object": "", "last_us": 1_699_999_980_000_000},
        {"kind": "job", "what": "qubo", "state": "done", "count": 5, "objects": ["a", "b", "c"], "more": 2, "object_kind": "job",
         "object": "j-qubo", "last_us": 1_699_999_970_000_000},
    ],
}  # fmt: skip
STATUS = {
    "pending_count": 318, "conflicts_count": 2, "hubs_count": 1, "hub_us": 1_699_989_200_000_000, "hub_problem": "It cannot be reached",
    "hub_busy": False, "store_bytes": 41 * 2**20, "disk_free_bytes": 9 * 2**30, "sent_today_bytes": 3 * 2**20,
    "links_limited": 4, "links_near": 1,
}  # fmt: skip


@pytest.fixture
def start(start):
    start.answers |= {"activity.news": NEWS, "status": STATUS, "activity.seen": {"since_us": 1_700_000_000_000_000}}
    return start


def said(feed):
    return [part.text() for kind in (QLabel, QPushButton) for part in feed.findChildren(kind)]


def button(feed, text):
    return next(one for one in feed.findChildren(QPushButton) if one.text() == text)


def test_an_empty_home_offers_the_demo_fleet(window, start):
    button(window.page.needs, "Start demo fleet").click()
    assert start.asked[-1] == ("fleet.demo", {"nodes": 6})


def test_silent_nodes_and_failed_jobs_need_you(full_window):
    page = full_window.page
    texts = said(page.needs)
    assert {"node-05 in Sines", "node-06 in Kiruna", "Solve G9.txt", "Simulate 1000 clients"} <= set(texts)
    assert "node-01 in Narvik" not in texts
    assert page.running.count == 2


def test_every_figure_is_a_link_to_its_place(full_window):
    page = full_window.page
    texts = {name: link.text().replace("\u2009", " ") for name, link in page.figures.items()}
    assert texts == {
        "nodes": "4 of 6 nodes online", "heard": "last answer 2.0 s ago", "problems": "4 problems", "jobs": "2 running",
        "sent": "3.0 MiB sent to nodes today", "budgets": "1 of 4 link budgets nearly spent",
        "pending": "318 changes pending", "store": "store 41 MiB, 9.0 GiB free", "conflicts": "▲ 2 conflicts open",
        "hub": "■ no exchange with a hub for 3 h",
    }  # fmt: skip
    for name, place in [("nodes", "fleet"), ("jobs", "activity"), ("pending", "sync"), ("store", "settings")]:
        full_window.open_page("overview")
        page.figures[name].click()
        assert full_window.page_name == place


def test_conflicts_that_are_open_need_you_and_lead_to_their_page(full_window):
    assert "2 conflicts wait for your choice" in said(full_window.page.needs)
    button(full_window.page.needs, "Show conflicts").click()
    assert full_window.page_name == "sync"


def test_without_a_hub_nothing_is_said_of_one(full_window, start):
    start.answers["status"] = {**STATUS, "hubs_count": 0, "conflicts_count": 0}
    page = full_window.page
    page.shown()
    assert [page.figures[name].isVisible() for name in ("hub", "conflicts", "pending")] == [False, False, True]
    assert not any("conflicts" in text for text in said(page.needs))


def test_a_figure_is_reached_and_followed_by_the_keyboard(qtbot, full_window):
    link = full_window.page.figures["nodes"]
    link.setFocus()
    qtbot.keyClick(link, Qt.Key.Key_Space)
    assert full_window.page_name == "fleet"


def test_a_demo_node_that_is_gone_can_be_started_again_and_any_other_thing_shown(full_window, start):
    button(full_window.page.needs, "Restart node").click()
    assert start.asked[-1] == ("fleet.restart", {"node": "n5"})
    button(full_window.page.needs, "node-06 in Kiruna").click()
    assert full_window.page_name == "fleet"
    assert full_window.page.table.view.picked_key == "n5"
    full_window.open_page("overview")
    button(full_window.page.needs, "Solve G9.txt").click()
    assert full_window.page_name == "activity"
    assert full_window.page.jobs.view.picked_key == "j-bad"


def test_an_observer_is_told_why_nothing_can_be_changed(full_window, full):
    full.settings.set("user.role", "observer")
    full_window.page.needs.show_entries([])
    full_window.page._tell()
    restart = button(full_window.page.needs, "Restart node")
    assert not restart.isEnabled()
    assert restart.toolTip() == "Needs the role operator; you are observer"


def test_a_fleet_that_is_silent_is_one_problem_not_six(full_window, full):
    full.fleet.records.put(*(replace(node, state=Health.OFFLINE) for node in full.fleet.records))
    full_window.page._tell()
    texts = said(full_window.page.needs)
    assert "None of the 6 nodes answers" in texts
    assert "node-06 in Kiruna" not in texts


def test_a_node_that_comes_and_goes_is_called_so(full_window, full):
    for k in range(4):
        full.bus.publish(
            NodeStateChanged(
                at_us=full.clock.now_us() + k, actor="", node_id="n4", name="node-05", before="", after="", as_of_us=0
            )
        )
    full_window.page._tell()
    assert "node-05 comes and goes" in said(full_window.page.needs)


def test_it_follows_the_fleet(qtbot, full_window, full):
    full.fleet.records.put(*(replace(node, state=Health.ONLINE) for node in full.fleet.records))
    qtbot.waitUntil(lambda: full_window.page.figures["nodes"].text().startswith("6 of 6"))
    assert "node-06 in Kiruna" not in said(full_window.page.needs)


def test_news_is_told_by_kind_and_leads_to_the_thing(full_window):
    page = full_window.page
    links = [link.text() for link in page.news.findChildren(Link)]
    assert links == ["node-01, node-02: now offline", "Start demo fleet", "a, b, c and 2 more"]
    button(page.news, links[0]).click()
    assert full_window.page_name == "fleet"


def test_what_was_seen_is_no_news_and_old_failures_are_let_go(full_window):
    full_window.page.read.click()
    assert full_window.page.news.count == 0
    assert "Solve G9.txt" not in said(full_window.page.needs)
    assert full_window.page.subtitle.text() == "since now"
