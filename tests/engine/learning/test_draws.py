import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.learning.draws import Purpose, generator, in_place, key_of, orders, philox

# Known answers published with Random123 (kat_vectors, philox4x32 10).
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize("counter, key, words", KNOWN)
def test_the_generator_gives_the_published_answers(counter, key, words):
    given_words = tuple(np.array([word], np.uint64) for word in counter)
    assert tuple(int(word[0]) for word in philox(given_words, key)) == words


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(0, 2**64 - 1), st.integers(0, 9))
def test_every_row_orders_a_clients_examples_first(sizes, seed, epoch):
    drawn = orders(seed, 3, np.arange(len(sizes)), epoch, np.array(sizes))
    for row, size in zip(drawn, sizes, strict=True):
        assert sorted(row[:size]) == list(range(size))
        assert (row[size:] >= size).all()


@settings(deadline=None)
@given(st.lists(st.integers(1, 40), min_size=2, max_size=8), st.integers(0, 2**32))
def test_a_clients_order_does_not_depend_on_who_stands_beside_it(sizes, seed):
    together = orders(seed, 1, np.arange(len(sizes)), 0, np.array(sizes))
    for client, size in enumerate(sizes):
        alone = orders(seed, 1, np.array([client]), 0, np.array([size]))
        assert np.array_equal(alone[0], together[client, :size])


def test_examples_that_fit_one_batch_stay_as_they_lie():
    sizes = np.array([20, 16, 3])
    drawn, plain = orders(1, 1, np.arange(3), 0, sizes, batch=16), orders(1, 1, np.arange(3), 0, sizes)
    assert np.array_equal(drawn[0], plain[0])
    assert [row[:size].tolist() for row, size in zip(drawn[1:], sizes[1:], strict=True)] == [list(range(16)), [0, 1, 2]]
    assert np.array_equal(in_place(sizes[1:])[0], drawn[1, :16])


def test_seed_round_client_and_epoch_each_change_the_order():
    def one(seed=1, round_number=1, client=1, epoch=1):
        return tuple(orders(seed, round_number, np.array([client]), epoch, np.array([50]))[0])

    assert len({one(), one(seed=2), one(round_number=2), one(client=2), one(epoch=2)}) == 5


def test_orders_are_uniform():
    first = orders(5, 1, np.arange(8000), 0, np.full(8000, 8))[:, 0]
    counts = np.bincount(first, minlength=8)
    # Pearson's statistic with 7 degrees of freedom stays below 24.3 in 999 of 1000 cases.
    assert ((counts - 1000) ** 2 / 1000).sum() < 24.3


def test_each_purpose_has_a_stream_of_its_own():
    assert key_of(1, Purpose.ORDER) != key_of(1, Purpose.SELECT)
    first, again = generator(1, Purpose.INIT), generator(1, Purpose.INIT)
    assert first.random() == again.random()
    assert generator(1, Purpose.SELECT, 1).random() != generator(1, Purpose.SELECT, 2).random()
