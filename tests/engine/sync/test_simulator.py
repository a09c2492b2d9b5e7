"""Histories of consoles and a hub with everything going wrong, from seeds; `benchmarks/sync_simulate.py` plays many more."""

import pytest

from app.engine.sync import console, hlc, hub, merge, sealing
from app.engine.sync.hub import Hub
from tests.engine.sync.memory import MemoryShelf
from tests.engine.sync.simulator import BACKUP, CLOCK, CLONE, COMPACT, RESTORE, TIME, Broken, run

SEEDS = range(60)
KEPT = (
    3,
    8,
    28,
    34,
    43,
    53,
    132,
    136,
    138,
    258,
    296,
    308,
    394,
    565,
    751,
    788,
    1027,
    1433,
    2204,
    2758,
    2864,
)  # each broke an invariant once


@pytest.mark.parametrize("first", range(0, len(SEEDS), 10))
def test_whatever_befalls_them_they_end_equal_and_nothing_is_lost(first):
    for seed in SEEDS[first : first + 10]:
        run(seed)


@pytest.mark.parametrize("seed", KEPT)
def test_histories_that_broke_once_hold(seed):
    run(seed)


def breaks(most, **how):
    """Return the invariants that some seed finds broken."""
    found = set()
    for seed in range(most):
        try:
            run(seed, **how)
        except (Broken, AssertionError) as error:
            found.add(str(error).split(" ")[0])
            break
    return found


MUTANTS = {}


def mutant(invariants, *favour):
    """Note a way to break the code, and the invariants one of which must tell when `favour` befalls often."""

    def keep(change):
        MUTANTS[change.__name__] = (change, invariants, favour)
        return change

    return keep


@mutant({"I1", "I5", "I4"})
def the_hub_takes_whatever_comes_last(monkeypatch):
    def last(state, op, column, _outcome):
        state.row[column] = op.fields[column]
        state.cells[column] = list(op.stamp)

    monkeypatch.setitem(merge._MERGES, "lww", last)


@mutant({"I2", "I1"})
def a_batch_is_taken_for_acknowledged_when_it_was_only_sent(monkeypatch):
    real = console.Console.outgoing

    def outgoing(self, *bounds):
        batch = real(self, *bounds)
        if batch is not None:
            self.note(acked=batch.last, state={**self.peer["state"], "chain": batch.chains()[-1]})
        return batch

    met = console.Console.met

    def trusting(self, hello):
        peer = self.peer
        if peer["epoch"] == hello["epoch"] and peer["acked"] > hello["acked"]:
            hello = {**hello, "acked": peer["acked"], "chain": peer["state"]["chain"]}
        return met(self, hello)

    monkeypatch.setattr(console.Console, "outgoing", outgoing)
    monkeypatch.setattr(console.Console, "met", trusting)


@mutant({"I3", "unique", "no", "I1", "I2"})
def the_hub_does_not_look_for_what_it_has_already(monkeypatch):
    real = Hub._entry

    def entry(self, *how, **more):
        return {**real(self, *how, **more), "acked": 0}

    monkeypatch.setattr(Hub, "_entry", entry)


@mutant({"I4"})
def pages_end_within_transactions(monkeypatch):
    monkeypatch.setattr(MemoryShelf, "log", lambda self, after, most: [e for e in self.d["log"] if e["hub_seq"] > after][:most])


@mutant({"I5", "I1", "I10", "I3"})
def the_clock_forgets_what_it_has_seen(monkeypatch):
    monkeypatch.setattr(console, "observe", lambda last, stamp, now_us, drift_us=0: last)
    monkeypatch.setattr(MemoryShelf, "write", _write_by_the_wall)


def _write_by_the_wall(self, changes, *, now_us, txn, real=MemoryShelf.write):
    self.d["here"] = {**self.d["here"], "hlc": 0}
    real(self, changes, now_us=now_us, txn=txn)


@mutant({"I6"})
def what_lost_is_not_noted(monkeypatch):
    monkeypatch.setattr(hub.conflicts, "record", lambda *_how, **_more: [])


