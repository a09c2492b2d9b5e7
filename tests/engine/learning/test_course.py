import pytest

from app.engine.base.errors import BadInput
from app.engine.learning.course import COURSE, Reins, model_of, strategy_of


def test_a_course_has_the_rules_that_were_asked_for():
    strategy = strategy_of({**COURSE, "model": "mlp-64-10", "aggregator": "median", "attackers": 1, "norm_bound": 4.0}, 6, "s1")
    assert (strategy.base.session, strategy.base.model, strategy.least, strategy.norm_bound) == ("s1", "mlp-64-10", 3, 4.0)
    assert model_of({}) == "mlp-64-32-10"


def test_an_aggregator_is_refused_where_too_few_are_asked_in_a_round():
    spec = {**COURSE, "model": "mlp-64-10", "aggregator": "krum", "attackers": 1}
    assert strategy_of({**spec, "sample_ratio": 0.5}, 10).least == 5
    with pytest.raises(BadInput, match="5 or more; 4 took part"):
        strategy_of({**spec, "sample_ratio": 0.4}, 10)


def test_pulling_the_reins_wakes_who_waits():
    reins = Reins()
    reins.pull("stop")
    assert reins.wish == "stop"
    assert reins.pulled.is_set()
