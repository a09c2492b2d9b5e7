import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.agent.recording import Recording, shadow


@given(st.lists(st.integers(1, 40), max_size=30), st.integers(0, 400))
def test_a_recording_holds_the_newest_requests_within_its_size(sizes, most):
    recording = Recording(most)
    for number, size in enumerate(sizes):
        recording.keep(np.full((size, 1), number, np.float32))
    kept = recording.requests()
    assert sum(rows.nbytes for rows in kept) <= most
    numbers = [int(rows[0, 0]) for rows in kept]
    fitting = [number for number, size in enumerate(sizes) if 4 * size <= most]
    assert numbers == fitting[len(fitting) - len(numbers) :]
    recording.limit(0)
    assert len(recording) == 0


def test_a_shadow_run_compares_choices_and_times_of_both():
    ticks = itertools.count(0.0, 1.0)
    rows = [np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)] * 2
    told = shadow(rows, lambda x: x, lambda x: x[:, ::-1] if x[0, 0] > 1 else x + 0.25, lambda: next(ticks))
    assert (told["requests"], told["rows"], told["agreement_ratio"], told["largest_difference"]) == (2, 4, 1.0, 0.25)
    assert (told["old_p99_s"], told["new_p99_s"]) == (1.0, 1.0)
    turned = shadow(rows, lambda x: x, lambda x: x[:, ::-1], lambda: 0.0)
    assert turned["agreement_ratio"] == 0.0


def test_the_first_run_of_a_shape_is_not_timed():
    now, seen = [0.0], set()

    def cold(x):
        now[0] += 1.0 if x.shape in seen else 100.0
        seen.add(x.shape)
        return x

    def warm(x):
        now[0] += 1.0
        return x

    rows = [np.ones((count, 2), np.float32) for count in (1, 2, 1, 2)]
    told = shadow(rows, warm, cold, lambda: now[0])
    assert (told["requests"], told["old_p99_s"], told["new_p99_s"]) == (4, 1.0, 1.0)


def test_without_requests_there_is_no_agreement():
    told = shadow([], lambda x: x, lambda x: x, lambda: 0.0)
    assert (told["agreement_ratio"], told["old_p99_s"]) == (None, None)


def test_answers_of_another_shape_never_agree():
    rows = [np.ones((3, 2), np.float32)]
    assert shadow(rows, lambda x: x, lambda x: x[:, :1], lambda: 0.0)["agreement_ratio"] == 0.0
