"""The filter's texts: every row that holds all words, and only those, whatever changed before."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.views.widgets.haystack import Haystack

TEXT = st.text("ab ß\n", min_size=1, max_size=6)


@given(st.lists(TEXT, max_size=12), st.lists(st.text("abß", min_size=1, max_size=2), min_size=1, max_size=3))
def test_rows_that_hold_every_word_are_found(texts, words):
    hay = Haystack(len(texts), texts.__getitem__)
    assert hay.holding(words).tolist() == [all(word in text for word in words) for text in texts]


def test_a_changed_row_is_read_again_and_removed_ones_are_gone():
    texts = ["one", "two", "three"]
    hay = Haystack(3, texts.__getitem__)
    assert not hay.warm()
    texts[1] = "one more"
    assert hay.holding(["one"]).tolist() == [True, False, False]
    hay.forget(1)
    assert hay.holding(["one"]).tolist() == [True, True, False]
    hay.compact(np.array([False, True, True]))
    texts[:] = ["one more", "three", "a new one"]
    hay.extend(1)
    assert hay.holding(["one"]).tolist() == [True, False, True]


def test_texts_are_prepared_a_few_at_a_time():
    made = []
    hay = Haystack(5, lambda slot: made.append(slot) or f"row {slot}")
    assert [hay.warm(2), hay.warm(2), hay.warm(2)] == [True, True, False]
    assert made == [0, 1, 2, 3, 4]
    assert hay.text(3) == "row 3"
    assert len(made) == 5
