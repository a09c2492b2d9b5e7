"""Learning: rounds live and afterwards, and what each node gave."""

from dataclasses import replace

from app.engine.learning.trials import STORE_FILE, folder_of
from app.views.shell.forms import CommandForm


def test_a_running_training_shows_rounds_and_nodes(full_window):
    full_window.open_page("learning")
    full_window.settle()
    page = full_window.page
    assert page._figure.text() == "91\u2009%"
    assert page._said.text() == "of the test examples after 6 rounds"
    assert page.accuracy.points == page.loss.points == 6
    table = page.nodes.model
    assert [(table.record_at(row).name, table.record_at(row).state) for row in range(3)] == [
        ("node-01", "done"), ("node-02", "done"), ("node-06", "late"),
    ]  # fmt: skip
    assert not page.export.isEnabled()
    assert page.examples.twin().rows == [("node-01", "done", 143), ("node-02", "done", 240), ("node-06", "late", "")]
    assert page.losses.accessibleDescription() == "node-01 0.210; node-02 0.300; node-06 –"
    assert page.loss.axis is page.accuracy.axis
    assert page._waits.text() == "Waiting for node-06"
    assert page.nodes.model.record_at(2).rejected == 2
    assert page.updates.norms.twin().rows == [("node-01", "done", 0.41), ("node-02", "suspect", 2.9)]
    assert page.updates.drifts.twin().rows == [("node-01", "done", 0.4), ("node-02", "suspect", 2.1)]
    assert page.updates.said == "Clients pull apart by 35\u2009%. Far from the others: node-02."
    assert [page.verbs[name].isEnabled() for name in ("pause", "resume", "stop")] == [True, False, True]


def test_nothing_can_be_done_with_a_run_while_there_is_none(window):
    window.open_page("learning")
    page = window.page
    assert not any(button.isEnabled() for button in (page.export, page.drill, *page.verbs.values()))


def test_a_session_is_paused_stopped_and_gone_on_with(full_window, full, start):
    full.settings.set("view.hold_s", 0)
    full_window.open_page("learning")
    page = full_window.page
    page.verbs["pause"].click()
    page.verbs["stop"].click()
    run, job = full.learning.records.need("r-train"), full.jobs.records.need("j-train")
    full.jobs.records.put(replace(job, state="done"))
    full.learning.records.put(replace(run, state="paused"))
    page.shown()
    assert [page.verbs[name].isEnabled() for name in ("pause", "resume", "stop")] == [False, True, False]
    page.verbs["resume"].click()
    asked = [one for one in start.asked if one[0] in ("learning.pause", "learning.stop", "learning.resume")]
    assert asked == [(f"learning.{verb}", {"run": "r-train"}) for verb in ("pause", "stop", "resume")]


def test_a_session_of_another_console_is_taken_over_only_when_that_is_said(full_window, full):
    full.jobs.records.discard("j-train")
    full_window.open_page("learning")
    page = full_window.page
    assert [page.verbs[name].isEnabled() for name in ("pause", "resume", "stop")] == [False, True, True]
    page.verbs["stop"].click()
    (form,) = [one for one in full_window.findChildren(CommandForm) if one.row.id == "learning.stop" and one.isVisible()]
    assert (form.given()["run"], form.row.take(form.given())["take_over"]) == ("r-train", True)


