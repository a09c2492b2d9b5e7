"""The Sync page: what waits and how old it is, every peer, and both values of what met with one click to choose."""

from dataclasses import replace

from PySide6.QtWidgets import QPushButton

from app.engine.sync.records import Caller, Met, SyncPeer
from app.engine.sync.rules import Rule
from app.views.sync import caller_columns, peer_columns, rule_columns, status_text

HUB = SyncPeer("h1", "hub", "site hub", "10.0.0.1:7000", "e", 5, 5, 4, 2048, 4096, 1_700_000_000_000_000, 0, "", 7)
MET = Met(
    "c1", "saved_views", "v1", "filter", "north", "concurrent", {"value": "site=a"}, 1_700_000_000_000_000, "ann@1",
    {"value": "site=b"}, 1_699_999_990_000_000, "bob@2", "open", "", "", 0,
)  # fmt: skip
STATUS = {
    "replica": "r", "schema": 7, "pending_count": 0, "oldest_pending_us": 0, "conflicts_count": 0, "busy": False,
    "clock_skew_s": 0.0, "hub": None, "peers": [HUB.to_json()],
}  # fmt: skip


RULES = {"as_of_us": 1_700_000_000_000_000, "never_leave": "audit, jobs", "rules": []}


def opened(window):
    window.open_page("sync")
    return window.page


def test_before_a_hub_is_joined_the_page_says_what_one_is_for_and_offers_it(window, start):
    start.answers["sync.status"] = {**STATUS, "peers": []}
    page = opened(window)
    assert page.peers.empty_shown
    assert page.inbox.empty_shown
    assert page.said.text() == "No hub is joined; everything stays on this machine."


def test_the_tab_of_conflicts_says_how_many_are_open(window, start):
    engine = window.context.engine
    start.answers["sync.status"] = STATUS
    engine.sync.peers.put(HUB)
    engine.sync.inbox.records.put(MET)
    page = opened(window)
    assert page.tabs.tabText(1) == "Conflicts (1)"
    engine.sync.inbox.records.put(replace(MET, state="resolved", choice="lost", resolved_by="ann@1", resolved_us=MET.kept_us))
    assert page.tabs.tabText(1) == "Conflicts"


def test_peers_of_one_name_are_told_apart_by_their_devices_and_this_machine_by_its_own(window):
    twins = [replace(HUB, id=letter * 32, name="operator on laptop") for letter in "ab"]
    assert [shown(peer_columns(window.context), peer)[:2] for peer in twins] == [
        ["operator on laptop", "a" * 8], ["operator on laptop", "b" * 8],
    ]  # fmt: skip
    assert "known" not in status_text({**STATUS, "device": "c" * 32, "peers": []}, 0)
    assert status_text({**STATUS, "device": "c" * 32}, 0).endswith("Others know this machine as device cccccccc.")


def test_sync_now_asks_for_it_and_then_how_things_stand(window, start):
    start.answers |= {"sync.status": STATUS, "sync.now": {"peers": [], "pending_count": 0}}
    page = opened(window)
    button = next(one for one in page.findChildren(QPushButton) if one.text() == "Sync now")
    button.click()
    assert start.names()[-2:] == ["sync.now", "sync.status"]


def test_what_waits_is_told_with_its_age_and_the_clock_with_its_error():
    status = {**STATUS, "pending_count": 1200, "oldest_pending_us": 1_000_000, "clock_skew_s": -7200.0, "busy": True}
    assert status_text(status, 61_000_000) == (
        "1,200 changes wait to be handed over, the oldest for 1\u2009min. An exchange is under way. "
        "This clock differs from the hub's by 2\u2009h; changes are stamped by the hub's."
    )
    assert status_text(STATUS, 0) == "Nothing waits: the hub has every change."
    hub = {"address": "h:1", "consoles_count": 2, "pushed": 10, "pulled": 5}
    console = {**HUB.to_json(), "kind": "console"}
    serving = status_text({**STATUS, "hub": hub, "peers": [console]}, 0)
    assert serving == "Serving as a hub at h:1: 2 consoles paired, 10 changes taken, 5 given."
    assert status_text({**STATUS, "peers": [console]}, 0) == "This home is a hub, and is not served now."
    assert "by bundle alone" in status_text({**STATUS, "peers": [{**console, "kind": "bundle"}]}, 0)
    assert "Serving as a hub at h:1: 2 consoles paired, 10 changes taken, 5 given." in status_text({**STATUS, "hub": hub}, 0)
    open_to = status_text({**STATUS, "hub": {**hub, "code_ends_us": 1_700_000_000_000_000}}, 0)
    assert "A code lets one console in until 2023-11-14" in open_to
    ended = status_text({**STATUS, "hub": {**hub, "code_ends_us": 1_700_000_000_000_000}}, 1_700_000_000_000_000)
    assert "lets one console in" not in ended
    ahead = status_text({**STATUS, "hub": {**hub, "ahead_s": 7200.0}}, 0)
    assert "This hub's clock was ahead once; its own time is 2\u2009h later until that has caught up." in ahead
    assert "no hub is asked" in status_text({**STATUS, "copy": "due", "elsewhere": True}, 0)
    damaged = status_text({**STATUS, "damage": "outpost.db is damaged: x"}, 0)
    assert damaged.startswith("outpost.db is damaged: x. Save what can be read: outpost store salvage.")
    assert "made on another machine" in status_text({**STATUS, "elsewhere": True}, 0)
    assert "outpost sync renew" in status_text({**STATUS, "copy": "twin"}, 0)


