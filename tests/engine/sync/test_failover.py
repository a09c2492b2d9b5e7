"""Histories in which hosts of one hub take over from each other, and the ways to break the code that they tell."""

import pytest

from app.engine.sync.console import Console
from app.engine.sync.hub import Hub
from tests.engine.sync.checks import breaks
from tests.engine.sync.failover import Failover, run

SEEDS = range(20)


def test_a_history_that_broke_once_holds():
    run(308)


@pytest.mark.parametrize("first", range(0, len(SEEDS), 10))
def test_whoever_leads_nothing_is_lost_and_nobody_goes_back_to_who_led_before(first):
    for seed in SEEDS[first : first + 10]:
        run(seed)


def a_hub_does_not_look_at_its_term(monkeypatch):
    real = Hub.__init__
    monkeypatch.setattr(Hub, "__init__", lambda self, shelf, now_us, _term=None: real(self, shelf, now_us))


def a_console_goes_by_the_term_of_a_hub_alone(monkeypatch):
    monkeypatch.setattr(Console, "is_replaced", lambda self, hello: hello["term"] < self.peer["state"].get("term", 0))


def who_goes_on_from_a_backup_does_not_say_so(monkeypatch):
    monkeypatch.setattr(Hub, "restored", lambda self: self.epoch)


@pytest.mark.parametrize(("change", "invariants"), [
    (a_hub_does_not_look_at_its_term, {"I15"}), (a_console_goes_by_the_term_of_a_hub_alone, {"I15"}),
    (who_goes_on_from_a_backup_does_not_say_so, {"I1", "I11"}),
])  # fmt: skip
def test_a_broken_failover_is_found_out(change, invariants, monkeypatch):
    change(monkeypatch)
    assert breaks(run, invariants, 60)


def test_what_befalls_hosts_does_befall_them(monkeypatch):
    seen = []
    for name in ("take_over", "fail_over", "_stand"):
        real = getattr(Failover, name)
        monkeypatch.setattr(Failover, name, lambda *how, name=name, real=real: (seen.append(name), real(*how))[1])
    for seed in SEEDS[:5]:
        run(seed)
    assert {"take_over", "fail_over", "_stand"} == set(seen)