def test_the_forms_say_what_a_run_will_take(full_window, start):
    full_window.open_page("learning")
    page = full_window.page
    live, simulated, tuned = page.forecasts
    assert [args.get("clients", 0) for name, args in start.asked if name == "learning.forecast"][:2] == [0, 100]
    told = {"clients": 6, "asked": 6, "round_bytes": 115_680, "bytes": 1_735_200, "round_s": 0.2, "time_s": 3.0, "seen": 0}
    told["bytes_are"] = "exact"
    live.tell(told)
    assert live.text() == (
        "Forecast: 6 asked a round, 113\u2009KiB a round and 1.7\u2009MiB in all, about 3.0\u2009s (assumed; no run has been seen)."
    )
    simulated.tell({**told, "seen": 40})
    assert "by 40 earlier rounds" in simulated.text()
    for how, words in (("most", "at most that."), ("mean", "on average."), ("answer", "when all nodes answer at once.")):
        live.tell({**told, "bytes_are": how})
        assert live.text().endswith(words)
    live.tell({**told, "clients": 0})
    assert live.text() == "No nodes are chosen."
    page.simulate.fill({"clients": "many"})
    simulated.refresh()
    assert simulated.text() == ""
    page.tune.fill({"nodes": "all", "lrs": "0.1, 0.2,", "epochs": "1,2,9", "batches": "16", "keep": "2"})
    tuned.refresh()
    args = [args for name, args in start.asked if name == "learning.forecast"][-1]
    assert {name: args[name] for name in ("clients", "nodes", "rounds", "settings", "keep", "epochs")} == {
        "clients": 0, "nodes": "all", "rounds": 27, "settings": 6, "keep": 2, "epochs": 2,
    }  # fmt: skip
    tuned.tell(told)
    page.tune.fill({"lrs": ",".join(map(str, range(1, 202)))})
    tuned.refresh()
    assert tuned.text() == ""


def test_a_tuning_over_nodes_says_what_it_tries_and_what_has_moved(full_window, full):
    job = full.jobs.records.need("j-train")
    partial = {
        "tries": {"learning_rate": 0.2, "epochs": 1},
        "bytes": 2048,
        "nodes": job.partial["nodes"],
        "waits": "",
        "best": {},
    }
    full.jobs.records.put(replace(job, partial=partial))
    full_window.open_page("learning")
    assert full_window.page._said.text() == "trying learning_rate 0.2, epochs 1; 2.0\u2009KiB moved before it"


def test_another_run_is_put_beside_the_one_shown(full_window, full, start):
    full.learning.records.put(replace(full.learning.records.need("r-train"), id="r-b", title="North", created_us=1))
    full_window.open_page("learning")
    page = full_window.page
    page.pick("r-train")
    choice = page.comparison.choice
    assert [choice.itemText(at) for at in range(choice.count())] == ["nothing", "North"]
    figures = {
        "source": "live nodes", "state": "done", "rounds": 3, "final_accuracy": 0.9, "best_accuracy": 0.92, "bytes": 2048,
        "rounds_to": {"0.8": 1, "0.9": 3, "0.95": None}, "cpu_s": 1.0, "time_s": 2.0, "accuracy": [0.1, 0.8, 0.9],
    }  # fmt: skip
    start.answers["learning.compare"] = {
        "runs": [{**figures, "id": "r-train", "title": "Train"}, {**figures, "id": "r-b", "title": "North"}],
        "differs": {"mu": [None, 0.1]},
    }
    choice.setCurrentIndex(1)
    choice.activated.emit(1)
    assert start.asked[-1] == ("learning.compare", {"runs": "r-train,r-b"})
    assert [row.differs for row in page.comparison.rows] == ["mu –", "mu 0.1"]
    full_window.settle()
    assert page.accuracy.points == 6 + 3
    page.pick("r-b")
    assert len(page.comparison.rows) == 0


def test_a_session_under_way_is_drilled_watched_and_let_be(full_window, full, start):
    full_window.open_page("learning")
    page = full_window.page
    page.drill.click()
    (form,) = [one for one in full_window.findChildren(CommandForm) if one.row.id == "learning.drill" and one.isVisible()]
    given = form.given()
    assert (given["run"], given["attack"], given["rounds"]) == ("r-train", "sign-flip", "3")
    job = full.jobs.records.need("j-train")
    drill = {"attack": "ipm", "nodes": ["node-01", "node-02"], "rounds": 2}
    full.jobs.records.put(replace(job, partial={**job.partial, "drill": drill}))
    page.shown()
    assert page._waits.text() == "Drill: ipm by node-01, node-02, rounds left: 2 · Waiting for node-06"
    assert page.drill.text() == "End the drill"
    page.drill.click()
    assert start.asked[-1] == ("learning.drill", {"run": "r-train", "attack": "none"})
    full.jobs.records.put(replace(job, partial={**job.partial, "drill": {**drill, "attack": "dropout"}}))
    page.shown()
    assert page._waits.text().startswith("Drill: lost are node-01, node-02, rounds left: 2")
    full.jobs.records.put(replace(job, state="done"))
    page.shown()
    assert (page.drill.text(), page._waits.text()) == ("Drill", "")


