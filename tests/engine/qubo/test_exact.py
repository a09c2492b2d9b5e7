import itertools

import numpy as np
import pytest

from app.engine.base.contracts import Budget
from app.engine.base.errors import Limit
from app.engine.qubo.exact import Exact, spectrum, state_of
from app.engine.qubo.problem import build


def test_spectrum_agrees_with_a_loop_over_all_states() -> None:
    problem = build([1.0, -2.0, 0.5, 0.0], ([0, 1, 2, 0], [1, 2, 3, 3], [1.5, -2.0, 3.0, -4.0]), offset=0.25)
    for index, bits in enumerate(itertools.product((0, 1), repeat=4)):
        state = bits[::-1]
        by_hand = 0.25 + state[0] - 2 * state[1] + 0.5 * state[2]
        by_hand += 1.5 * state[0] * state[1] - 2 * state[1] * state[2] + 3 * state[2] * state[3] - 4 * state[0] * state[3]
        assert spectrum(problem)[index] == pytest.approx(by_hand)
        assert state_of(index, 4).tolist() == list(state)


def test_the_answer_is_the_lowest_state_and_is_called_proved() -> None:
    rng = np.random.default_rng(1)
    i, j = np.triu_indices(11, 1)
    problem = build(rng.normal(size=11), (i, j, rng.normal(size=len(i))))
    found = Exact().solve(problem, Budget(1.0), 0)
    assert found.energy == pytest.approx(spectrum(problem).min())
    assert found.info["proved"]
    assert (np.diff(found.energies) >= 0).all()


def test_too_many_variables_are_refused() -> None:
    with pytest.raises(Limit, match="23 variables"):
        spectrum(build(np.zeros(23), ([], [], [])))
