"""Shared text: two who write in one text both keep what they wrote, in whatever order the changes come."""

from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.sync import sequence

BASE = (1, "aa")


def typed(held, text, stamp):
    return sequence.weave(held, sequence.change_of(held, text, stamp), stamp)


@given(st.text(max_size=12), st.text(max_size=12))
def test_a_change_makes_the_text_read_as_it_was_typed(before, after):
    assert sequence.read(typed(sequence.first(before, BASE), after, (2, "bb"))) == after


@settings(max_examples=60)
@given(
    st.text("abc", max_size=6),
    st.lists(st.text("xyzab", max_size=6), min_size=2, max_size=4),
    st.randoms(use_true_random=False),
)
def test_changes_made_apart_end_in_one_text_in_any_order_and_number(before, texts, draw):
    held = sequence.first(before, BASE)
    changes = [(sequence.change_of(held, text, (5 + at, f"r{at}")), (5 + at, f"r{at}")) for at, text in enumerate(texts)]
    ended = set()
    for _ in range(4):
        order = changes + draw.sample(changes, 1)
        draw.shuffle(order)
        out = held
        for change, stamp in order:
            out = sequence.weave(out, change, stamp)
        ended.add(sequence.read(out))
    assert len(ended) == 1


def test_what_two_add_at_both_ends_is_all_there():
    held = sequence.first("plan", BASE)
    one, two = sequence.change_of(held, "the plan", (5, "aa")), sequence.change_of(held, "plan B", (6, "bb"))
    out = sequence.weave(sequence.weave(held, two, (6, "bb")), one, (5, "aa"))
    assert sequence.read(out) == "the plan B"


def test_a_change_to_letters_not_here_yet_waits_for_them():
    held = sequence.first("a", BASE)
    first = sequence.change_of(held, "ab", (5, "aa"))
    second_held = sequence.weave(held, first, (5, "aa"))
    second = sequence.change_of(second_held, "abc", (6, "aa"))
    out = sequence.weave(held, second, (6, "aa"))
    assert sequence.read(out) == "a"
    assert sequence.read(sequence.weave(out, first, (5, "aa"))) == "abc"
