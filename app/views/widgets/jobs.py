"""Jobs in tables: the columns that the Activity dock and the Activity page share, and what is said of one job."""

from functools import partial

from app.engine.base.clock import Clock
from app.engine.base.text import tr
from app.engine.base.units import number_text, ratio_text, span_text
from app.engine.jobs.records import LIVE, Job
from app.views.widgets.columns import Column
from app.views.widgets.state import state_text, token_of


def ratio_of(job: Job) -> float | None:
    """Return how far a running job is, 0 to 1, or None when that is unknown."""
    return min(1.0, job.done / job.total) if job.total > 0 and job.state in LIVE else None


def progress_text(job: Job) -> str:
    """Return how far a job is in its own unit."""
    if job.state not in LIVE:
        return ""
    if job.state == "queued":
        return tr("waiting for a free worker")
    if job.total <= 0:
        return tr("{done} {unit}", done=number_text(job.done, "g"), unit=job.unit) if job.done else tr("starting")
    ratio = ratio_text(job.done / job.total)
    counted = bool(job.unit) and float(job.total).is_integer() and float(job.done).is_integer()
    if not counted:
        return ratio
    return tr(
        "{ratio} · {done} of {total} {unit}",
        ratio=ratio,
        done=number_text(job.done, "g"),
        total=number_text(job.total, "g"),
        unit=job.unit,
    )


def ago_text(clock: Clock, at_us: int | None) -> str:
    """Return how long ago `at_us` was; an en dash for never."""
    if not at_us:
        return "–"
    past_s = (clock.now_us() - at_us) / 1e6
    return tr("now") if past_s < 1 else tr("{span} ago", span=span_text(past_s))


def took_s(clock: Clock, job: Job) -> float | None:
    """Return how many seconds a job has run, or ran; None before it began."""
    return max(0.0, ((job.ended_us or clock.now_us()) - job.started_us) / 1e6) if job.started_us else None


def outcome_text(job: Job) -> str:
    """Return what went wrong with a job, or how far it is."""
    if job.error:
        return str(job.error.get("detail", ""))
    return progress_text(job)


def job_columns(clock: Clock) -> list[Column[Job]]:
    """Return the columns of a table of jobs; `progress` holds the ratio and `cancel` the words that cancel."""
    return [
        Column("state", tr("State"), lambda job: job.outcome, state_text, 104, token=lambda job: token_of(job.outcome)),
        Column("title", tr("Job"), lambda job: job.title, width=250),
        Column("progress", tr("Progress"), ratio_of, width=220, say=outcome_text),
        Column("cancel", "", _cancel_word, width=76, token=lambda _job: "accent"),
        Column("took", tr("Time"), lambda job: took_s(clock, job), span_text, 64, right=True, live=True),
        Column("created", tr("Started"), lambda job: job.created_us, partial(ago_text, clock), 92, right=True, live=True),
        Column("actor", tr("By"), lambda job: job.actor, width=120),
    ]


def _cancel_word(job: Job) -> str:
    return tr("✕ Cancel") if job.state in ("queued", "running") else ""
