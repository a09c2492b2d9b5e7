from app.engine.fleet.rollout.states import MACHINES
from app.engine.fleet.rollout.words import word_of, words


def test_every_state_has_a_word_and_no_word_is_left_over():
    states = {state for machine in MACHINES for state in machine.states}
    assert states | {"offline", "maintenance"} == set(words())


def test_a_state_of_a_newer_console_stands_for_itself():
    assert word_of("rolled_back") == "went back"
    assert word_of("brand_new") == "brand new"
