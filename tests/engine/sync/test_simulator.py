"""Histories of consoles and a hub with everything going wrong, from seeds; `benchmarks/sync_simulate.py` plays many more."""

import json
from dataclasses import replace

import pytest

from app.engine.sync import console, covered, hlc, hub, merge, ops, ownlog, reading, rewriting, rules, sealing, snapshot, taking
from app.engine.sync.hub import Hub
from app.engine.sync.merge import Outcome
from app.engine.sync.ownlog import MOVED
from tests.engine.sync.checks import DAY_US, breaks, peer_of
from tests.engine.sync.simulator import ANEW, BACKUP, CLOCK, CLONE, COMPACT, OLDER, RESTORE, STAYS, STICK, TIME, World, run

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
KEPT_SINCE = (631, 818, 1420, 3986, 7009, 8257, 20093, 20273, 34843, 39759, 40153, 40331)  # with all that may befall today


@pytest.mark.parametrize("first", range(0, len(SEEDS), 10))
def test_whatever_befalls_them_they_end_equal_and_nothing_is_lost(first):
    for seed in SEEDS[first : first + 10]:
        run(seed)


@pytest.mark.parametrize("seed", KEPT)
def test_histories_that_broke_once_hold(seed):
    run(seed, events=range(6), hub_turns=False)  # what could befall when they did


@pytest.mark.parametrize("seed", KEPT_SINCE)
def test_histories_that_broke_later_hold(seed):
    run(seed, hub_turns=False)


@pytest.mark.parametrize(
    ("favour", "seed"),
    [
        ((), 107362),
        ((CLOCK, STAYS, STICK), 950),
        ((CLOCK, STICK), 1430),
        ((CLOCK, STICK), 5243),
        ((CLOCK, STICK), 5565),
        ((CLOCK, CLONE, STICK), 700008),
        ((TIME, COMPACT, STICK), 700131),
        ((OLDER, STICK, CLOCK), 730090),
        ((STAYS, STICK), 740464),
        ((OLDER, STICK, CLOCK), 740575),
        ((CLOCK, STICK), 742246),
        ((TIME, COMPACT, STICK), 742619),
        ((CLOCK, STICK), 742834),
        ((CLOCK, STICK), 742862),
        ((CLOCK,), 743441),
        ((), 401492),
        ((), 1021678),
        ((), 1044138),
    ],
)
def test_histories_that_broke_with_clocks_of_hubs_that_turn_hold(favour, seed):
    run(seed, favour=favour)


def test_a_long_history_that_broke_holds():
    run(24159, 66, favour=(TIME, COMPACT, OLDER), hub_turns=False)


@pytest.mark.parametrize(
    ("favour", "seed"),
    [
        ((CLOCK, STAYS), 1),
        ((CLOCK, CLONE, STICK), 2081),
        ((CLOCK, CLONE, STICK), 2095),
        ((TIME, COMPACT), 2973),
        ((CLONE, STICK, OLDER), 5603),
        ((CLONE, STICK, OLDER), 6428),
        ((TIME, CLOCK, BACKUP), 11100),
        ((CLOCK, STAYS, ANEW), 24855),
        ((CLOCK, OLDER, ANEW), 24858),
    ],
)
def test_histories_that_broke_where_some_things_befell_often_hold(favour, seed):
    run(seed, favour=favour, hub_turns=False)


@pytest.mark.parametrize(("favour", "seed"), [((CLOCK,), 218), ((CLONE,), 3), ((CLONE, STAYS), 1)])
def test_histories_hold_where_a_log_is_written_anew_in_slices_with_kills_in_between(monkeypatch, favour, seed):
    monkeypatch.setattr(rewriting, "SLICE", 1)
    world = World(seed, favour=favour)
    world.play()
    world.check()
    assert world.sliced > 5


MUTANTS = {}


def mutant(invariant, *favour):
    """Note a way to break the code, and the invariant that must tell when `favour` befalls often."""

    def keep(change):
        MUTANTS[change.__name__] = (change, invariant, favour)
        return change

    return keep


@mutant("I1")
def the_hub_takes_whatever_comes_last(monkeypatch):
    def last(state, op, column, _outcome):
        state.row[column] = op.fields[column]
        state.cells[column] = list(op.stamp)

    monkeypatch.setitem(merge._MERGES, "lww", last)


@mutant("I2")
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


