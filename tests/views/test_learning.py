"""Learning: rounds live and afterwards, and what each node gave."""

from dataclasses import replace


def test_a_running_training_shows_rounds_and_nodes(full_window):
    full_window.open_page("learning")
    full_window.settle()
    page = full_window.page
    assert page._figure.text() == "91\u2009%"
    assert page._said.text() == "of the test digits after 6 rounds"
    assert page.accuracy.points == page.loss.points == 6
    table = page.nodes.model
    assert [(table.record_at(row).name, table.record_at(row).state) for row in range(3)] == [
        ("node-01", "done"), ("node-02", "done"), ("node-06", "late"),
    ]  # fmt: skip
    assert not page.export.isEnabled()
    assert page.examples.twin().rows == [("node-01", "done", 143), ("node-02", "done", 240), ("node-06", "late", "")]
    assert page.losses.accessibleDescription() == "node-01 0.210; node-02 0.300; node-06 –"
    assert page.loss.axis is page.accuracy.axis


def test_a_run_of_an_earlier_day_shows_its_rounds(full_window, full):
    run = full.learning.records.need("r-train")
    rounds = [{"round": at + 1, "accuracy": 0.1 * at, "loss": 2.0 - at / 10, "cpu_s": 0.1} for at in range(9)]
    result = {"rounds": rounds, "final_accuracy": 0.8, "clients": 100}
    full.jobs.records.discard("j-train")
    full.learning.records.put(
        replace(run, id="r-old", job_id="j-gone", result=result, state="done", created_us=run.created_us + 1)
    )
    full_window.open_page("learning")
    full_window.settle()
    page = full_window.page
    assert page._figure.text() == "80\u2009%"
    assert page._said.text() == "of the test digits after 9 rounds with 100 simulated clients"
    assert page.accuracy.points == 9
    assert page.export.isEnabled()
    assert not page._nodes_card.isVisible()


def test_exporting_opens_its_form_for_the_shown_run(full_window, full):
    full_window.open_page("learning")
    full.learning.records.put(replace(full.learning.records.need("r-train"), state="done"))
    full_window.page.shown()
    full_window.page.export.click()
    assert full_window.inspector.isVisible()


def test_training_and_simulation_start_from_their_forms(window, start):
    window.open_page("learning")
    window.page.train.fill({"rounds": 3})
    window.page.train.submit()
    window.page.simulate.submit()
    assert start.names()[-2:] == ["learning.train", "learning.simulate"]
    assert start.asked[-2][1]["rounds"] == 3
