from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.engine.jobs.progress import Throttle


def replay(gaps_s: list[float]) -> tuple[list[tuple[float, dict[str, Any]]], int]:
    """Report once after every gap and tell whenever the throttle allows; return what was told and when."""
    throttle, now_s, told = Throttle(), 0.0, []
    for number, gap_s in enumerate(gaps_s):
        end_s = now_s + gap_s
        wait_s = throttle.wait_s(now_s)
        if wait_s is not None and now_s + wait_s <= end_s:
            told.append((now_s + wait_s, throttle.take(now_s + wait_s)))
        now_s = end_s
        throttle.add(number, len(gaps_s), "steps", {f"p{number % 3}": number}, {"size_count": [(now_s, number)]})
        if throttle.wait_s(now_s) == 0:
            told.append((now_s, throttle.take(now_s)))
    last = throttle.take(now_s + 1)
    if last is not None:
        told.append((now_s + 1, last))
    return told, len(gaps_s)


@given(st.lists(st.floats(0, 0.2), max_size=60))
def test_news_come_at_most_twenty_times_a_second_and_nothing_is_lost(gaps_s: list[float]) -> None:
    told, count = replay(gaps_s)
    times = [at_s for at_s, _ in told]
    assert all(after - before >= 0.05 - 1e-9 for before, after in pairwise(times))
    assert [value for _, news in told for _, value in news["samples"]["size_count"]] == list(range(count))
    if count:
        assert told[-1][1]["done"] == count - 1
        merged: dict[str, int] = {}
        for _, news in told:
            merged |= news["partial"]
        assert merged == {f"p{number % 3}": number for number in range(count)}


def test_an_idle_throttle_has_nothing_to_tell() -> None:
    throttle = Throttle()
    assert throttle.wait_s(0.0) is None
    assert throttle.take(0.0) is None
    throttle.add(1, 2)
    assert throttle.wait_s(0.0) == 0
    assert throttle.take(0.0) == {"done": 1.0, "total": 2.0, "unit": "", "partial": {}, "samples": {}}