@mutant("I2")
def what_stands_right_behind_the_mark_is_passed_over(monkeypatch):
    real = console.Console.outgoing

    def outgoing(self, *bounds):
        batch = real(self, *bounds)
        if batch is None or not batch.after or batch.ops[0].left:
            return batch
        return replace(batch, after=batch.after + 1, chain=batch.chains()[0], ops=batch.ops[1:])

    monkeypatch.setattr(console.Console, "outgoing", outgoing)


@mutant("I2", CLOCK)
def a_hub_whose_clock_was_put_right_goes_by_it_at_once(monkeypatch):
    monkeypatch.setattr(hub, "time_at", lambda _kept, wall_us: wall_us)


@mutant("I3")
def the_hub_does_not_look_for_what_it_has_already(monkeypatch):
    real = Hub._entry

    def entry(self, *how, **more):
        return {**real(self, *how, **more), "acked": 0}

    monkeypatch.setattr(Hub, "_entry", entry)


@mutant("I4")
def transactions_are_taken_for_single_changes(monkeypatch):
    monkeypatch.setattr(sealing, "_left", lambda told: [0] * len(told))


@mutant("I5", CLOCK)
def the_clock_forgets_what_it_has_seen(monkeypatch):
    for side in (hub, taking):
        monkeypatch.setattr(side, "observe", lambda last, stamp, now_us, drift_us=0: last)


@mutant("I6")
def what_lost_is_not_noted(monkeypatch):
    monkeypatch.setattr(hub.conflicts, "record", lambda *_how, **_more: [])


@mutant("I6")
def a_deletion_covers_what_its_writer_had_not_seen(monkeypatch):
    monkeypatch.setattr(covered, "losses_of", lambda *_how: [])


@mutant("I9", TIME, COMPACT)
def tombstones_go_without_a_trace(monkeypatch):
    monkeypatch.setattr(hub, "GONE", "forgotten")  # what is put in their place says nothing to anybody


@mutant("I10", CLOCK)
def no_stamp_is_too_far_ahead(monkeypatch):
    monkeypatch.setattr(ownlog, "DRIFT_US", 1 << 60)
    monkeypatch.setattr(hub, "observe", lambda last, stamp, now_us: max(last, stamp))
    monkeypatch.setattr(taking, "observe", lambda last, stamp, now_us: last)


@mutant("I1", BACKUP, RESTORE)
def a_restored_hub_is_taken_for_the_same(monkeypatch):
    def restored(self):
        self._set_meta(restored_head=self._shelf.head())
        return self.epoch

    monkeypatch.setattr(Hub, "restored", restored)


@mutant("I11", BACKUP, RESTORE)
def devices_let_go_of_what_no_backup_holds(monkeypatch):
    real = console.Console.receipt

    def receipt(self, answer):
        real(self, {**answer, "durable": answer["acked"]})

    monkeypatch.setattr(console.Console, "receipt", receipt)


@mutant("I1", BACKUP, OLDER)
def a_hub_is_not_handed_what_was_let_go_of(monkeypatch):
    monkeypatch.setattr(snapshot.join, "beyond", lambda *_how: None)


@mutant("I11", BACKUP, ANEW)
def operations_that_were_let_go_of_are_not_missed(monkeypatch):
    monkeypatch.setattr(ownlog.OwnLog, "let_go_after", lambda *_how: False)


@mutant("I2", STAYS)
def what_is_changed_while_its_table_stays_is_forgotten(monkeypatch):
    monkeypatch.setattr(sealing, "_stamp", lambda *_how: None)
    monkeypatch.setattr(rules, "release", lambda *_how: None)


@mutant("residency", STAYS)
def a_table_that_stays_is_told_of(monkeypatch):
    monkeypatch.setattr(sealing, "staying", lambda _shelf: frozenset())


@mutant("I5", STICK, BACKUP, RESTORE)
def a_snapshot_takes_back_what_a_bundle_brought(monkeypatch):
    monkeypatch.setattr(snapshot.join, "join", lambda *_how: Outcome())


@mutant("I2", CLONE)
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


@mutant("I5")
def remote_changes_are_applied_before_ours_are_sealed(monkeypatch):
    for part in (console, reading):
        monkeypatch.setattr(part, "seal", lambda shelf, most=0: 0)
    real = console.Console.outgoing

    def outgoing(self, *bounds):
        sealing.seal(self._shelf)
        return real(self, *bounds)

    monkeypatch.setattr(console.Console, "outgoing", outgoing)