def test_a_drill_repeats_the_run_with_an_attack_from_its_middle(full_window, full):
    full.jobs.records.put(replace(full.jobs.records.need("j-train"), state="done"))
    full.learning.records.put(
        replace(full.learning.records.need("r-train"), spec={"rounds": 8, "nodes": ["a"] * 10, "learning_rate": 0.3, "seed": 4})
    )
    full_window.open_page("learning")
    full_window.page.drill.click()
    (form,) = [one for one in full_window.findChildren(CommandForm) if one.row.id == "learning.simulate" and one.isVisible()
               and one is not full_window.page.simulate]  # fmt: skip
    given = form.given()
    asked = {name: str(given[name]) for name in ("clients", "rounds", "lr", "attack", "attackers", "drill_round")}
    assert asked == {"clients": "10", "rounds": "8", "lr": "0.3", "attack": "sign-flip", "attackers": "2", "drill_round": "4"}


def test_a_drill_of_a_buffered_session_leaves_out_what_only_rounds_have(full_window, full):
    full.jobs.records.put(replace(full.jobs.records.need("j-train"), state="done"))
    spec = {"rounds": 8, "nodes": ["a"] * 10, "algorithm": "fedbuff", "deadline_s": 30.0, "selection": "adaptive"}
    full.learning.records.put(replace(full.learning.records.need("r-train"), spec=spec))
    full_window.open_page("learning")
    full_window.page.drill.click()
    (form,) = [one for one in full_window.findChildren(CommandForm) if one.row.id == "learning.simulate" and one.isVisible()
               and one is not full_window.page.simulate]  # fmt: skip
    given = form.given()
    assert [str(given[name]) for name in ("algorithm", "deadline_s", "selection")] == ["fedbuff", "0", "random"]


def test_a_tuning_shows_its_settings_from_the_best_on(full_window, full):
    trials = [{"learning_rate": rate, "epochs": 2, "rounds": 9, "accuracy": 0.9, "loss": 0.2} for rate in (0.2, 0.1)]
    result = {"trials": trials, "stages": [], "rounds_held": 20, "rounds_whole": 54, "final_accuracy": 0.93}
    run = full.learning.records.need("r-train")
    full.learning.records.put(replace(run, id="r-tune", job_id="gone", source="tuning", result=result, state="done",
                                      created_us=run.created_us + 1))  # fmt: skip
    full_window.open_page("learning")
    full_window.settle()
    page = full_window.page
    assert page._said.text() == "of the test examples with the best of 2 settings, found in 20 rounds instead of 54"
    assert [page._trials.need(key).setting for key in ("1", "2")] == [
        "learning_rate 0.2, epochs 2",
        "learning_rate 0.1, epochs 2",
    ]
    assert not page.export.isEnabled()
    tuned = full.learning.records.need("r-tune")
    for state, spec, again, told in (
        ("interrupted", {"nodes": ["a"]}, False, "nothing of it is left"),
        ("interrupted", {"nodes": ["a"]}, True, "Resume goes on after the rounds that it held"),
        ("failed", {"nodes": ["a"]}, True, "Resume goes on after the rounds that it held"),
        ("cancelled", {"nodes": ["a"]}, False, ""),
        ("interrupted", {}, False, "simulated clients, of which nothing is kept"),
    ):
        full.learning.records.put(replace(tuned, state=state, spec=spec))
        page.shown()
        assert ("is kept" in page.bar.cancel.toolTip()) is not bool(spec)  # over nodes nothing stays of one that is cancelled
        assert page.verbs["resume"].isEnabled() is again
        assert told in page._waits.text()
        assert bool(told) == bool(page._waits.text())
        store = folder_of(full.home, "r-tune") / STORE_FILE
        store.parent.mkdir(parents=True, exist_ok=True)
        store.touch()


