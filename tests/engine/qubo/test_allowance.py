import numpy as np

from app.engine.base.contracts import never, silent
from app.engine.qubo.allowance import Allowance


class Hands:
    def __init__(self) -> None:
        self.at = 10.0

    def __call__(self) -> float:
        return self.at


def test_time_runs_out() -> None:
    hands = Hands()
    allowance = Allowance(2.0, silent, never, hands)
    assert not allowance.over()
    hands.at += 1.5
    assert (allowance.spent_s, allowance.left_s) == (1.5, 0.5)
    hands.at += 0.5
    assert allowance.over()
    assert allowance.left_s == 0


def test_a_stop_once_seen_holds() -> None:
    answers = iter([False, True, False])
    allowance = Allowance(9.0, silent, lambda: next(answers), Hands())
    assert [allowance.over() for _ in range(4)] == [False, True, True, True]


def test_only_the_best_is_told() -> None:
    told = []
    allowance = Allowance(4.0, lambda *args: told.append(args), never, Hands())
    for energy in (np.inf, 3.0, 5.0, -1.0):
        allowance.tell(energy)
    allowance.tell(0.0, 7, 9, "reads")
    assert [args[3].get("best_energy") for args in told] == [None, 3.0, 3.0, -1.0, -1.0]
    assert told[-1][:3] == (7, 9, "reads")
    assert told[0][:3] == (0.0, 4.0, "s")
