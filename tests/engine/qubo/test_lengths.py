from app.engine.qubo.lengths import (
    FIRST_SWEEPS,
    MOST_SWEEPS,
    SHARED_SWEEPS,
    SHORT_SWEEPS,
    Length,
    longest,
    looks_due,
    next_length,
)


def test_after_two_short_ones_anneals_double_and_the_last_takes_what_is_left() -> None:
    left, plan = 20_000, []
    while left > 0:
        plan.append(next_length(plan, 1.0, left))
        left -= plan[-1].sweeps
    lengths = [one.sweeps for one in plan]
    assert lengths[:5] == [SHORT_SWEEPS, SHORT_SWEEPS, FIRST_SWEEPS, 2 * FIRST_SWEEPS, 4 * FIRST_SWEEPS]
    assert left == 0
    assert lengths[-1] > 4000


def test_no_time_is_one_sweep_and_much_time_has_a_longest_anneal() -> None:
    assert next_length([], 1.0, 0.0).sweeps == 1
    assert next_length([Length(MOST_SWEEPS, MOST_SWEEPS)], 1e-9, 1e9).sweeps == MOST_SWEEPS


def test_exchange_catches_up_with_the_anneals_once_they_are_long() -> None:
    short = [Length(SHARED_SWEEPS // 2, SHARED_SWEEPS // 2)]
    assert looks_due(short, 1e-6, 100) == 0
    plan = [*short, Length(SHARED_SWEEPS, SHARED_SWEEPS)]
    assert looks_due(plan, 1e-6, 100) == SHARED_SWEEPS * 3 // 2 // 100
    plan.append(Length(61, 61, traded=True))
    assert looks_due(plan, 1e-6, 100) == 0
    assert looks_due(plan[:2], 1.0, 100) == 0
    assert longest(plan) == SHARED_SWEEPS
    assert next_length(plan, 0.0, 1.0).sweeps == 2 * SHARED_SWEEPS
