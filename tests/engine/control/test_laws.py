import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import BadInput
from app.engine.control.laws import LAWS, LIMITS, need, suited
from app.engine.control.ops import ARRAY, SCALAR
from app.engine.control.sight import Sight

SIGHT = Sight(12.0, 0.05, 10.0, 0.0, 14.0, 0.06, 0.05, 20.0, 0.0, 2.0, 64.0, 0.3)
EVERY = [*LAWS.values(), *LIMITS.values()]
every_law = pytest.mark.parametrize("law", EVERY, ids=lambda law: f"{type(law).__name__}-{law.name}")


def course(turns=60, seed=1):
    """A demand that rises and falls, with a queue now and then."""
    random = np.random.default_rng(seed)
    for k in range(turns):
        demand = float(random.poisson(12 + 8 * np.sin(k / 6)))
        yield dataclasses.replace(
            SIGHT,
            demand=demand,
            queue=float(random.poisson(2)),
            busy=min(demand, 14.0),
            latency_s=0.05 + 0.01 * random.random(),
            done=demand,
        )


@every_law
def test_one_and_many_follow_the_same_arithmetic(law):
    one, many = law.begin(), law.begin(np.zeros(3))
    size, sizes = 14.0, np.full(3, 14.0)
    for sight in course():
        one, size = law.step(one, dataclasses.replace(sight, size=size), 0.1, SCALAR)
        wide = {
            f.name: np.full(3, getattr(sight, f.name))
            for f in dataclasses.fields(sight)
            if f.name not in ("low", "high", "delay_s")
        }
        many, sizes = law.step(many, Sight(**{**wide, "size": sizes}, low=2.0, high=64.0, delay_s=0.3), 0.1, ARRAY)
        size, sizes = min(max(float(size), 2.0), 64.0), np.clip(sizes, 2.0, 64.0)
        assert sizes == pytest.approx(np.full(3, size), rel=1e-9)


@every_law
@given(demand=st.floats(0, 1e4), queue=st.floats(0, 1e5), service_s=st.floats(1e-6, 100), latency_s=st.floats(0, 100))
def test_finite_figures_give_a_finite_size(law, demand, queue, service_s, latency_s):
    memory, sight = (
        law.begin(),
        dataclasses.replace(SIGHT, demand=demand, queue=queue, service_s=service_s, latency_s=latency_s),
    )
    for _ in range(3):
        memory, wanted = law.step(memory, sight, 0.1, SCALAR)
        assert np.isfinite(wanted)


@every_law
def test_settings_lie_in_the_ranges_they_are_searched_in(law):
    for name, (low, high, logarithmic) in law.space.items():
        assert low < high
        assert low > 0 or not logarithmic
        assert name == "level" or low <= getattr(law, name) <= high


@pytest.mark.parametrize(
    "name", ["auto", "coherent", "parametric", "optomechanical", "staffing", "pid", "aimd", "gradient2", "hpa"]
)
def test_a_steady_demand_is_given_enough_and_not_twice_as_much(name):
    law = need(name)
    memory, size = law.begin(), 14.0
    for _ in range(400):
        busy = min(20.0, size)
        seen = dataclasses.replace(SIGHT, demand=20.0, busy=busy, queue=0.0 if size >= 20 else 5.0, size=size, done=40.0)
        memory, size = law.step(memory, seen, 0.1, SCALAR)
        size = min(max(size, 2.0), 64.0)
    assert 19 < size < 42


def test_the_literal_law_has_no_set_point_and_only_ever_drifts():
    law = need("literal")
    memory, size = law.begin(), 14.0
    for sight in course(300):
        memory, size = law.step(memory, dataclasses.replace(sight, size=size), 0.1, SCALAR)
    assert not 10 < size < 40


def test_an_unknown_law_is_refused_with_those_there_are():
    with pytest.raises(BadInput, match=r"no control law warp; choose from auto, optomechanical"):
        need("warp")
    with pytest.raises(BadInput, match=r"choose from auto, parametric, extremum"):
        need("warp", "admission")


@pytest.mark.parametrize("name", ["coherent", "optomechanical"])
def test_a_model_that_follows_demand_is_refused_where_more_is_slower(name):
    with pytest.raises(BadInput, match=rf"no control law {name}; choose from auto, parametric"):
        need(name, "admission")


def test_a_size_in_bytes_has_a_reserve_over_demand_and_one_in_workers_keeps_its_margin():
    class Bytes:
        reserve = 0.25

    for name in ("auto", "coherent", "optomechanical", "parametric"):
        law = suited(LAWS[name], Bytes())
        memory = law.begin()
        size = 1e6
        for _ in range(200):
            sight = Sight(1e6, 1e-3, 1e6, 0.0, size, 1e-3, 1e-3, 0.0, 0.0, 1e5, 1e8, 0.1)
            memory, size = law.step(memory, sight, 0.1, SCALAR)
        assert 1.1e6 < size < 1.4e6
        assert suited(LAWS[name], object()) is LAWS[name]
    assert suited(LAWS["pid"], Bytes()) is LAWS["pid"]
