"""What tables say of jobs."""

from dataclasses import replace

from app.engine.base.clock import ManualClock
from app.engine.jobs.records import Job
from app.views.widgets.jobs import ago_text, job_columns, outcome_text, progress_text, ratio_of, took_s

JOB = Job("j", "qubo", "Solve", "running", started_us=1_000_000, done=3, total=15, unit="rounds")


def test_progress_is_told_in_the_jobs_own_unit():
    assert progress_text(JOB) == "20\u2009% · 3 of 15 rounds"
    assert progress_text(replace(JOB, done=2.5, total=5, unit="s")) == "50\u2009%"
    assert progress_text(replace(JOB, done=0, total=0)) == "starting"
    assert progress_text(replace(JOB, done=7, total=0)) == "7 rounds"
    assert progress_text(replace(JOB, state="queued")) == "waiting for a free worker"
    assert progress_text(replace(JOB, state="done")) == ""
    assert ratio_of(replace(JOB, done=99)) == 1.0
    assert ratio_of(replace(JOB, state="done")) is None


def test_a_failure_tells_its_reason():
    assert outcome_text(replace(JOB, state="failed", error={"detail": "no such file"})) == "no such file"


def test_times_are_told_by_the_clock_handed_in():
    clock = ManualClock(4_000_000)
    assert took_s(clock, JOB) == 3.0
    assert took_s(clock, replace(JOB, ended_us=2_000_000)) == 1.0
    assert took_s(clock, replace(JOB, started_us=0)) is None
    assert ago_text(clock, 1_000_000) == "3.0\u2009s ago"
    assert (ago_text(clock, 0), ago_text(clock, 4_000_000)) == ("–", "now")


def test_only_a_job_that_can_be_cancelled_offers_it():
    cancel = next(column for column in job_columns(ManualClock()) if column.key == "cancel")
    assert [bool(cancel.write(replace(JOB, state=state))) for state in ("queued", "running", "cancelling", "done")] == [
        True, True, False, False,
    ]  # fmt: skip
