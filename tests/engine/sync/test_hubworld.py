"""Histories in which a hub is written at, erased at and salvaged, and the ways to break the code that they tell."""

import pytest

from app.engine.sync import erase
from app.engine.sync.hub import Hub
from tests.engine.sync import hubworld
from tests.engine.sync.checks import breaks
from tests.engine.sync.hubworld import run

SEEDS = range(20)


@pytest.mark.parametrize("first", range(0, len(SEEDS), 10))
def test_a_hub_loses_nothing_of_its_own_forgets_what_is_erased_and_goes_on_behind_a_lost_log(first):
    for seed in SEEDS[first : first + 10]:
        run(seed)


def test_a_history_that_broke_once_holds():
    run(44)  # erased between a push and its answer


def what_a_batch_brings_comes_before_the_hubs_own(monkeypatch):
    real = Hub.receive

    def receive(self, batch, device):
        self.absorb = lambda: None
        return real(self, batch, device)

    monkeypatch.setattr(Hub, "receive", receive)


def what_is_erased_stays_in_logs_and_inbox(monkeypatch):
    monkeypatch.setattr(erase, "forget", lambda *_how: None)


def a_salvaged_log_begins_at_one(monkeypatch):
    monkeypatch.setattr(hubworld, "numbers_left", lambda _shelf, _floor: 0)


@pytest.mark.parametrize(("change", "invariants"), [
    (what_a_batch_brings_comes_before_the_hubs_own, {"I2", "I3", "I11"}), (what_is_erased_stays_in_logs_and_inbox, {"erased"}),
    (a_salvaged_log_begins_at_one, {"I1", "I3", "I11"}),
])  # fmt: skip
def test_a_broken_hub_is_found_out(change, invariants, monkeypatch):
    change(monkeypatch)
    assert breaks(run, invariants, 40)
