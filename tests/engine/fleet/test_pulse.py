from app.engine.fleet.health import Health, Limits
from app.engine.fleet.pulse import Pulse

LIMITS = Limits(4.0, 9.0)


def test_a_node_goes_from_online_to_suspect_to_offline_and_back():
    pulse = Pulse()
    assert pulse.health("n", Health.ONLINE, LIMITS, 0.0) is Health.OFFLINE
    pulse.heard("n", 100.0)
    assert pulse.health("n", Health.OFFLINE, LIMITS, 101.0) is Health.ONLINE
    pulse.failed("n")
    assert pulse.health("n", Health.ONLINE, LIMITS, 101.0) is Health.SUSPECT
    assert pulse.health("n", Health.SUSPECT, LIMITS, 109.1) is Health.OFFLINE
    pulse.heard("n", 110.0)
    assert pulse.health("n", Health.OFFLINE, LIMITS, 110.0) is Health.ONLINE
    pulse.forget("n")
    assert pulse.health("n", Health.ONLINE, LIMITS, 110.0) is Health.OFFLINE


def test_a_clock_that_runs_backwards_is_no_silence():
    pulse = Pulse()
    pulse.heard("n", 100.0)
    assert pulse.health("n", Health.ONLINE, LIMITS, 50.0) is Health.ONLINE
