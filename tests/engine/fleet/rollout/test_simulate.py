import pytest

from app.engine.fleet.rollout.plan import Site, make_plan
from app.engine.fleet.rollout.records import Gate, Rate, Rollout, Spec
from app.engine.fleet.rollout.simulate import Faults, simulate


def rehearse(count=40, faults=Faults(), seed=1, **spec):  # noqa: B008
    asked = Spec(**{"groups": ("10%", "rest"), **spec})
    plan = make_plan(
        2, [Site(f"i{n}", f"n{n:04}", "online", f"s{n % 4}", has=1) for n in range(count)], asked, lambda _has: 1000, {}
    )
    rollout = Rollout("r", "digits:2", "m", "digits", 2, spec=asked)
    return simulate(rollout, plan, {task.node_id: "online" for task in plan.tasks}, faults, seed=seed)


def test_without_faults_everyone_has_it_and_the_same_seed_is_the_same_story():
    told = rehearse()
    assert (told["kind"], told["state"], told["good"], told["bytes"]) == ("simulated", "finished", 40, 40_000)
    assert [group["state"] for group in told["groups"]] == ["finished", "finished"]
    assert told == rehearse()
    assert told["most_downloads"] <= 16


def test_failures_pause_it_and_retries_mend_what_chance_broke():
    broken = rehearse(faults=Faults(fail_ratio=0.5))
    assert broken["state"] == "paused"
    assert broken["reason"]
    mended = rehearse(faults=Faults(fail_ratio=0.3), retries=20, backoff_s=1.0)
    assert (mended["state"], mended["good"]) == ("finished", 40)


@pytest.mark.parametrize("offline", ["wait", "skip"])
def test_nodes_that_fall_silent_come_back_and_are_brought_there(offline):
    told = rehearse(faults=Faults(away_ratio=0.5, away_s=300.0, link_bytes_s=100.0), offline=offline)
    assert told["state"] == "finished"
    assert told["bad"] == 0
    assert offline == "skip" or (told["good"] == 40 and told["seconds"] > 300)
    assert any("unknown" in row["sentence"] or "offline" in row["sentence"] for row in told["waited"]) or offline == "skip"


def test_gates_on_agreement_and_latency_hold_in_the_rehearsal_too():
    assert rehearse(faults=Faults(agreement_ratio=0.8), gate=Gate(agreement_least=0.9))["state"] == "paused"
    assert rehearse(faults=Faults(p99_ratio=3.0), gate=Gate(p99_ratio_most=2.0))["state"] == "paused"


def test_rate_and_a_sites_budget_take_their_time():
    assert rehearse(rate=Rate("constant", 10.0))["seconds"] >= 40 / 10 * 60 - 6
    slow = rehearse(site_bytes_s=100)
    assert slow["seconds"] >= 10 * 1000 / 100 - 1


def test_hundreds_of_nodes_are_rehearsed():
    told = rehearse(
        300, Faults(fail_ratio=0.01, away_ratio=0.02), at_once=200, retries=3, backoff_s=5.0, groups=("1%", "10%", "rest")
    )
    assert (told["good"], told["state"]) == (300, "finished")
