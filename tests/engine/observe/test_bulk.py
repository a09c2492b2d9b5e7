"""Bulk actions: the jobs of one cause are one item, whatever their number."""

from dataclasses import replace

from app.engine.base.records import Records
from app.engine.jobs.records import Job
from app.engine.observe.bulk import Items, items, members

JOBS = [
    Job(f"j{n}", "update", f"Update node {n}", state, 10 + n, 20 + n, 30 + n if state in ("done", "failed") else 0, done, 10.0, "s",
        cause="c", actor="ada@1", error={"detail": "no room"} if state == "failed" else None)
    for n, (state, done) in enumerate([("done", 10.0), ("failed", 3.0), ("running", 5.0), ("queued", 0.0)])
]  # fmt: skip
ALONE = Job("k", "qubo", "Solve", cause="other")


def test_jobs_of_one_cause_are_one_item_and_a_lone_job_is_itself():
    one, other = items([*JOBS, ALONE])
    assert other is ALONE
    assert (one.title, one.state, one.done, one.total) == ("Update node 0 and 3 more", "running", 2.5, 4.0)
    assert one.error == {"detail": "1 of 4 failed: no room"}
    assert (one.created_us, one.started_us, one.ended_us) == (10, 20, 0)


def test_it_ends_with_its_last_job_and_says_the_worst():
    ended = [replace(job, state="failed" if job.state == "failed" else "done", ended_us=40 + n) for n, job in enumerate(JOBS)]
    (one,) = items(ended)
    assert (one.state, one.ended_us, one.done) == ("failed", 43, 4.0)
    (fine,) = items([replace(job, state="done", ended_us=1, error=None) for job in JOBS])
    assert (fine.state, fine.error) == ("done", None)


def test_an_item_leads_back_to_its_jobs():
    (one, _other) = items([*JOBS, ALONE])
    assert members([*JOBS, ALONE], one.id) == JOBS
    assert members([*JOBS, ALONE], "k") == [ALONE]


def test_jobs_without_a_cause_or_of_different_kinds_stay_apart():
    plain = [replace(job, cause="") for job in JOBS]
    assert items(plain) == plain
    assert len(items([JOBS[0], replace(ALONE, cause="c")])) == 2


def test_items_keep_in_step_with_the_jobs():
    jobs = Records(lambda job: job.id, "job")
    jobs.put(ALONE)
    kept = Items(jobs)
    told = []
    kept.records.watch(told.append)
    jobs.put(JOBS[0])
    assert [one.id for one in kept.records] == ["k", "j0"]
    jobs.put(JOBS[1])
    assert [one.id for one in kept.records] == ["k", "bulk:update:c"]
    assert (kept.item_of("j1"), kept.item_of("k"), kept.members("bulk:update:c")) == ("bulk:update:c", "k", JOBS[:2])
    jobs.put(replace(JOBS[0], state="running", ended_us=0))
    assert told[-1].changed[0].id == "bulk:update:c"
    jobs.discard("k")
    assert [one.id for one in kept.records] == ["bulk:update:c"]
    kept.stop()
    jobs.put(ALONE)
    assert len(kept.records) == 1
