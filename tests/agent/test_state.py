import pytest

from app.agent.state import State
from app.engine.base.clock import ManualClock
from app.engine.base.errors import Refused
from app.wire.identity import DeviceIdentity
from app.wire.signing import NonceCache

ONE, TWO = (DeviceIdentity.generate(name).public for name in ("one", "two"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.sqlite"


@pytest.fixture
def again(path):
    """A function that opens the state anew, as after a restart."""
    opened = []

    def reopen() -> State:
        if opened:
            opened.pop().close()
        opened.append(State(path, ManualClock()))
        return opened[0]

    yield reopen
    opened.pop().close()


def test_a_new_agent_knows_nobody_and_wants_nothing(again):
    state = again()
    assert (state.pins(), state.nonces(), state.twin()) == ([], (0, []), (0, {}))


def test_pins_are_remembered_until_taken_off(again):
    state = again()
    state.pin(ONE, 1)
    state.pin(TWO, 2)
    state.pin(ONE, 3)
    assert again().pins() == [TWO, ONE]
    again().unpin(ONE.device_id)
    assert again().pins() == [TWO]


def test_spent_nonces_are_remembered_down_to_the_floor(again):
    state, nonces = again(), NonceCache(capacity=2)
    expiries = [second * 1_000_000 for second in (30, 20, 10, 40)]
    for number, expiry in enumerate(expiries):
        nonces.spend(f"{number:032x}", expiry, 0)
        state.spend(f"{number:032x}", expiry, nonces.floor_us)
    floor, spent = again().nonces()
    assert (floor, dict(spent)) == (20_000_000, {f"{0:032x}": 30_000_000, f"{3:032x}": 40_000_000})
    kept = NonceCache(2, floor, spent)
    for number, expiry in enumerate(expiries):
        with pytest.raises(Refused, match="replay"):
            kept.spend(f"{number:032x}", expiry, 0)


def test_a_floor_that_moved_too_little_to_be_written_lets_no_replay_in(again):
    state, nonces = again(), NonceCache(capacity=2)
    for number in range(40):
        nonces.spend(f"{number:032x}", 1000 + number, 0)
        state.spend(f"{number:032x}", 1000 + number, nonces.floor_us)
    assert again().nonces()[0] < nonces.floor_us
    kept = NonceCache(2, *again().nonces())
    for number in range(40):
        with pytest.raises(Refused, match="replay"):
            kept.spend(f"{number:032x}", 1000 + number, 0)


def test_desired_state_is_remembered(again):
    again().set_twin(3, {"labels": {"a": 1}})
    assert again().twin() == (3, {"labels": {"a": 1}})


def test_a_write_that_fails_leaves_nothing_half_done(again, monkeypatch):
    state = again()
    monkeypatch.setattr(state, "_set_meta", lambda *_: (_ for _ in ()).throw(RuntimeError("stop")))
    with pytest.raises(RuntimeError):
        state.spend("a" * 32, 10, 60_000_000)
    assert state.nonces() == (0, [])
