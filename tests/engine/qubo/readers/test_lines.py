import numpy as np
import pytest

from app.engine.base.errors import BadInput
from app.engine.qubo.readers.lines import Lines, number_text, short


def test_comments_and_blank_lines_are_passed_over_but_counted() -> None:
    lines = Lines("# one\n\n  a b \nc two\n3\n", "x", ("#", "c"))
    assert [(words, lines.number) for words in lines] == [(["a", "b"], 3), (["3"], 5)]


@pytest.mark.parametrize("word", ["-1", "1.5", "1_0", "٣", "0", "11", "x", "99999999999999999999"])
def test_what_is_no_whole_number_in_range_is_refused(word: str) -> None:
    with pytest.raises(BadInput, match="whole number from 1 to 10"):
        Lines("", "x", ()).whole(word, 1, 10)


@pytest.mark.parametrize("word", ["nan", "inf", "-inf", "1e400", "1e16", "1_0", "x", ""])
def test_what_is_no_finite_number_is_refused(word: str) -> None:
    with pytest.raises(BadInput, match="finite number"):
        Lines("", "x", ()).real(word)


def test_a_pair_given_twice_names_both_lines() -> None:
    low, high = np.array([0, 1, 0]), np.array([3, 2, 3])
    with pytest.raises(BadInput, match="x, line 9: the pair 1 4 stands already on line 4"):
        Lines("", "x", ()).refuse_twice(low, high, np.array([4, 5, 9]), 1)


def test_numbers_are_written_so_that_they_read_back() -> None:
    assert [number_text(value) for value in (3.0, -2.0, 0.5, 1 / 3)] == ["3", "-2", "0.5", repr(1 / 3)]


def test_a_long_word_is_cut_in_a_message() -> None:
    assert len(short("9" * 5000)) < 40
