"""A conflict on the page: nothing is chosen before what holds now was shown, and what is chosen is what was shown."""

from dataclasses import replace

from app.engine.sync.records import Met

MET = Met(
    "c1", "saved_views", "v1", "filter", "north", "concurrent", {"value": "site=a"}, 1_700_000_000_000_000, "ann@1",
    {"value": "site=b"}, 1_699_999_990_000_000, "bob@2", "open", "", "", 0,
)  # fmt: skip
NOW = {"now": "site=c", "now_state": "stands", "now_by": "eve@3", "now_us": 1_700_000_100_000_000, "now_mark": "m1",
       "changed": True}  # fmt: skip


def answer(met, **now):
    return {"conflicts": [{**met.to_json(), **NOW, **now}], "total_count": 1}


def opened(window, *found):
    window.context.engine.sync.inbox.records.put(*found)
    window.open_page("sync")
    window.page.pick("c1")
    return window.page.choice


def test_what_held_then_stands_beside_what_holds_now_and_one_click_chooses(window, start):
    start.answers["sync.conflicts"] = answer(MET)
    choice = opened(window, MET)
    assert [side.value.text() for side in (choice.kept, choice.lost, choice.now)] == ["site=a", "site=b", "site=c"]
    assert choice.lost.who.text().startswith("bob@2")
    assert choice.now.who.text().startswith("row changed last by eve@3")
    assert choice.now.how.text() == "▲ Changed since the two met."
    choice.take.click()
    assert start.asked[-1] == ("sync.resolve", {"conflict": "c1", "choice": "lost", "shown": "m1"})
    choice.leave.click()
    assert start.asked[-1] == ("sync.resolve", {"conflict": "c1", "choice": "kept", "shown": "m1"})


def test_nothing_is_chosen_before_it_was_told_what_holds_now(window, start):
    choice = opened(window, MET)
    assert (choice.now.value.text(), choice.take.isEnabled(), choice.leave.isEnabled()) == ("Asking…", False, False)
    choice._take(answer(replace(MET, id="c2")))  # what was asked for the one before
    assert not choice.take.isEnabled()
    choice._take(answer(MET))
    assert choice.take.isEnabled()
    other = replace(MET, id="c2")
    window.context.engine.sync.inbox.records.put(other)
    window.page.pick("c2")
    assert (choice.now.value.text(), choice.take.isEnabled()) == ("Asking…", False)


def test_a_refusal_has_the_page_ask_anew_and_so_does_time(window, start):
    start.answers["sync.conflicts"] = answer(MET)
    choice = opened(window, MET)
    choice.take.click()
    start.answers["sync.conflicts"] = answer(MET, now="site=d", now_mark="m2")
    start.failed()
    assert (choice.now.value.text(), choice._mark) == ("site=d", "m2")
    start.asked.clear()
    for _ in range(5):
        window.page.second()
    assert ("sync.conflicts", {"conflict": "c1"}) in start.asked


def test_a_conflict_that_was_resolved_says_by_whom_and_offers_nothing(window, start):
    start.answers["sync.conflicts"] = answer(MET)
    choice = opened(window, replace(MET, state="resolved", choice="lost", resolved_by="ann@1", resolved_us=MET.kept_us))
    assert choice.take.isHidden()
    assert choice.leave.isHidden()
    assert choice.settled.text().startswith("ann@1 chose the value that gave way")


def test_several_that_are_picked_are_resolved_alike_by_what_was_shown(window, start):
    others = [replace(MET, id=key) for key in ("c2", "c3")]
    window.context.engine.sync.inbox.records.put(*others)
    choice = opened(window, MET)
    page = window.page
    assert not choice.isHidden()
    assert page.several.isHidden()
    page.inbox.view.selectAll()
    assert choice.isHidden()
    assert page.several.said.text().startswith("3 open conflicts are picked.")
    assert not page.several.take.isEnabled()
    keys = page.inbox.view.picked_keys()
    assert start.asked[-1] == ("sync.conflicts", {"conflict": ",".join(keys)})
    told = {met.id: met for met in (MET, *others)}
    shown = [{**told[key].to_json(), **NOW, "now_mark": f"m{key}"} for key in keys]
    page.several._take({"conflicts": shown[:2]})  # of what was picked before
    assert not page.several.take.isEnabled()
    page.several._take({"conflicts": shown})
    page.several.take.click()
    marks = ",".join(f"m{key}" for key in keys)
    assert start.asked[-1] == ("sync.resolve", {"conflict": ",".join(keys), "choice": "lost", "shown": marks})
