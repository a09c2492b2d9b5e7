import numpy as np

from app.engine.learning.memory import Memory


def test_what_was_kept_is_taken_and_the_unseen_have_zeros():
    memory = Memory(1_000_000, 3)
    memory.keep(np.array([7, 999_999]), np.array([[1, 2, 3], [4, 5, 6]], np.float32))
    memory.keep(np.array([5, 7]), np.array([[7, 7, 7], [8, 8, 8]], np.float32))
    assert memory.take(np.array([999_999, 7, 5, 6])).tolist() == [[4, 5, 6], [8, 8, 8], [7, 7, 7], [0, 0, 0]]


def test_rows_taken_are_copies():
    memory = Memory(2, 1)
    memory.keep(np.array([0]), np.ones((1, 1), np.float32))
    memory.take(np.array([0]))[:] = 9
    assert memory.take(np.array([0, 1])).tolist() == [[1], [0]]


def test_a_memory_of_nothing_takes_no_room():
    memory = Memory(10, 0)
    memory.keep(np.array([1]), np.empty((1, 0), np.float32))
    assert memory.take(np.array([1, 2])).shape == (2, 0)
