import collections

import pytest

from app.engine.base.errors import BadInput
from app.engine.control.routing import POLICIES, Backend, Router


def make(policy, count=4):
    return Router(policy, backends=[Backend(f"b{k}") for k in range(count)])


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_uses_every_backend_and_keeps_the_limit(policy):
    router = make(policy)
    router.limit = 5
    picked = [router.pick(10.0, 4) for _ in range(20)]
    assert collections.Counter(one.name for one in picked) == {f"b{k}": 5 for k in range(4)}
    assert router.pick(10.0, 4) is None


def test_weights_prefer_the_faster_and_start_slowly():
    router = make("weighted", 2)
    fast, slow = router.backends
    fast.latency_s, slow.latency_s = 0.01, 0.04

    def share(now_s, since_s):
        slow.since_s = since_s
        hits = 0
        for _ in range(2000):
            one = router.pick(now_s, 2)
            hits += one is slow
            one.inflight -= 1
        return hits / 2000

    assert share(100.0, 0.0) == pytest.approx(0.2, abs=0.04)
    assert share(100.0, 100.0) < 0.06


def test_errors_in_a_row_eject_for_ever_longer_and_one_trial_brings_it_back():
    router = make("least", 4)
    bad = router.backends[0]

    def fail(now_s):
        bad.inflight += 1
        router.ended(bad, now_s, 0.1, failed=True)

    for _ in range(5):
        fail(0.0)
    assert bad.until_s == 1.0
    assert not bad.open(0.5)
    first = router.pick(1.0, 1)
    assert first is bad
    assert router.pick(1.0, 1) is router.backends[1]  # one trial at a time
    router.ended(bad, 1.1, 0.1, failed=True, trial=True)
    assert bad.until_s == pytest.approx(3.1)
    router.pick(4.0, 1)
    router.ended(bad, 4.1, 0.1, failed=False, trial=True)
    assert bad.until_s == 0


def test_at_most_half_are_ejected_at_once():
    router = make("least", 4)
    for one in router.backends:
        for _ in range(10):
            one.inflight += 1
            router.ended(one, 0.0, 0.1, failed=True)
    assert sum(one.until_s > 0 for one in router.backends) == 2
    with pytest.raises(BadInput, match="A policy is one of"):
        Router("magic")


def test_an_ejected_backend_gives_its_place_to_the_next():
    router = Router("least", backends=[Backend("a"), Backend("b"), Backend("c")])
    for _ in range(5):
        one = router.pick(0.0, 1)
        assert one.name == "a"
        router.ended(one, 0.0, 0.01, failed=True)
    taken = [router.pick(0.5, 1) for _ in range(3)]
    assert [one.name for one in taken] == ["b"] * 3
    # Its trial comes when its time is over; a success brings it back.
    trial = router.pick(1.5, 1)
    assert trial.name == "a"
    router.ended(trial, 1.6, 0.01, failed=False, trial=trial.trying)
    assert router.pick(1.7, 1).name == "a"


def test_requests_that_were_in_flight_at_an_ejection_neither_prolong_it_nor_decide_the_trial():
    router = make("round_robin", 4)
    bad = router.backends[0]
    bad.inflight = 60
    for _ in range(40):
        router.ended(bad, 0.5, 0.4, failed=True)
    assert (bad.ejections, bad.until_s) == (1, 1.5)
    router.ended(bad, 0.6, 0.5, failed=False)
    assert bad.until_s == 1.5  # a late success brings nothing back
    trial = router.pick(2.0, 1)
    assert trial is bad
    assert bad.trying
    router.ended(bad, 2.1, 2.0, failed=False)
    router.ended(bad, 2.1, 2.0, failed=True)
    assert bad.trying
    assert bad.ejections == 1
    router.ended(bad, 2.2, 0.2, failed=False, trial=True)
    assert (bad.until_s, bad.trying, bad.ejections) == (0.0, False, 0)
    for _ in range(15):
        router.ended(bad, 2.3, 2.2, failed=True)
    assert bad.until_s == 0.0  # they are of the time before


def test_a_backend_that_fails_most_requests_is_ejected_though_never_five_in_a_row():
    router = make("round_robin", 4)
    bad = router.backends[0]
    for turn in range(25):
        bad.inflight += 1
        router.ended(bad, 0.1 * turn, 0.01, failed=turn % 5 > 0)
        if bad.until_s:
            break
    assert (turn, bad.ejections) == (13, 1)
    fair = router.backends[1]
    for turn in range(100):
        fair.inflight += 1
        router.ended(fair, 0.1 * turn, 0.01, failed=turn % 2 > 0)
    assert fair.until_s == 0


def test_a_trial_that_hangs_gives_way_to_another_and_decides_nothing_later():
    router = make("least", 2)
    bad = router.backends[0]
    bad.until_s, bad.ejections = 1.0, 1
    assert router.pick(2.0, 1) is bad
    assert router.pick(31.0, 1) is not bad
    assert router.pick(32.5, 1) is bad
    router.ended(bad, 33.0, 31.0, failed=True, trial=True)
    assert (bad.ejections, bad.trying) == (1, True)
    router.ended(bad, 33.0, 0.5, failed=False, trial=True)
    assert (bad.until_s, bad.trying) == (0.0, False)


@pytest.mark.parametrize("policy", ["round_robin", "least"])
def test_a_quiet_load_is_shared_alike_also_where_second_tries_come_between(policy):
    router = make(policy, 3)
    counts = collections.Counter()
    for turn in range(300):
        one = router.pick(0.0, 3)
        router.ended(one, 0.0, 0.01, failed=False)
        counts[one.name] += 1
        if turn % 2:
            again = router.pick(0.0, 3, but=one)
            router.ended(again, 0.0, 0.01, failed=False)
            counts[again.name] += 1
    assert set(counts.values()) == {150}


def test_a_request_at_fault_itself_blames_no_backend_and_decides_no_trial():
    router = make("least", 2)
    one = router.backends[0]
    for _ in range(40):
        one.inflight += 1
        router.ended(one, 0.0, 0.01, failed=None)
    assert (one.failed, one.until_s, one.latency_s) == (0, 0.0, 0.0)
    one.until_s, one.ejections = 1.0, 1
    assert router.pick(2.0, 1) is one
    router.ended(one, 2.1, 0.1, failed=None, trial=True)
    assert (one.trying, one.until_s, one.ejections) == (False, 1.0, 1)
