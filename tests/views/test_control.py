"""Control: the course of target, size, queue and wait, and the figures with their kind."""

from app.engine.jobs.records import Job
from app.engine.jobs.runs import Run


def test_a_finished_run_shows_its_course_its_figures_and_its_simulated_peer(full_window):
    full_window.open_page("control")
    full_window.settle()
    page = full_window.page
    assert [plot.points for plot in page.plots] == [200, 100, 100]
    assert "mean size 8.3 threads" in page._said.text()
    assert page._peer.text().startswith("◇ Simulated")


def test_a_running_controller_is_live(full_window, full):
    full_window.open_page("control")
    now = full.clock.now_us()
    partial = {"target": 9, "size": 8, "queue": 3, "wait_s": 0.02}
    full.jobs.records.put(Job("j-live", "control", "pid", "running", now, partial=partial))
    for metric, value in partial.items():
        full.samples.push("j-live", metric, now / 1e6, value)
    full.control.records.put(Run("r-live", "j-live", "pid", "threadpool", created_us=now))
    full_window.settle()
    page = full_window.page
    assert [plot.points for plot in page.plots] == [2, 1, 1]
    assert page._said.text() == "target 9 · size 8 · queue 3 · wait 20\u2009ms"
    assert page._peer.text() == ""


def test_it_starts_from_its_form(window, start):
    window.open_page("control")
    window.page.form.fill({"seconds": 3})
    window.page.form.submit()
    name, args = start.asked[-1]
    assert (name, args["resource"], args["seconds"]) == ("control.run", "threadpool", 3.0)


def test_a_running_controller_can_be_steered_and_shows_its_reason_and_phase(full_window, full, start):
    full_window.open_page("control")
    now = full.clock.now_us()
    partial = {"target": 9, "size": 8, "queue": 3, "wait_s": 0.02, "reason": "rate limit"}
    full.jobs.records.put(Job("j-live", "control", "auto", "running", now, partial=partial))
    for k in range(20):
        full.samples.push("j-live", "position", now / 1e6 + k, 10.0 + k)
        full.samples.push("j-live", "velocity", now / 1e6 + k, 1.0 - 0.1 * k)
    spec = {"law": "auto", "mode": "observe"}
    full.control.records.put(Run("r-live", "j-live", "auto", "threadpool", spec=spec, created_us=now))
    full_window.settle()
    page = full_window.page
    page.frame_now()
    assert page._said.text().endswith("· rate limit")
    assert len(page.portrait.at) == 20
    assert page.steer.mode.currentData() == "observe"
    assert not page.steer.end.isHidden()
    assert not page.steer.replay.isHidden()
    page.steer.mode.setCurrentIndex(2)
    page.steer.mode.activated.emit(2)
    page.steer.kill.click()
    assert start.asked[-2:] == [
        ("control.mode", {"id": "r-live", "mode": "apply"}),
        ("control.stop", {"id": "r-live", "kill": True}),
    ]


def test_a_trial_shows_its_effects_and_no_course(full_window, full, start):
    full_window.open_page("control")
    now = full.clock.now_us()
    per = [{"against": "pid", "effect": 0.05, "low": 0.03, "high": 0.07, "verdict": "better"},
           {"against": "static", "effect": 0.0, "low": -0.01, "high": 0.01, "verdict": "no improvement"}]  # fmt: skip
    run = Run("r-trial", "j-none", "Trial", "threadpool", spec={"against": ["pid"]}, result={"per": per, "seeds": 9},
              state="done", created_us=now)  # fmt: skip
    full.control.records.put(run)
    full_window.settle()
    page = full_window.page
    assert page.effects.rows == per
    assert page._said.text() == "Simulated, 9 paired loads · pid: better; static: no improvement"
    assert page._course.isHidden()
    assert page.steer.mode.isHidden()
    assert page.steer.replay.isHidden()
    assert not page.steer.report.isHidden()
    page.effects.grab()
    page.portrait.grab()


def test_a_replay_draws_the_sizes_of_both_models(full_window, full):
    full_window.open_page("control")
    laws = {"auto": {"sizes": [2.0, 4.0, 3.0]}, "pid": {"sizes": [2.0, 2.0, 5.0]}}
    result = {"kind": "simulated", "model": "auto", "against": "pid", "effect": 0.031, "seconds": 3.0, "laws": laws}
    spec = {"run": {}, "model": "auto"}
    full.control.records.put(
        Run("r-if", "j-none", "What if", "r", spec=spec, result=result, state="done", created_us=full.clock.now_us())
    )
    full_window.settle()
    page = full_window.page
    page.frame_now()
    assert not page._replay_card.isHidden()
    assert page.what_if.points == 6
    assert page._said.text() == "Simulated: auto would have cost 3.1\u202f% less than pid"
    worse = {**result, "effect": -0.031, "mode_since_s": 4.0}
    full.control.records.put(
        Run("r-if2", "j-none", "What if", "r", spec=spec, result=worse, state="done", created_us=full.clock.now_us() + 1)
    )
    full_window.settle()
    assert page._said.text() == "Simulated: auto would have cost 3.1\u202f% more than pid · since its mode last changed"


