import itertools

import numpy as np
import pytest

from app.engine.base.errors import Limit
from app.engine.qubo.problems.terms import Terms, slack_bits, slack_weights


@pytest.mark.parametrize("most", [0, 1, 2, 5, 7, 8, 100])
def test_slack_bits_say_every_value_of_their_range_and_no_other(most):
    weights = slack_weights(most)
    said = {sum(w * b for w, b in zip(weights, bits, strict=True)) for bits in itertools.product((0, 1), repeat=len(weights))}
    assert said == set(range(most + 1))
    for value in range(most + 1):
        assert np.dot(weights, slack_bits(value, weights)) == value


@pytest.mark.parametrize("sign", [1, -1])
def test_an_inequality_costs_nothing_when_kept_and_the_square_of_the_miss_when_not(sign):
    coefficients, limit = [3, 2, 4], 5
    terms = Terms(3)
    terms.inequality([0, 1, 2], coefficients, limit, 10.0, sign=sign)
    qubo = terms.build()
    for bits in itertools.product((0, 1), repeat=3):
        sample = np.array([*bits, *[0] * (qubo.n - 3)], np.int8)
        terms.capacities[0].settle(sample)
        miss = max(0, sign * (int(np.dot(coefficients, bits)) - limit))
        assert qubo.energy(sample) == 10.0 * miss**2


def test_a_choice_of_one_costs_its_weight_for_none_and_for_two():
    terms = Terms(3)
    terms.one_of([0, 1, 2], 4.0)
    qubo = terms.build()
    assert [qubo.energy(x) for x in ([0, 0, 0], [0, 1, 0], [1, 1, 0], [1, 1, 1])] == [4, 0, 4, 16]


def test_too_many_terms_are_refused_before_they_are_made():
    with pytest.raises(Limit):
        Terms(10).expect(10**9)
