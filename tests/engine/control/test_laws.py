import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.contracts import ResourceState
from app.engine.base.errors import BadInput
from app.engine.control.laws import LAWS, PidLaw, need
from app.engine.control.pid import Gains

STATE = ResourceState(0.0, 12.0, 0.0, 0.0, 12.0, 0.0, 0.0)


@pytest.mark.parametrize("law", LAWS.values(), ids=str)
class TestEveryLaw:
    def test_rests_where_the_size_is_the_set_point(self, law):
        memory = law.begin()
        for _ in range(5):
            memory, wanted = law.step(memory, 12.0, STATE, 0.1)
            assert wanted == 12.0

    def test_is_replayed_exactly_from_its_memory(self, law):
        memory, _ = law.step(law.begin(), 20.0, STATE, 0.1)
        assert law.step(memory, 30.0, STATE, 0.1) == law.step(memory, 30.0, STATE, 0.1)

    def test_is_found_by_its_name(self, law):
        assert need(law.name) is law


@given(st.floats(2, 64))
def test_pid_moves_towards_the_set_point(set_point):
    size, law = 12.0, PidLaw()
    memory = law.begin()
    for _ in range(60):
        memory, size = law.step(memory, set_point, dataclasses.replace(STATE, size=size), 0.1)
    assert size == pytest.approx(set_point, abs=0.01)


def test_gains_can_be_chosen():
    _, wanted = PidLaw(Gains(kp=0.0, ki=10.0)).step(PidLaw().begin(), 20.0, STATE, 0.1)
    assert wanted == pytest.approx(20.0)


def test_an_unknown_law_is_refused_with_those_there_are():
    with pytest.raises(BadInput, match=r"no control law warp; choose from pid, static"):
        need("warp")