def test_a_run_that_is_over_tells_nothing_as_if_it_were_now(full_window, full):
    full_window.open_page("control")
    now = full.clock.now_us()
    partial = {"target": 9, "size": 8, "queue": 3, "wait_s": 0.02, "reason": "not applied: busy"}
    full.jobs.records.put(Job("j-i", "control", "pid", "interrupted", now, partial=partial))
    spec = {"law": "auto", "mode": "apply"}
    full.control.records.put(Run("r-i", "j-i", "pid", "threadpool", spec=spec, state="interrupted", created_us=now))
    full_window.settle()
    page = full_window.page
    said = "target 9 · size 8 · queue 3 · wait 20\u2009ms · not applied: busy"
    assert page._said.text() == f"when it was last heard: {said}"
    assert page._course.isHidden()
    full.control.records.put(Run("r-f", "j-f", "pid", "threadpool", spec=spec, state="failed", created_us=now + 1))
    full_window.settle()
    assert page._course.isHidden()
    assert page._figures.isHidden()
    series = {"at_s": [0.0, 0.1], "size": [2.0, 3.0], "position": [4.0, 5.0], "velocity": [0.0, 10.0]}
    kept = Run("r-k", "j-k", "pid", "x", spec=spec, result={"ticks": 2, "series": series}, state="done", created_us=now + 2)
    full.control.records.put(kept)
    full_window.settle()
    assert not page._course.isHidden()
    assert page.portrait.at.tolist() == [4.0, 5.0]


def test_a_trial_says_whom_the_automatic_model_gave_way_to_and_a_measured_one_that_it_was_measured(full_window, full):
    full_window.open_page("control")
    now = full.clock.now_us()
    row = {"against": "pid", "effect": 0.0, "low": 0.0, "high": 0.0, "verdict": "no improvement"}
    result = {"kind": "simulated", "model": "auto", "picked": {"law": "pid"}, "per": [row], "seeds": 8}
    spec = {"model": "auto", "against": ["pid"]}
    full.control.records.put(Run("r-t", "j-t", "trial", "x", spec=spec, result=result, created_us=now))
    full_window.settle()
    page = full_window.page
    assert page._said.text().endswith("auto gave way to pid, which did better on the tuning loads.")
    measured = {"kind": "measured", "model": "auto", "per": [row], "blocks": 30, "resource": "threadpool"}
    full.control.records.put(Run("r-m", "j-m", "blocks", "x", spec=spec, result=measured, created_us=now + 1))
    full_window.settle()
    assert page._said.text().startswith("Measured on a real threadpool, 30 paired blocks")


def test_bytes_have_their_unit_and_no_replay(full_window, full):
    full_window.open_page("control")
    now = full.clock.now_us()
    spec = {"law": "auto", "mode": "apply", "resource": "socket"}
    result = {"ticks": 10, "tasks": 5, "mean_size": 65536.0, "unit": "bytes"}
    full.control.records.put(Run("r-b", "j-b", "auto on socket", "socket", spec=spec, result=result, created_us=now))
    full_window.settle()
    page = full_window.page
    assert page.plots[0].title == "Target and size, bytes"
    assert "mean size 64 KiB · " in page._said.text()
    assert page.steer.replay.isHidden()


def test_a_tuning_says_what_it_found_and_hands_it_on(full_window, full, start):
    full_window.open_page("control")
    now = full.clock.now_us()
    spec = {"model": "auto", "resource": "threadpool"}
    result = {
        "accepted": True,
        "verdict": "better",
        "effect": 0.053,
        "law": "pid",
        "model": "auto",
        "settings": {"kp": 0.51234},
    }
    full.control.records.put(Run("r-found", "j-none", "Tuning", "t", spec=spec, result=result, state="done", created_us=now))
    full_window.settle()
    page = full_window.page
    assert page._said.text() == (
        "Simulated, on loads the search has not seen: 5.3\u202f% less cost than before · accepted · "
        "auto gave way to pid, which did better on the tuning loads."
    )
    assert page._peer.text() == "Settings found: kp 0.5123"
    assert page._course.isHidden()
    assert not page.steer.use.isHidden()
    assert not page.steer.confirm.isHidden()
    refused = {**result, "accepted": False, "effect": 0.001}
    full.control.records.put(Run("r-not", "j-none", "Tuning", "t", spec=spec, result=refused, state="done", created_us=now + 1))
    full_window.settle()
    assert "refused, the interval shows no improvement" in page._said.text()
    assert page.steer.use.isHidden()
    assert page.steer.confirm.isHidden()


def test_a_tuning_is_asked_from_its_form(window, start):
    window.open_page("control")
    window.page.tuning.fill({"candidates": 5})
    window.page.tuning.submit()
    name, args = start.asked[-1]
    assert (name, args["model"], args["candidates"]) == ("control.tune", "auto", 5)


def test_the_mode_shown_is_the_one_in_force_not_the_one_asked_for(full_window, full):
    full_window.open_page("control")
    now = full.clock.now_us()
    partial = {"target": 9, "size": 8, "queue": 3, "wait_s": 0.02, "mode": "observe"}
    full.jobs.records.put(Job("j-mode", "control", "auto", "running", now, partial=partial))
    spec = {"law": "auto", "mode": "apply"}
    full.control.records.put(Run("r-mode", "j-mode", "auto", "threadpool", spec=spec, created_us=now))
    full_window.settle()
    page = full_window.page
    assert page.steer.mode.currentData() == "observe"
    assert page.cards.cards["r-mode"].mode.currentData() == "observe"
    full.jobs.records.put(Job("j-mode", "control", "auto", "running", now, partial={**partial, "mode": "recommend"}))
    full_window.settle()
    page.cards.tell()
    page.shown()
    assert page.cards.cards["r-mode"].mode.currentData() == "recommend"
    assert page.steer.mode.currentData() == "recommend"
    ended = {"ticks": 10, "mode": "recommend"}
    full.control.records.put(
        Run("r-over", "j-over", "auto", "threadpool", spec=spec, result=ended, state="done", created_us=now + 1)
    )
    full_window.settle()
    assert page.steer.mode.currentIndex() == -1  # nothing is in force any more
