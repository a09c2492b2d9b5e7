import pytest

from app.agent.budget import WINDOW_S, CpuBudget, check_memory
from app.agent.manifest import Allowance
from app.engine.base.errors import BadInput, Limit


def test_a_share_is_kept_over_the_window_and_free_again_after_it():
    budget, half = CpuBudget(), Allowance(cpu_ratio=0.5)
    for second in range(10):
        budget.check("m", half, second)
        budget.spend(0.4, second)
    budget.spend(2.0, 10.0)
    with pytest.raises(Limit, match=r"0\.5 of a core"):
        budget.check("m", half, 10.0)
    budget.check("m", half, 10.0 + WINDOW_S)
    budget.check("m", Allowance(), 10.0)


def test_memory_beyond_the_allowance_is_refused():
    check_memory("m", Allowance(), 1 << 40)
    check_memory("m", Allowance(memory_bytes=10), 10)
    with pytest.raises(Limit):
        check_memory("m", Allowance(memory_bytes=10), 11)


@pytest.mark.parametrize("told", [{"cpu_ratio": 0}, {"cpu_ratio": 2}, {"memory_bytes": -1}, {"memory_bytes": "x"}])
def test_an_allowance_that_cannot_be_is_bad_input(told):
    with pytest.raises(BadInput):
        Allowance.from_json(told)


def test_what_is_remembered_stays_small_whatever_is_asked_and_allowed():
    budget, free = CpuBudget(), Allowance()
    for at in range(20_000):
        budget.check("m", free, at * 1e-3)
        budget.spend(1e-5, at * 1e-3)
    assert len(budget._spent) <= 101
    assert budget._sum_s == pytest.approx(5.0 * 1e-2, rel=0.02)