@mutant("I7")
def the_log_is_read_from_its_beginning_after_a_cut(monkeypatch):
    real = console.Console.met

    def met(self, hello):
        due = real(self, hello)
        self.note(cursor=0)
        return due

    monkeypatch.setattr(console.Console, "met", met)


@mutant("I7")
def what_was_handed_over_is_handed_over_from_its_beginning_after_a_cut(monkeypatch):
    met, receipt = console.Console.met, console.Console.receipt

    def at(self, acked):
        self.note(acked=acked, state={**self.peer["state"], "chain": self._shelf.chain(acked) or ops.FIRST_CHAIN})

    def anew(self, hello):
        due = met(self, hello)
        at(self, 0)
        return due

    def a_batch_further(self, answer):
        upto = min(self.peer["acked"] + 4, answer["acked"])
        receipt(self, answer)
        at(self, upto)

    monkeypatch.setattr(console.Console, "met", anew)
    monkeypatch.setattr(console.Console, "receipt", a_batch_further)


@mutant("I7", TIME, COMPACT)
def the_rows_of_a_hub_are_read_from_their_beginning_after_a_cut(monkeypatch):
    real = console.Console.met

    def met(self, hello):
        due = real(self, hello)
        self.note(state={name: value for name, value in self.peer["state"].items() if name != ownlog.PLACE})
        return due

    monkeypatch.setattr(console.Console, "met", met)


@mutant("I8")
def who_stays_away_holds_the_log_back_for_ever(monkeypatch):
    monkeypatch.setattr(hub, "EXPIRED", hub.LIVE)


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_broken_protocol_is_found_out(name, monkeypatch):
    change, invariant, favour = MUTANTS[name]
    change(monkeypatch)
    assert breaks(run, {invariant}, 60, favour=favour, hub_turns="hub_whose_clock" in name)


def test_a_clock_of_the_past_wins_nothing_and_one_of_the_future_is_bounded():
    assert hlc.tick(10, 5) == 11
    assert hlc.tick(10, 50) == 50
    assert hlc.observe(10, 60, 50) == 60
    with pytest.raises(Exception, match="ahead of this clock"):
        hlc.observe(10, 50 + hlc.DRIFT_US + 1, 50)


@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize("writer_first", [False, True])
def test_what_a_stick_brought_from_a_clock_as_wrong_as_ours_holds_nothing_back(over, writer_first):
    world = World(0, consoles=2, trouble=0.0)
    one, other = world.machines

    def write(machine, row, value):
        world.now_us += 1_000_000
        machine.shelf.write([(row, {"a": value})], now_us=world.now_us + machine.skew_us, txn=value)

    write(one, "r1", "before")
    for machine in (one, other, one):
        world.meet(machine)
    one.skew_us = other.skew_us = 3 * DAY_US
    write(one, "r1", "ahead")
    write(one, "r2", "ahead")
    world.from_peer(one, other)()
    assert other.shelf.d["rows"]["things", "r2"]["a"] == "ahead"
    if over:
        write(other, "r1", "over it")
    one.skew_us = other.skew_us = 0
    for machine in (one, one, other, other) if writer_first else (other, other, one, one):
        world.now_us += 1_000_000
        world.meet(machine)
    for machine in (one, other):
        assert not machine.shelf.d["outbox"]
        assert peer_of(machine)["acked"] == machine.shelf.d["here"]["seq"]
    assert other.shelf.d["rows"]["things", "r2"]["a"] == "ahead"
    write(one, "r1", "then")
    world.heal()
    write(one, "r2", "then")
    world.heal()
    for shelf in (world.hub, one.shelf, other.shelf):
        assert shelf.d["rows"]["things", "r2"]["a"] == "then"
    world._check_converged()


@pytest.mark.parametrize("released", [False, True])
def test_two_copies_of_a_disk_that_write_at_one_moment_what_stays_lose_neither_value(released):
    world = World(0, consoles=1, trouble=0.0)
    (one,) = world.machines
    one.shelf.write([("r1", {"a": "before"})], now_us=world.now_us, txn="t")
    world.meet(one)
    world.clone()
    _, other = world.machines
    for machine in (one, other):
        world.stay(machine)
        machine.shelf.write([("r1", {"a": f"of {machine.name}"})], now_us=world.now_us + 1, txn="t")
        if released:
            world.stay(machine)
    for machine in (one, other):
        machine.shelf.write([("r2", {"a": f"then {machine.name}"})], now_us=world.now_us + 2, txn="u")
    world.heal()
    told = {machine.shelf.d["rows"]["things", "r1"]["a"] for machine in (one, other)}
    met = [row for key, row in world.hub.d["rows"].items() if key[0] == "sync_conflicts" and row["row_id"] == "r1"]
    assert len(told) == 1
    assert {*told, *(row["lost"]["value"] for row in met)} == {f"of {one.name}", f"of {other.name}"}


