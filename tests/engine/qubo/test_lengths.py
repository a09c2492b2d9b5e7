from app.engine.qubo.lengths import FIRST_SWEEPS, MOST_SWEEPS, Length, next_length


def test_anneals_double_and_the_last_takes_what_is_left() -> None:
    left, plan = 20_000, []
    while left > 0:
        plan.append(next_length(plan, 1.0, left))
        left -= plan[-1].sweeps
    lengths = [one.sweeps for one in plan]
    assert lengths[:3] == [FIRST_SWEEPS, 2 * FIRST_SWEEPS, 4 * FIRST_SWEEPS]
    assert left == 0
    assert lengths[-1] > 4000


def test_no_time_is_one_sweep_and_much_time_has_a_longest_anneal() -> None:
    assert next_length([], 1.0, 0.0).sweeps == 1
    assert next_length([Length(MOST_SWEEPS, MOST_SWEEPS)], 1e-9, 1e9).sweeps == MOST_SWEEPS
