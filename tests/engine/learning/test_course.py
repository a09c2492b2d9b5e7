import pytest

from app.engine.base.errors import BadInput
from app.engine.learning.course import COURSE, Reins, check_defence, check_drill, model_of, strategy_of


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


@pytest.mark.parametrize(
    "rule, hostile, why",
    [
        ("mean", 2, "bears no attackers"),
        ("trimmed", 0, "is the plain mean"),
        ("mixed-median", 0, "is the plain mean"),
        ("multi-krum", 0, "plain mean"),
    ],
)
def test_a_defence_that_would_be_none_is_refused_where_a_session_begins_and_not_where_it_goes_on(rule, hostile, why):
    spec = {**COURSE, "model": "mlp-64-10", "aggregator": rule, "attackers": hostile}
    with pytest.raises(BadInput, match=why):
        check_defence(spec)
    assert strategy_of(spec, 10).aggregator.name == rule


@pytest.mark.parametrize("selection", ["adaptive", "capable"])
def test_a_choice_among_nodes_that_are_all_asked_is_refused(selection):
    with pytest.raises(BadInput, match="all are asked"):
        check_defence({**COURSE, "selection": selection})
    check_defence({**COURSE, "selection": selection, "sample_ratio": 0.9})


@pytest.mark.parametrize("spec", [{"attackers": 2}, {"drill_round": 2}, {"attack": "ipm", "attackers": 1, "drill_round": 6},
                                  {"dropout_rate": 0.2, "drill_round": 6}])  # fmt: skip
def test_a_drill_of_a_simulation_that_would_change_nothing_is_refused(spec):
    with pytest.raises(BadInput):
        check_drill({"rounds": 5, **spec})


@pytest.mark.parametrize("spec", [{}, {"attackers": 2, "aggregator": "median"}, {"attackers": 2, "attack": "ipm", "drill_round": 5},
                                  {"dropout_rate": 0.2, "drill_round": 5}])  # fmt: skip
def test_a_drill_of_a_simulation_that_changes_something_is_not_refused(spec):
    check_drill({"rounds": 5, **spec})
    check_defence(COURSE)