@mutant({"I1", "I9"}, TIME, COMPACT)
def tombstones_go_without_a_trace(monkeypatch):
    real = MemoryShelf.keep

    def keep(self, states, known):
        real(self, states, known)
        for key, (row, cells) in states.items():
            if row is None and "gone" in cells:
                del self.d["cells"][key]
        return []

    monkeypatch.setattr(MemoryShelf, "keep", keep)


@mutant({"I10", "I5", "I1", "I2"}, CLOCK)
def no_stamp_is_too_far_ahead(monkeypatch):
    monkeypatch.setattr(console, "DRIFT_US", 1 << 60)
    monkeypatch.setattr(hub, "observe", lambda last, stamp, now_us: max(last, stamp))
    monkeypatch.setattr(console, "observe", lambda last, stamp, now_us: last)


@mutant({"I2", "I1"}, BACKUP, RESTORE)
def a_restored_hub_is_taken_for_the_same(monkeypatch):
    def restored(self):
        self._set_meta(restored_head=self._shelf.head())
        return self.epoch

    monkeypatch.setattr(Hub, "restored", restored)


@mutant({"I2", "I1"}, BACKUP, RESTORE)
def devices_let_go_of_what_no_backup_holds(monkeypatch):
    real = console.Console.receipt

    def receipt(self, answer):
        real(self, {**answer, "durable": answer["acked"]})

    monkeypatch.setattr(console.Console, "receipt", receipt)


@mutant({"I2", "I1", "I3", "unique"}, CLONE)
def a_copied_disk_goes_on_under_one_name(monkeypatch):
    monkeypatch.setattr(console.Console, "_is_foreign", lambda *_how: False)
    real = Hub.receive

    def receive(self, batch, device):
        entry = self._shelf.get("sync_replicas", batch.replica)
        if entry and entry["acked"] >= batch.after:
            chains = [batch.chain, *batch.chains()]
            at = entry["acked"] - batch.after
            if at < len(chains):
                self._shelf.put("sync_replicas", {**entry, "chain": chains[at]})
        return real(self, batch, device)

    monkeypatch.setattr(Hub, "receive", receive)


@mutant({"I5", "I6", "I1", "I2"})
def remote_changes_are_applied_before_ours_are_sealed(monkeypatch):
    monkeypatch.setattr(console, "seal", lambda shelf, most=0: 0)
    real = console.Console.outgoing

    def outgoing(self, *bounds):
        sealing.seal(self._shelf)
        return real(self, *bounds)

    monkeypatch.setattr(console.Console, "outgoing", outgoing)


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_broken_protocol_is_found_out(name, monkeypatch):
    change, invariants, favour = MUTANTS[name]
    change(monkeypatch)
    assert breaks(60, favour=favour) & invariants


def test_progress_before_a_cut_is_repeated_by_one_batch_at_most():
    """I7: what the hub has is handed over again only as part of the one batch whose answer was lost."""
    assert max(run(seed).most_resent for seed in range(12)) <= 5


def test_the_hubs_log_holds_no_more_than_the_slowest_console_needs():
    """I8."""
    for seed in range(6):
        world = run(seed)
        world.now_us += 10 * 86_400_000_000
        world._at_hub(lambda hub: hub.compact(keep_us=0, expire_us=1 << 60, tombstone_us=1 << 60))
        cursors = [row["cursor"] for row in world.hub.d["plain"]["sync_replicas"].values()]
        assert all(entry["hub_seq"] > min(cursors) for entry in world.hub.d["log"])


def test_a_clock_of_the_past_wins_nothing_and_one_of_the_future_is_bounded():
    assert hlc.tick(10, 5) == 11
    assert hlc.tick(10, 50) == 50
    assert hlc.observe(10, 60, 50) == 60
    with pytest.raises(Exception, match="ahead of this clock"):
        hlc.observe(10, 50 + hlc.DRIFT_US + 1, 50)
