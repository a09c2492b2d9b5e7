import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import Bug
from app.engine.jobs.records import CANCELLING, FINISHED, LIVE, NEXT, QUEUED, RUNNING, Job, advance, outcome_of

STATES = sorted(NEXT)


@given(st.lists(st.sampled_from(STATES), max_size=8))
def test_no_sequence_of_moves_leaves_a_finished_state_or_skips_the_machine(moves: list[str]) -> None:
    job = Job("1", "k", "t", created_us=1)
    for at_us, state in enumerate(moves, 2):
        before = job
        try:
            job = advance(job, state, at_us)
        except Bug:
            assert state not in NEXT[before.state]
        else:
            assert state in NEXT[before.state]
            assert not before.finished
        assert job.finished == (job.ended_us > 0) == (job.state in FINISHED)
        assert (job.started_us > 0) == (job.started_us >= 2)


def test_every_state_can_be_reached_and_every_live_one_can_end() -> None:
    reached, edge = {QUEUED}, {QUEUED}
    while edge:
        edge = {after for state in edge for after in NEXT[state]} - reached
        reached |= edge
    assert reached == set(NEXT) == FINISHED | LIVE
    assert all(NEXT[state] & FINISHED for state in LIVE)


def test_moves_carry_their_times_and_fields() -> None:
    job = advance(Job("1", "k", "t"), RUNNING, 5)
    assert job.started_us == 5
    job = advance(advance(job, CANCELLING, 6), "cancelled", 7, error={"type": "cancelled"})
    assert (job.started_us, job.ended_us, job.error) == (5, 7, {"type": "cancelled"})
    with pytest.raises(Bug, match="from cancelled to running"):
        advance(job, RUNNING, 8)


def test_an_outcome_tells_what_cannot_be_from_what_was_not_found() -> None:
    no = {"feasible": False}
    assert [outcome_of("done", result) for result in (None, {"feasible": True}, no)] == ["done", "done", "unanswered"]
    assert [outcome_of(state, no) for state in ("running", "failed", "cancelled")] == ["running", "infeasible", "cancelled"]
    assert outcome_of("failed", None, {"type": "infeasible"}) == "infeasible"
    assert outcome_of("failed", None, {"type": "bad-input"}) == "failed"
    assert Job("j", "qubo", "t", "done", result=no).outcome == "unanswered"
