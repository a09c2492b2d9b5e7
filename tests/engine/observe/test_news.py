"""News: alike things counted together; what runs, and what a job already says, is no news."""

from app.engine.observe.news import grouped


def entry(kind, what, state, object_="x", *, cause="", at=0):
    return {"id": f"{at}", "at_us": at, "kind": kind, "what": what, "title": what, "state": state, "object_kind": kind,
            "object": object_, "object_name": object_, "actor": "", "cause": cause, "detail": "", "took_s": None}  # fmt: skip


def test_alike_things_are_one_line_with_a_few_names():
    entries = [entry("event", "node.state_changed", "offline", f"node {n}", at=9 - n) for n in range(5)]
    (item,) = grouped([*entries, entry("event", "node.state_changed", "offline", "node 0")])
    assert (item["count"], item["objects"], item["more"], item["last_us"]) == (6, ["node 0", "node 1", "node 2"], 2, 9)
    assert (item["object_kind"], item["object"]) == ("event", "node 0")


def test_a_command_that_a_job_speaks_for_and_what_still_runs_are_left_out():
    entries = [
        entry("job", "qubo", "done", cause="c1"), entry("command", "qubo.solve", "done", cause="c1"), entry("job", "qubo", "running"),
        entry("event", "engine.started", ""), entry("command", "fleet.demo", "done", cause="c2"),
    ]  # fmt: skip
    assert [(item["what"], item["state"]) for item in grouped(entries)] == [("qubo", "done"), ("fleet.demo", "done")]