def test_what_a_stick_told_and_its_writer_has_given_another_time_since_is_compared_with_the_hub():
    world = World(0, consoles=2, trouble=0.0)
    one, other = world.machines

    def write(machine, value):
        world.now_us += 1_000_000
        machine.shelf.write([("r1", {"a": value})], now_us=world.now_us, txn=value)

    write(one, "before")
    for machine in (one, other):
        world.meet(machine)
    world.now_us += 3_600_000_000
    write(other, "of the other")
    write(one, "of the one")
    world.from_peer(one, other)()
    assert other.shelf.d["rows"]["things", "r1"]["a"] == "of the one"
    world.hub_skew_us = -3 * DAY_US  # it goes on from what it told before, and the stamps are an hour ahead of that
    world.meet(one)
    world.hub_skew_us = 0
    world.meet(other)
    assert peer_of(other)["state"][MOVED]
    world.heal()
    world._check_converged()
    assert MOVED not in peer_of(other)["state"]
    assert other.shelf.d["rows"]["things", "r1"]["a"] == "of the other"
    noted = [row["lost"]["value"] for key, row in world.hub.d["rows"].items() if key[0] == "sync_conflicts"]
    assert "of the one" in noted


def test_stamps_are_remembered_only_where_sticks_may_have_told_of_them():
    world = World(0, consoles=2, trouble=0.0)
    one, other = world.machines
    for machine in (one, other):
        machine.skew_us = 3 * DAY_US
    world.from_peer(one, other)
    one.shelf.write([("r1", {"a": "ahead"})], now_us=world.now_us + one.skew_us, txn="t")
    world.meet(one)
    (told,) = (json.loads(op) for _, op, _ in world.hub.d["tap"])
    assert told["bore"] == [[world.now_us + one.skew_us, one.shelf.d["here"]["replica"]]]
    world = World(0, consoles=1, trouble=0.0)
    (one,) = world.machines
    one.shelf.write([("r1", {"a": "ahead"})], now_us=world.now_us + 3 * DAY_US, txn="t")
    world.meet(one)
    (told,) = (json.loads(op) for _, op, _ in world.hub.d["tap"])
    assert "bore" not in told


def test_what_stood_at_the_hub_is_told_where_a_row_that_stayed_covers_it_by_what_a_stick_brought():
    world = World(0, consoles=3, trouble=0.0)
    one, other, third = world.machines

    def write(machine, value):
        world.now_us += 1_000_000
        machine.shelf.write([("r1", {"a": value})], now_us=world.now_us, txn=value)

    write(one, "before")
    for machine in world.machines:
        world.meet(machine)
    write(one, "at the hub")
    write(other, "on the stick")
    world.from_peer(other, third)()
    world.stay(third)
    write(third, "stayed")
    world.stay(third)
    for machine in (one, third):
        world.meet(machine)
    noted = [row["lost"]["value"] for key, row in world.hub.d["rows"].items() if key[0] == "sync_conflicts"]
    assert noted == ["at the hub"]
    world.heal()
    noted = [row["lost"]["value"] for key, row in world.hub.d["rows"].items() if key[0] == "sync_conflicts"]
    assert noted == ["at the hub"]


def test_what_the_hub_took_is_taken_by_whose_clock_is_as_far_behind_the_hub_as_its_writers_is_ahead():
    world = World(0, consoles=2, trouble=0.0)
    one, other = world.machines
    world.hub_skew_us, one.skew_us = 200_000_000, 450_000_000
    one.shelf.write([("r1", {"a": "ahead"})], now_us=world.now_us + one.skew_us, txn="t")
    for machine in (one, other):
        world.meet(machine)
    assert other.shelf.d["rows"]["things", "r1"]["a"] == "ahead"


def test_a_clock_that_was_put_right_stays_so_over_sticks_that_were_written_before():
    world = World(0, consoles=1, trouble=0.0)
    (one,) = world.machines
    world.meet(one)
    for skew_us in (DAY_US, 0):
        world.now_us += 1_000_000
        stick = world.from_hub(one, one)
        one.skew_us = skew_us
        stick()
        assert one.shelf.d["here"]["skew_us"] == 0
