import numpy as np
import pytest

from app.agent.keeper import Keeper
from app.engine.base.errors import BadInput
from app.engine.learning.records import SESSIONS_KEPT


def keeper(folder, number, session="s-1", since=None):
    return Keeper(folder, {"session": session, "round": number}, since)


def test_a_round_finds_what_an_earlier_one_left(tmp_path):
    assert keeper(tmp_path, 1).load() is None
    keeper(tmp_path, 1).keep(np.array([1, 2], np.float32))
    keeper(tmp_path, 4).keep(np.array([3, 4], np.float32))
    assert keeper(tmp_path, 5).load().tolist() == [3, 4]


def test_a_round_asked_again_starts_from_the_same_memory(tmp_path):
    keeper(tmp_path, 1).keep(np.array([1], np.float32))
    keeper(tmp_path, 2).keep(np.array([2], np.float32))
    assert keeper(tmp_path, 2).load().tolist() == [1]


def test_what_came_to_nothing_is_not_remembered_on_and_pushes_out_nothing_that_counted(tmp_path):
    for number, since in ((1, 0), (2, 1), (3, 1), (4, 1)):  # round 1 counted, 2 and 3 were late
        held = keeper(tmp_path, number, since=since).load()
        assert (held if held is None else held.tolist()) == (None if number == 1 else [1])
        keeper(tmp_path, number, since=since).keep(np.array([number], np.float32))
    assert sorted(path.name for path in (tmp_path / "s-1").iterdir()) == ["1.f32", "4.f32"]
    assert keeper(tmp_path, 5, since=4).load().tolist() == [4]
    assert keeper(tmp_path, 5, since=0).load() is None


def test_old_rounds_and_old_sessions_are_forgotten(tmp_path):
    for number in range(1, 6):
        keeper(tmp_path, number).keep(np.array([number], np.float32))
    assert sorted(path.name for path in (tmp_path / "s-1").iterdir()) == ["4.f32", "5.f32"]
    for number in range(SESSIONS_KEPT + 3):
        keeper(tmp_path, 1, f"t-{number}").keep(np.array([0], np.float32))
    assert len(list(tmp_path.iterdir())) == SESSIONS_KEPT


def test_without_a_session_nothing_is_kept(tmp_path):
    keeper(tmp_path, 1, "").keep(np.array([1], np.float32))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("session", ["../up", "a/b", "A", "x" * 65, "a.b"])
def test_a_session_that_is_no_id_is_refused(tmp_path, session):
    with pytest.raises(BadInput):
        keeper(tmp_path, 1, session)
