import numpy as np

from app.engine.learning.memory import Memory, in_a_row


def rows(*values):
    """Return rows of widths 2 and 1."""
    wide = np.array(values, np.float32)
    return [wide[:, :2].copy(), wide[:, 2:].copy()]


def test_what_was_kept_is_taken_and_the_unseen_have_zeros():
    memory = Memory(1_000_000, (2, 1))
    memory.keep(np.array([7, 999_999]), rows([1, 2, 3], [4, 5, 6]))
    memory.keep(np.array([5, 7]), rows([7, 7, 7], [8, 8, 8]))
    assert memory.take(np.array([999_999, 7, 5, 6])).tolist() == [[4, 5, 6], [8, 8, 8], [7, 7, 7], [0, 0, 0]]


def test_rows_taken_are_copies():
    memory = Memory(2, (1,))
    memory.keep(np.array([0]), [np.ones((1, 1), np.float32)])
    memory.take(np.array([0]))[:] = 9
    assert memory.take(np.array([0, 1])).tolist() == [[1], [0]]


def test_rows_held_are_kept_whether_they_adjoin_or_not():
    memory = Memory(6, (2, 1))
    memory.keep(np.arange(4), rows([0, 0, 0], [1, 1, 1], [2, 2, 2], [3, 3, 3]))
    for clients, adjoin in ((np.array([1, 2]), True), (np.array([3, 0]), False)):
        held = memory.hold(clients)
        assert np.shares_memory(held[0], memory.hold(np.arange(4))[0]) == adjoin
        held[0] += 10
        held[1] += 10
        memory.keep(clients, held)
    assert memory.take(np.arange(4)).tolist() == [[10] * 3, [11] * 3, [12] * 3, [13] * 3]


def test_what_is_put_back_is_remembered_as_it_was():
    memory = Memory(6, (2, 1))
    memory.keep(np.arange(3), rows([0, 0, 0], [1, 1, 1], [2, 2, 2]))
    some = np.array([4, 2])
    before = memory.take(some)
    memory.keep(some, rows([7, 7, 7], [9, 9, 9]))
    memory.put_back(some, before)
    assert memory.take(np.arange(5)).tolist() == [[0] * 3, [1] * 3, [2] * 3, [0] * 3, [0] * 3]


def test_a_memory_of_nothing_takes_no_room():
    memory = Memory(10, (0, 0))
    memory.keep(np.array([1]), [np.empty((1, 0), np.float32)] * 2)
    assert [one.shape for one in memory.hold(np.array([1, 2]))] == [(2, 0), (2, 0)]
    assert memory.take(np.array([1, 2])).shape == (2, 0)


def test_a_stretch_is_one_of_rising_neighbours():
    told = [in_a_row(np.array(places, np.int64)) for places in ([], [4], [4, 5, 6], [4, 6, 5, 7], [2, 1])]
    assert told == [False, True, True, False, False]
