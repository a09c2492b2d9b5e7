"""The twin in the inspector: quiet while nobody wants anything, clear about what is left and about a clash."""

TWIN = {
    "desired": {"cadence_s": 2, "odd": 1}, "reported": {"cadence_s": 5}, "conflict": [], "in_sync": False, "applied_version": 3,
    "delta": [
        {"path": "cadence_s", "desired": 2, "reported": 5, "ignored": False},
        {"path": "odd", "desired": 1, "reported": None, "ignored": True},
    ],
    "provenance": [{"path": "cadence_s", "value": 2, "layer": "base", "over": []}],
}  # fmt: skip
CLASH = [{"path": "cadence_s", "base": 1, "theirs": 9, "mine": 2, "change": "conflict"}]


def shown(full_window, full, twin):
    full.twins["n0"] = twin
    full_window.open_page("fleet")
    full_window.page.pick("n0")
    return full_window.page.node.twin


def test_a_node_nobody_wants_anything_of_shows_no_twin(full_window):
    full_window.open_page("fleet")
    full_window.page.pick("n1")
    assert full_window.page.node.twin.isHidden()


def test_what_is_left_and_where_it_comes_from(full_window, full):
    part = shown(full_window, full, TWIN)
    assert "still to do" in part.state.text()
    assert part.lines.text() == "cadence_s: 5 → 2\nodd: None → 1 (unknown to the node)"
    assert part.toolTip() == "cadence_s ← base"
    assert part.mine.parent().isHidden()


def test_a_clash_is_shown_from_three_sides_and_ended_by_a_press(full_window, full, start):
    full.settings.set("view.hold_s", 0)
    part = shown(full_window, full, {**TWIN, "conflict": CLASH})
    assert part.lines.text() == "cadence_s: 1 → 9 | 2"
    part.theirs.click()
    assert start.asked[-1] == ("fleet.resolve", {"node": "n0", "keep": "theirs"})