def test_nodes_that_call_the_hub_and_the_rules_of_tables_stand_in_tabs_of_their_own(window, start):
    engine = window.context.engine
    start.answers |= {"sync.status": STATUS, "sync.rules": RULES}
    page = opened(window)
    page.tabs.setCurrentIndex(3)
    assert start.asked[-1] == ("sync.rules", {})
    heard_us = engine.clock.now_us() - 60_000_000
    engine.sync.callers.put(Caller("d" * 32, "pump", "10.0.0.5:7000", "192.0.2.7", "h1", known=True, heard_us=heard_us))
    rules = [Rule("saved_views", True, 30, False, 4, 1_700_000_000_000_000), Rule("edge_nodes", False, 0, True, 2, 0)]
    engine.sync.keeping.rules.replace_all(rules)
    assert [shown(caller_columns(window.context), engine.sync.callers.need("d" * 32))[at] for at in (0, 1, 2, 3)] == [
        "pump", "● yes", "1\u2009min", "192.0.2.7",
    ]  # fmt: skip
    assert [shown(rule_columns(), rule)[:4] for rule in rules] == [
        ["saved_views", "■ stay on this machine", "30 days", "4"], ["edge_nodes", "▶ travel", "for ever, by its kind", "2"],
    ]  # fmt: skip


def shown(columns, item):
    return [column.write(item) for column in columns]


def test_what_is_done_with_a_peer_or_a_rule_stands_below_its_table_and_is_about_what_is_picked(window, start, monkeypatch):
    engine = window.context.engine
    start.answers |= {"sync.status": STATUS, "sync.rules": {"rules": []}}
    engine.sync.peers.put(HUB)
    engine.sync.keeping.rules.replace_all([Rule("saved_views", True, 30, False, 4, 1_700_000_000_000_000)])
    page, asked = opened(window), []
    monkeypatch.setattr(page, "context", type("C", (), {"open_command": lambda _self, *given: asked.append(given)})())
    page.peers.view.pick("h1")
    page.rules.view.pick("saved_views")
    for words in ("Export changes", "Import changes", "Leave a hub", "Set a rule", "Apply retention"):
        next(button for button in page.findChildren(QPushButton) if button.text() == words).click()
    assert asked == [
        ("sync.export", {"peer": "h1"}), ("sync.import", {}), ("sync.leave", {"peer": "h1"}),
        ("sync.rule", {"table": "saved_views"}), ("sync.retain", {}),
    ]  # fmt: skip


def test_rules_are_read_anew_while_they_are_shown_with_their_age_and_what_never_leaves(window, engine, start):
    start.answers |= {"sync.status": STATUS, "sync.rules": {**RULES, "as_of_us": engine.clock.now_us()}}
    page = opened(window)
    page.tabs.setCurrentIndex(3)
    assert (page.subtitle.text(), page.here.text()) == ("as of now", "Never leave this machine: audit, jobs.")
    del start.answers["sync.rules"]
    engine.clock.advance(60)
    before = start.names().count("sync.rules")
    for _ in range(5):
        page.second()
    assert start.names().count("sync.rules") == before + 1
    assert page.subtitle.text() == "as of 1\u2009min ago"
    page.tabs.setCurrentIndex(0)
    assert page.subtitle.text() == "as of now"
