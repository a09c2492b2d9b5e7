"""The status line tells nodes, role, store and time."""

from dataclasses import replace

from PySide6.QtCore import Qt

from app.engine.base.events import SettingChanged
from app.engine.fleet.health import Health

STATUS = {
    "pending_count": 318, "conflicts_count": 0, "hubs_count": 0, "hub_us": 0, "hub_problem": "", "hub_busy": False,
}  # fmt: skip


def test_nodes_are_counted_by_state_and_kept_current(qtbot, full_window, full):
    line = full_window.status
    assert line.texts[5] == "● 4 online   ▲ 1 suspect   ■ 1 offline"
    full.fleet.records.put(*(replace(node, state=Health.ONLINE) for node in full.fleet.records))
    qtbot.waitUntil(lambda: line.texts[5] == "● 6 online")


def test_an_empty_fleet_is_said_in_words(window):
    assert window.status.texts[5] == "no nodes"


def test_the_clock_switches_between_utc_and_local(qtbot, window, engine):
    assert window.status.texts[6] == "22:13:20 UTC"
    engine.clock.advance(2)
    window.status.second()
    assert window.status.texts[6] == "22:13:22 UTC"
    qtbot.mouseClick(window.status._clock, Qt.MouseButton.LeftButton)
    assert window.status.texts[6][5:8] == ":22"


def test_a_new_role_is_told_at_once(window, engine):
    engine.settings.set("user.role", "observer")
    engine.bus.publish(SettingChanged(at_us=0, actor="", key="user.role"))
    assert window.status.texts[4] == "operator · observer · read only"


def test_the_size_of_the_store_is_read_from_its_files(window, engine):
    (engine.home / "outpost.db").write_bytes(b"x" * 3 * 1024 * 1024)
    for _ in range(10):
        window.status.second()
    assert window.status.texts[3] == "store 3.0\u2009MiB"


def test_the_zone_is_kept_as_a_setting(qtbot, window, start):
    qtbot.mouseClick(window.status._clock, Qt.MouseButton.LeftButton)
    assert start.asked[-1] == ("settings.set", {"key": "view.time", "value": "local"})


def test_the_link_and_what_waits_to_be_sent_are_told(qtbot, full_window, full, start):
    line = full_window.status
    assert line.texts[1] == "● linked"
    start.answers["status"] = STATUS
    for _ in range(10):
        line.second()
    assert line.texts[2] == "318 changes pending"
    full.fleet.records.put(*(replace(node, state=Health.OFFLINE) for node in full.fleet.records))
    qtbot.waitUntil(lambda: line.texts[1] == "■ offline since 2023-11-14 22:13:18Z")


def ten_seconds(line):
    for _ in range(10):
        line.second()
    return [text.replace("\u2009", " ") for text in line.texts[1:3]]


def test_a_joined_hub_is_told_with_the_age_of_the_last_exchange_and_open_conflicts(window, engine, start):
    line, joined = window.status, {**STATUS, "hubs_count": 1}
    assert line.texts[1] == ""
    start.answers["status"] = STATUS
    assert ten_seconds(line) == ["no link yet", "318 changes pending"]
    start.answers["status"] = joined
    assert ten_seconds(line) == ["◌ no exchange with a hub yet", "318 changes pending"]
    met = {**joined, "hub_us": engine.clock.now_us() - 12_000_000, "pending_count": 4, "conflicts_count": 3}
    start.answers["status"] = met
    assert ten_seconds(line) == ["● exchanged with the hub 12 s ago", "4 changes pending · ▲ 3 conflicts open"]
    start.answers["status"] = {**met, "hub_problem": "It cannot be reached"}
    engine.clock.advance(2 * 3600)
    assert ten_seconds(line)[0] == "■ no exchange with a hub for 2 h"
    start.answers["status"] = {**met, "hub_busy": True}
    assert ten_seconds(line)[0] == "● exchanging with the hub"
