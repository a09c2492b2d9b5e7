from hypothesis import given
from hypothesis import strategies as st

from app.engine.fleet.health import HELD, Health, Limits, judge, read_health

seconds = st.floats(0, 1e6)
limits = st.builds(Limits.of, st.floats(1, 3600), st.floats(2, 86400), st.floats(0.5, 3600))
ORDER = [Health.ONLINE, Health.SUSPECT, Health.OFFLINE]


@given(st.sampled_from(list(Health)), st.none() | seconds, limits, st.booleans())
def test_only_a_person_lifts_what_a_person_set(state, silence_s, limits, failed):
    after = judge(state, silence_s, limits, failed=failed)
    assert (after is state) if state in HELD else (after in ORDER)


@given(seconds, seconds, limits, st.booleans())
def test_longer_silence_is_never_better_health(a, b, limits, failed):
    short, long = sorted((a, b))
    first, later = (judge(Health.ONLINE, s, limits, failed=failed) for s in (short, long))
    assert ORDER.index(first) <= ORDER.index(later)


@given(seconds, limits)
def test_one_failed_pull_makes_suspect_at_once_and_never_offline(silence_s, limits):
    after = judge(Health.ONLINE, silence_s, limits, failed=True)
    assert after is (Health.OFFLINE if silence_s > limits.offline_s else Health.SUSPECT)


@given(st.sampled_from(ORDER), limits)
def test_health_follows_silence_alone_not_the_way_it_came(state, limits):
    assert judge(state, 0.0, limits, failed=False) is Health.ONLINE
    assert judge(state, limits.offline_s + 1, limits, failed=False) is Health.OFFLINE
    assert judge(state, None, limits, failed=False) is Health.OFFLINE


@given(st.floats(1, 3600), st.floats(2, 86400), st.floats(0.5, 3600))
def test_a_healthy_node_heard_at_each_pull_is_never_suspect(suspect_s, offline_s, cadence_s):
    limits = Limits.of(suspect_s, offline_s, cadence_s)
    assert limits.suspect_s <= limits.offline_s
    assert judge(Health.ONLINE, 1.9 * cadence_s, limits, failed=False) is Health.ONLINE


def test_default_settings_find_a_killed_node_offline_within_ten_seconds():
    limits = Limits.of(4.0, 9.0, 2.0)
    assert judge(Health.SUSPECT, 9.1, limits, failed=True) is Health.OFFLINE


def test_an_unknown_word_from_a_newer_peer_is_unknown():
    assert read_health("hibernating") is Health.UNKNOWN
    assert read_health("online") is Health.ONLINE
