"""Overview: what needs you, what ended, what runs; each with its next action."""

from dataclasses import replace

from PySide6.QtWidgets import QLabel, QPushButton

from app.engine.fleet.health import Health


def said(feed):
    return [label.text() for label in feed.findChildren(QLabel)]


def test_an_empty_home_offers_the_demo_fleet(window, start):
    button = window.page.needs.findChild(QPushButton)
    assert button.text() == "Start demo fleet"
    button.click()
    assert start.asked[-1] == ("fleet.demo", {"nodes": 6})


def test_silent_nodes_and_failed_jobs_need_you(full_window):
    page = full_window.page
    texts = said(page.needs)
    assert {"node-05 in Sines", "node-06 in Kiruna", "Solve G9.txt", "Simulate 1000 clients"} <= set(texts)
    assert "node-01 in Narvik" not in texts
    assert {"maxcut-800.txt, 5 s", "Run bell.qasm"} <= set(said(page.news))
    assert page.running.count == 2
    assert page.subtitle.text() == "4 of 6 nodes online · 2 running"


def test_each_entry_leads_to_its_place(full_window):
    buttons = full_window.page.needs.findChildren(QPushButton)
    buttons[1].click()
    assert full_window.page_name == "fleet"
    assert full_window.page.table.view.picked_key == "n5"
    full_window.open_page("overview")
    full_window.page.needs.findChildren(QPushButton)[2].click()
    assert full_window.page_name == "activity"
    assert full_window.page.jobs.view.picked_key == "j-bad"


def test_it_follows_the_fleet(qtbot, full_window, full):
    full.fleet.records.put(*(replace(node, state=Health.ONLINE) for node in full.fleet.records))
    qtbot.waitUntil(lambda: full_window.page.subtitle.text().startswith("6 of 6"))
    assert "node-06 in Kiruna" not in said(full_window.page.needs)


def test_what_was_seen_is_not_news(full_window):
    full_window.page.read.click()
    assert full_window.page.news.count == 0