def test_a_run_of_an_earlier_day_shows_its_rounds(full_window, full):
    run = full.learning.records.need("r-train")
    rounds = [{"round": at + 1, "accuracy": 0.1 * at, "loss": 2.0 - at / 10, "cpu_s": 0.1} for at in range(9)]
    result = {"rounds": rounds, "final_accuracy": 0.8, "clients": 100, "idle_rounds": 2, "backdoor_ratio": 0.9}
    full.jobs.records.discard("j-train")
    full.learning.records.put(
        replace(run, id="r-old", job_id="j-gone", result=result, state="done", created_us=run.created_us + 1)
    )
    full_window.open_page("learning")
    full_window.settle()
    page = full_window.page
    assert page._figure.text() == "80\u2009%"
    assert page._said.text() == (
        "of the test examples after 9 rounds with 100 simulated clients · 2 rounds with too few updates for the aggregator"
        " · the backdoor turns 90\u2009% of other classes"
    )
    assert page.accuracy.points == 9
    assert page.export.isEnabled()
    assert not page.tabs.isTabVisible(0)


def test_it_is_said_how_clients_with_models_of_their_own_are_served(full_window, full):
    run = full.learning.records.need("r-train")
    rounds = [{"round": 1, "accuracy": 0.1, "loss": 2.0, "cpu_s": 0.1}]
    served = {"global_mean": 0.1, "global_low": 0.02}
    result = {"rounds": rounds, "final_accuracy": 0.1, "clients": 9, "served": served}
    full_window.open_page("learning")
    page = full_window.page
    begins = "of the test examples after 1 rounds with 9 simulated clients"
    own = (
        "clients with models of their own: 94\u2009%, the worst served tenth at most 81\u2009%; "
        "with the common one 10\u2009%, 2\u2009%"
    )
    for algorithm, more, told in (
        ("fedavg", {}, [begins]),
        ("ditto", {"own_mean": 0.94, "own_low": 0.81}, [begins, own]),
        (
            "fedper",
            {"own_mean": 0.94, "own_low": 0.81},
            [begins, "that is the common model, whose last layer nobody trains", own],
        ),
    ):
        told_run = replace(
            run, id=f"r-{algorithm}", job_id="gone", state="done", spec={"algorithm": algorithm},
            result={**result, "served": {**served, **more}},
        )  # fmt: skip
        full.learning.records.put(told_run)
        page.pick(told_run.id)
        assert page._said.text() == " · ".join(told)


def test_a_session_that_broke_off_shows_the_rounds_that_it_had_committed(full_window, full, start):
    run = full.learning.records.need("r-train")
    full.jobs.records.discard("j-train")
    parts = [{"name": "node-01", "state": "done", "examples": 143, "loss": 0.2}, {"name": "node-06", "state": "late"}]
    rounds = [{"round": at + 1, "accuracy": 0.1 * at, "loss": 2.0 - at / 10, "cpu_s": 0.1, "parts": parts} for at in range(9)]
    start.answers["learning.show"] = {"id": "r-bad", "rounds": rounds}
    full.learning.records.put(
        replace(run, id="r-bad", job_id="j-gone", result=None, state="failed", created_us=run.created_us + 1)
    )
    full_window.open_page("learning")
    full_window.settle()
    page = full_window.page
    assert page._figure.text() == "80\u2009%"
    assert page._said.text() == "of the test examples after 9 rounds"
    assert page.accuracy.points == page.loss.points == 9
    assert page.examples.twin().rows == [("node-01", "done", 143), ("node-06", "late", "")]
    assert page.export.isEnabled()
    assert page.verbs["resume"].isEnabled()
    assert [name for name, _ in start.asked].count("learning.show") == 1


def test_exporting_opens_its_form_for_the_shown_run(full_window, full):
    full_window.open_page("learning")
    full.learning.records.put(replace(full.learning.records.need("r-train"), state="done"))
    full_window.page.shown()
    full_window.page.export.click()
    assert full_window.inspector.isVisible()


def test_training_and_simulation_start_from_their_forms(window, engine, start):
    engine.settings.set("view.hold_s", 0)
    window.open_page("learning")
    window.page.train.fill({"rounds": 3})
    window.page.train.submit()
    window.page.simulate.submit()
    assert start.names()[-2:] == ["learning.train", "learning.simulate"]
    assert start.asked[-2][1]["rounds"] == 3
