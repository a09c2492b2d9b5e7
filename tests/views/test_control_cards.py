"""A card for each controller that runs."""

from PySide6.QtWidgets import QScrollArea

from app.engine.jobs.records import Job
from app.engine.jobs.runs import Run
from app.views.control_cards import calm, now_text, why_text

ACTION = {"n": 3, "before": 7.0, "wanted": 9.4, "after": 8.0, "reason": "rate limit"}


def put(full, number, **partial):
    now = full.clock.now_us()
    full.jobs.records.put(Job(f"j{number}", "control", "auto", "running", now, partial=partial))
    full.samples.push(f"j{number}", "size", now / 1e6, 8.0)
    spec = {"law": "auto", "mode": "apply", "low": 2, "high": 64}
    full.control.records.put(
        Run(f"r{number}", f"j{number}", f"auto {number}", "threadpool", spec=spec, created_us=now + number)
    )


def test_each_controller_that_runs_has_a_card_with_what_it_does_and_why(full_window, full, start):
    full_window.open_page("control")
    full_window.settle()
    assert full_window.page.cards.isHidden()
    told = {"target": 9.4, "size": 8.0, "force": 1.4, "actions": [ACTION], "bound": "rate limit", "mode": "recommend"}
    for number in range(8):
        put(full, number, **told)
    full_window.settle()
    cards = full_window.page.cards
    cards.tell()
    assert list(cards.cards) == [f"r{number}" for number in range(8)]
    card = cards.cards["r3"]
    applied = {**told, "mode": "apply"}
    assert why_text({**applied, "reason": "sensor stale, held"}, {}).endswith("bound in force: rate limit · sensor stale, held")
    assert why_text({**applied, "reason": "law"}, {}).endswith("bound in force: rate limit")
    advised = {"reason": "recommended only", "bound": "rate limit", "mode": "recommend"}
    assert why_text(advised, {}) == "would be bound by: rate limit · recommended only"
    assert why_text({"reason": "not applied: [Errno 13]", "actions": [ACTION], "bound": "rate limit"}, {}) == (
        "not applied: [Errno 13] · last action 7 → 8: rate limit · bound in force: rate limit"
    )
    assert why_text({"reason": "sensor stale, held"}, {}) == "sensor stale, held"
    assert card.now.text() == "target 9 · size 8 of 2 to 64 · force +1.4"
    assert card.why.text() == card.why.toolTip() == "last action 7 → 8: rate limit · would be bound by: rate limit"
    assert card.mode.currentData() == "recommend"
    card.mode.setCurrentIndex(0)
    card.mode.activated.emit(0)
    assert start.asked[-1] == ("control.mode", {"id": "r3", "mode": "observe"})
    assert card.mode.currentData() == "recommend"  # an order may be refused: what is told shows
    card.look.click()
    full_window.settle()
    assert full_window.page._run_id == "r3"


def test_a_controller_that_ended_loses_its_card_and_one_that_starts_says_so(full_window, full):
    full_window.open_page("control")
    put(full, 1)
    put(full, 2, size=3.0)
    full_window.page.cards.tell()
    cards = full_window.page.cards
    assert cards.cards["r1"].now.text() == "Starts…"
    assert cards.cards["r2"].why.text() == "no bound in force"
    full.jobs.records.put(Job("j1", "control", "auto", "done", full.clock.now_us()))
    cards.tell()
    assert list(cards.cards) == ["r2"]
    full.jobs.records.put(Job("j2", "control", "auto", "done", full.clock.now_us()))
    cards.tell()
    assert cards.isHidden()


def test_a_controller_that_was_killed_says_so_and_takes_no_mode(full_window, full):
    full_window.open_page("control")
    put(full, 1, size=8.0, mode="apply", reason="law")
    put(full, 2, size=8.0, mode="killed", reason="kill switch, safe size")
    full_window.page.cards.tell()
    alive, killed = full_window.page.cards.cards.values()
    assert alive.mode.isEnabled()
    assert (killed.mode.isEnabled(), killed.mode.currentIndex()) == (False, -1)
    assert killed.badge.text().endswith("running · killed")
    assert killed.why.text() == "kill switch, safe size"
    refused = {"mode": "killed", "reason": "not applied: busy", "actions": [{**ACTION, "reason": "not applied: busy"}]}
    assert why_text(refused, {}) == "not applied: busy"


def test_what_turns_ten_times_a_second_is_drawn_less_often_and_what_has_nothing_new_waits_no_longer():
    now_s, drawn, news = [0.0], [], [True]

    def draw():
        drawn.append(now_s[0])
        return news[0]

    frame = calm(draw, lambda: now_s[0])
    told = []
    for tick in range(10):
        now_s[0] = 0.1 * tick
        told.append(frame())
    assert told == [True, False, False, False] * 2 + [True, False]
    assert len(drawn) == 3
    news[0] = False
    now_s[0] = 2.0
    assert not frame()
    news[0] = True
    assert frame()


def test_a_size_in_bytes_is_written_as_bytes():
    spec = {"resource": "socket", "low": 8192, "high": 1 << 18}
    told = {"target": 1 << 17, "size": 1 << 16, "force": -4096.0, "actions": [{**ACTION, "before": 1 << 15, "after": 1 << 16}]}
    kib = "\u2009KiB"
    assert now_text(told, spec) == f"target 128{kib} · size 64{kib} of 8.0{kib} to 256{kib} · force -4.0{kib}"
    assert why_text(told, spec).startswith(f"last action 32{kib} → 64{kib}: rate limit")
    assert now_text({"size": 3.0, "force": -0.04}, {}).endswith("force +0.0")
    assert now_text({"size": 3.0}, {"low": 2}) == "target 0 · size 3 of 2 to – · force +0.0"


def test_with_cards_above_them_the_plots_keep_their_height_and_the_page_scrolls(full_window, full):
    full_window.resize(1100, 560)
    full_window.open_page("control")
    put(full, 1)
    full_window.settle()
    page = full_window.page
    area = next(one for one in page.findChildren(QScrollArea) if one.accessibleName() == "The run that is shown")
    assert area.widget().height() > area.viewport().height()
    assert all(plot.height() >= plot.minimumHeight() for plot in (*page.plots[1:], page.portrait))
    assert all(plot.geometry().bottom() < plot.parentWidget().height() for plot in (*page.plots[1:], page.portrait))
