"""States: shape, colour and word together."""

import pytest

from app.engine.fleet.health import Health
from app.engine.jobs import records
from app.views.widgets.state import Badge, shape_of, state_text, token_of, words


@pytest.mark.parametrize("state", [*records.NEXT, "online", "suspect", "offline", "maintenance", "unknown"])
def test_every_state_has_a_word(state):
    assert words()[state]


def test_the_states_that_matter_differ_in_shape_and_in_colour():
    states = ["online", "suspect", "offline", "unknown", "running", "simulated"]
    assert len({shape_of(state) for state in states}) == len(states)
    assert len({token_of(state) for state in states}) == len(states)


def test_an_unknown_state_is_shown_as_old_and_in_its_own_word():
    assert state_text("quantum") == "◌ quantum"
    assert token_of(str(Health.UNKNOWN)) == "stale"


def test_a_badge_says_its_state_with_its_age(qtbot):
    badge = Badge("online")
    qtbot.addWidget(badge)
    badge.show_state("offline", "as of 12 s ago")
    assert badge.text() == "■ offline · as of 12 s ago"
    assert badge.accessibleName() == "offline as of 12 s ago"
    assert badge.property("tint") == "bad"
