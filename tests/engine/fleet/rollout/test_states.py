import re
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.engine.base.errors import Conflict
from app.engine.fleet.rollout.manual import page
from app.engine.fleet.rollout.states import BAD, FETCHING, GONE, GOOD, INSTALLING, MACHINES, MOVING, NODE, READY

MANUAL = Path(__file__).parents[4] / "docs" / "rollouts.md"
each = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)


@each
def test_no_event_leads_two_ways_from_one_state(machine):
    pairs = [(before, event) for before, event, _ in machine.rows]
    assert len(pairs) == len(set(pairs))


@each
def test_every_state_is_reached_from_the_first_and_leads_to_an_end(machine):
    after = {state: {b for a, _, b in machine.rows if a == state} for state in machine.states}

    def reach(state, seen=frozenset()):
        found = set(seen) | {state}
        for following in after[state] - found:
            found |= reach(following, frozenset(found))
        return found

    assert reach(machine.initial) == set(machine.states)
    assert machine.ends <= set(machine.states)
    assert [state for state in machine.states if not reach(state) & machine.ends] == []


@each
def test_the_manual_shows_the_machine_as_it_is(machine):
    assert machine.picture() in MANUAL.read_text("utf-8")
    assert MANUAL.read_text("utf-8") == page()


def test_the_words_of_a_node_are_all_of_its_states():
    words = {*FETCHING, *READY, *INSTALLING, *MOVING, *GOOD, *BAD, *GONE, "queued", "unknown", "cancel_rejected"}
    assert words == set(NODE.states)
    assert all(re.fullmatch(r"[a-z_]+", state) for state in words)


def test_unknown_is_no_failure_and_a_failed_rollback_is_left_to_a_person():
    assert "unknown" not in BAD
    assert "unknown" not in NODE.ends
    assert {event for before, event, _ in NODE.rows if before == "rollback_failed"} == {"retry"}


def test_what_cannot_happen_is_a_conflict():
    with pytest.raises(Conflict, match="succeeded cannot download"):
        NODE.step("succeeded", "download")


class Life(RuleBasedStateMachine):
    """Any events in any order: only what the rows say happens, and what answered is never asked to go back."""

    def __init__(self):
        super().__init__()
        self.state, self.before = NODE.initial, None

    @rule(event=st.sampled_from(NODE.events))
    def happen(self, event):
        self.before = self.state
        if NODE.allows(self.state, event):
            self.state = NODE.step(self.state, event)
        else:
            with pytest.raises(Conflict):
                NODE.step(self.state, event)

    @invariant()
    def success_is_final(self):
        assert self.state in NODE.states
        if self.before in GOOD:
            assert self.state == self.before

    @invariant()
    def traffic_comes_only_after_a_warm_up(self):
        if self.state == "activated":
            assert self.before in ("warming", "activated", None)


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestLife = Life.TestCase
