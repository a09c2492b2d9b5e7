"""A hub on a real store: what it takes, what it refuses with nothing half-applied, what it keeps and lets go of."""

import json
from dataclasses import replace

import pytest

from app.engine.base.errors import BadInput, Conflict, Refused
from app.engine.store import rows
from app.engine.store.store import Store
from app.engine.sync import console as consoles
from app.engine.sync import forgetting, merge, reading
from app.engine.sync import hub as hubs
from app.engine.sync.batch import Batch, decode, encode
from app.engine.sync.hlc import DRIFT_US
from app.engine.sync.hub import Hub
from app.engine.sync.later import retry_later
from app.engine.sync.sealing import SCHEMA
from tests.engine.sync.places import BY, batch_of, exchange, meet, push, snapshot


async def test_every_table_travels_there_and_back_with_every_value(places):
    hub, ann, bob = places
    await ann.save("edge_nodes", name="pump", labels={"line": "2"}, location_lat=0.1 + 0.2, node_identifier="d1")
    await ann.save("edge_deployments", deployment_name="r", target_nodes=["a", "b"], status="planned")
    await ann.save("circuit_runs", title="bell", spec={"shots": 5}, result=None)
    for console, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub, console, device, most=2)
    local = {"base_version", "cursor_seq", "cursor_epoch", "last_heartbeat", "status", "home", "models"}
    for table in ("edge_nodes", "edge_deployments", "circuit_runs"):
        told = [[{k: v for k, v in row.items() if k not in local or (table == "edge_deployments" and k == "status")}
                 for row in await place.all(table)] for place in places]  # fmt: skip
        assert told[0] == told[1] == told[2] != []


async def test_a_batch_that_came_twice_or_again_after_the_next_has_the_effect_of_one(places):
    hub, ann, _ = places
    await ann.save(name="north")
    first = await batch_of(hub, ann)
    for _ in range(3):
        answer = await hub.hub(lambda one: one.receive(first, "ann"))
    assert (answer["acked"], answer["taken"]) == (1, 0)
    await ann.console(lambda one: one.receipt(answer))
    await ann.save(name="south")
    await push(hub, ann, "ann")
    assert (await hub.hub(lambda one: one.receive(first, "ann")))["acked"] == 2
    assert (await hub.count("sync_log"), len(await hub.all())) == (2, 2)


async def test_a_batch_that_was_cut_short_and_grown_is_taken_from_where_the_hub_stands(places):
    hub, ann, _ = places
    await ann.save(name="north")
    first = await batch_of(hub, ann)
    await hub.hub(lambda one: one.receive(first, "ann"))  # its answer is lost
    await ann.save(name="south")
    second = await ann.console(lambda one: one.outgoing(100, 1 << 20))
    assert [op.seq for op in second.ops] == [1, 2]
    assert (await hub.hub(lambda one: one.receive(second, "ann")))["taken"] == 1


def forged(batch):
    op = batch.ops[0]
    return {
        "gap": (replace(batch, after=3, ops=(replace(op, seq=4),)), "ann", "are missing", Conflict),
        "epoch": (replace(batch, epoch="other"), "ann", "restored since", Conflict),
        "device": (batch, "mallory", "another device", Refused),
        "table": (replace(batch, ops=(replace(op, table="passwords"),)), "ann", "no table", BadInput),
        "local table": (replace(batch, ops=(replace(op, table="audit"),)), "ann", "no table", BadInput),
        "future": (replace(batch, ops=(replace(op, hlc=op.hlc + 2 * DRIFT_US),)), "ann", "ahead of this clock", Conflict),
        "value": (replace(batch, ops=(op, replace(op, seq=2, table="edge_nodes", row="x", fields={"labels": 5}))), "ann",
                  "a set", BadInput),
        "nobody": (replace(batch, replica=""), "ann", "names its replica", BadInput),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["gap", "epoch", "device", "table", "local table", "future", "value", "nobody"])
async def test_what_is_wrong_is_refused_and_nothing_of_it_is_applied(places, kind):
    hub, ann, _ = places
    await ann.save(name="north")
    batch, device, reason, error = forged(await batch_of(hub, ann))[kind]
    before = [await hub.count("sync_log"), await hub.all(), await hub.all("sync_replicas")]
    with pytest.raises(error, match=reason):
        await hub.hub(lambda one: one.receive(batch, device))
    assert [await hub.count("sync_log"), await hub.all(), await hub.all("sync_replicas")] == before
    await exchange(hub, ann, "ann")
    assert [row["name"] for row in await hub.all()] == ["north"]


async def test_a_log_rewritten_behind_the_hubs_back_is_refused(places):
    hub, ann, _ = places
    await ann.save(name="north")
    batch = await batch_of(hub, ann)
    await hub.hub(lambda one: one.receive(batch, "ann"))
    other = replace(batch, ops=(replace(batch.ops[0], fields={"name": "else"}),))
    with pytest.raises(Conflict, match="copied or set back") as caught:
        await hub.hub(lambda one: one.receive(other, "ann"))
    assert caught.value.field == "fork"


async def fences(places):
    """I15: of two that believe they lead, only the later one writes."""
    hub, ann, _ = places
    await ann.save(name="north")
    batch = await batch_of(hub, ann)
    old = await hub.hub(lambda one: one.lead())
    new = await hub.hub(lambda one: one.lead())
    with pytest.raises(Conflict, match="taken over"):
        await hub.hub(lambda one: one.receive(batch, "ann"), old)
    assert await hub.count("sync_log") == 0
    assert (await hub.hub(lambda one: one.receive(batch, "ann"), new))["taken"] == 1


async def test_of_two_hubs_on_one_store_only_the_later_one_writes(places):
    await fences(places)


async def test_a_hub_that_does_not_look_at_its_term_is_found_out(places, monkeypatch):
    real = Hub.__init__
    monkeypatch.setattr(Hub, "__init__", lambda self, shelf, now_us, _term=None: real(self, shelf, now_us))
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        await fences(places)


async def test_two_hubs_that_lead_within_one_microsecond_have_different_terms(places, monkeypatch):
    hub, *_ = places
    assert await hub.hub(lambda one: one.lead()) < await hub.hub(lambda one: one.lead())
    monkeypatch.setattr(Hub, "lead", lambda self: self._now_us)
    assert await hub.hub(lambda one: one.lead()) == await hub.hub(lambda one: one.lead())


async def keeps_what_it_does_not_know(places, monkeypatch):
    """I12: a table and a column of a later version come through an older hub, and are there once it knows them."""
    hub, ann, bob = places
    await ann.save(name="north")
    batch = await batch_of(hub, ann)
    op = batch.ops[0]
    later = (replace(op, table="edge_moods", schema=SCHEMA + 1), replace(op, seq=2, fields={**op.fields, "mood": "calm"}))
    await hub.hub(lambda one: one.receive(replace(batch, ops=later), "ann"))
    assert [row["name"] for row in await hub.all()] == ["north"]
    await exchange(hub, bob, "bob")
    with monkeypatch.context() as patch:
        patch.setattr(merge, "apply", known_as("mood", "filter", merge.apply))  # as after an update that knows it
        for place in (hub, bob):
            assert await place._quiet(retry_later) == 1
    for place in (hub, bob):
        kept = [json.loads(row["op"]) for row in await place.all("sync_later")]
        assert [(one["table"], "mood" in one["fields"]) for one in kept] == [("edge_moods", False)]
        assert [row["filter"] for row in await place.all()] == ["calm"]


def known_as(name, column, real):
    def apply(state, op, kinds, fresh, **how):
        if name in state.cells:
            state.cells[column] = state.cells.pop(name)
        fields = {column if key == name else key: value for key, value in op.fields.items()}
        return real(state, replace(op, fields=fields), kinds, fresh, **how)

    return apply


async def test_an_operation_of_a_later_version_is_kept_for_the_day_it_is_known(places, monkeypatch):
    await keeps_what_it_does_not_know(places, monkeypatch)


@pytest.mark.parametrize("side", ["hub", "console"])
async def test_a_program_that_drops_what_it_does_not_know_is_found_out(places, monkeypatch, side):
    real = merge.apply

    def apply(state, op, kinds, fresh, *, judge=None, **how):
        outcome = real(state, op, kinds, fresh, judge=judge, **how)
        if (judge is not None) == (side == "hub"):
            outcome.unknown.clear()
        return outcome

    monkeypatch.setattr(merge, "apply", apply)
    with pytest.raises(AssertionError):
        await keeps_what_it_does_not_know(places, monkeypatch)


@pytest.mark.parametrize("hub_database", [""])
async def test_a_bundle_of_a_later_version_is_kept_for_the_day_it_is_known(places):
    _, ann, bob = places
    await ann.save(name="north")
    batch = await ann.console(lambda one: one.outgoing(9, 1 << 20), "bob")
    later = replace(batch.ops[0], fields={**batch.ops[0].fields, "mood": "calm"}, schema=SCHEMA + 1)
    await bob.console(lambda one: one.take_batch(replace(batch, ops=(later,))), "ann")
    assert [json.loads(row["op"])["fields"] for row in await bob.all("sync_later")] == [{"mood": "calm"}]


@pytest.mark.parametrize("hub_database", [""])
async def test_who_took_a_snapshot_of_a_later_version_takes_another_once_it_has_that_version(places, monkeypatch):
    hub, _, bob = places
    hello = await hub.hub(lambda one: one.hello("aa", "bob", "bob", SCHEMA))
    newer = {**hello, "data_schema": SCHEMA + 1}
    page = await hub.hub(lambda one: one.snapshot(("", "")))
    assert not await bob.console(lambda one: one.met(newer))
    await bob.console(lambda one: one.take_snapshot(page))
    assert not await bob.console(lambda one: one.met(newer))
    for part in (consoles, reading):
        monkeypatch.setattr(part, "SCHEMA", SCHEMA + 1)
    for _ in range(2):  # cut once before it is taken
        assert await bob.console(lambda one: one.met(newer))
    await bob.console(lambda one: one.take_snapshot(page))
    assert not await bob.console(lambda one: one.met(newer))


async def test_an_operation_of_an_earlier_version_is_that_of_this_one_with_defaults(places):
    hub, ann, bob = places
    await ann.save(name="north")
    batch = await batch_of(hub, ann)
    old = replace(batch.ops[0], schema=SCHEMA - 1, fields={k: v for k, v in batch.ops[0].fields.items() if k != "grouping"})
    await hub.hub(lambda one: one.receive(replace(batch, ops=(old,)), "ann"))
    await exchange(hub, bob, "bob")
    told = [{k: v for k, v in (await place.all())[0].items() if k != "base_version"} for place in places]
    assert told[0] == told[1] == told[2]


async def test_a_log_let_go_of_whole_goes_on_behind_it(places):
    hub, ann, bob = places
    await ann.save(name="north")
    for _ in range(2):
        await exchange(hub, ann, "ann")
    hub.clock.advance(1.0)
    told = await hub.hub(lambda one: one.compact(keep_us=0, expire_us=1 << 60, tombstone_us=1 << 60))
    assert (told["floor"], told["head"], await hub.count("sync_log")) == (1, 1, 0)
    assert (await exchange(hub, ann, "ann"))["cursor"] == 1
    assert await meet(hub, bob, "bob") is True
    page = await hub.hub(lambda one: one.snapshot(("", "")))
    await bob.console(lambda one: one.take_snapshot({**page, "next": None}))
    assert await meet(hub, bob, "bob") is False
    await bob.save(name="south")
    for console, device in ((bob, "bob"), (ann, "ann")):
        await exchange(hub, console, device)
    assert {row["name"] for row in await ann.all()} == {"north", "south"}


async def test_the_log_goes_when_every_console_has_it_and_who_was_away_too_long_takes_a_snapshot(places):
    hub, ann, bob = places
    await exchange(hub, bob, "bob")
    for name in ("north", "south"):
        await ann.save(name=name)
        await exchange(hub, ann, "ann")
    compact = {"keep_us": 0, "expire_us": 10_000_000, "tombstone_us": 0}
    hub.clock.advance(1.0)
    assert (await hub.hub(lambda one: one.compact(**compact)))["floor"] == 0  # bob has seen nothing of it
    hub.clock.advance(20.0)
    await exchange(hub, ann, "ann")
    assert (await hub.hub(lambda one: one.compact(**compact)))["floor"] == 2
    assert await hub.count("sync_log") == 0
    assert await meet(hub, bob, "bob") is True
    page = await hub.hub(lambda one: one.snapshot(("", "")))
    await bob.console(lambda one: one.take_snapshot(page))
    last = await hub.hub(lambda one: one.snapshot(tuple(page["next"])))
    await bob.console(lambda one: one.take_snapshot({**last, "after": page["next"]}))
    assert sorted(row["name"] for row in await bob.all()) == ["north", "south"]


async def test_a_tombstone_that_the_hub_lets_go_of_is_let_go_of_by_every_console(places):
    hub, ann, bob = places
    view = await ann.save(name="old")
    for place, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub, place, device)
    now_us = ann.clock.now_us()
    await ann.store.write(lambda conn: rows.delete(conn, "saved_views", view["id"], now_us=now_us, **BY))
    for _ in range(2):
        for place, device in ((ann, "ann"), (bob, "bob")):
            await exchange(hub, place, device)
    assert [await count_all(place) for place in places] == [1, 1, 1]
    hub.clock.advance(2.0)
    told = await hub.hub(lambda one: one.compact(keep_us=0, expire_us=1 << 60, tombstone_us=1_000_000))
    assert told["purged"] == 1
    for place, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub, place, device)
    assert [await count_all(place) for place in places] == [0, 0, 0]
    await bob.save(id=view["id"], name="again")
    for place, device in ((bob, "bob"), (ann, "ann")) * 2:
        await exchange(hub, place, device)
    assert [await place.all() for place in places] == [[]] * 3


async def count_all(place):
    """Return how many rows there are, with those that are deleted."""
    return await place.store.read(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM saved_views").scalar_one())


async def test_who_asks_ahead_holds_the_log_until_it_has_what_it_asked_for(places):
    hub, ann, bob = places
    for name in ("north", "south"):
        await ann.save(name=name)
    await exchange(hub, ann, "ann")
    await meet(hub, bob, "bob")
    replica, epoch = await bob.replica(), (await bob.console(lambda one: one.peer))["epoch"]
    await hub.hub(lambda one: one.page(replica, "bob", 2, epoch, seen=1))
    hub.clock.advance(1.0)
    await exchange(hub, ann, "ann")
    told = await hub.hub(lambda one: one.compact(keep_us=0, expire_us=1 << 60, tombstone_us=1 << 60))
    assert told["floor"] == 1


async def test_a_device_lets_go_of_what_a_backup_of_the_hub_holds_and_of_nothing_else(places):
    hub, ann, _ = places
    await ann.save(name="north")
    await exchange(hub, ann, "ann")
    assert await ann.count("sync_ops") == 1
    acked = await hub.hub(lambda one: one.acked())
    await hub.hub(lambda one: one.backed_up(acked))
    await ann.save(name="south")
    await exchange(hub, ann, "ann")
    assert [row["seq"] for row in await ann.all("sync_ops")] == [2]


async def test_two_rows_for_one_device_become_the_older_one_and_the_other_is_told(places):
    hub, ann, bob = places
    one = await ann.save("edge_nodes", name="pump", node_identifier="d1")
    other = await bob.save("edge_nodes", name="pump 2", node_identifier="d1")
    for console, device in ((ann, "ann"), (bob, "bob"), (ann, "ann"), (bob, "bob")):
        await exchange(hub, console, device)
    kept = min(one["id"], other["id"])
    for place in places:
        assert [row["id"] for row in await place.all("edge_nodes")] == [kept]
        assert [row["reason"] for row in await place.all("sync_conflicts")] == ["twin"]


async def test_a_page_beyond_the_log_or_of_another_epoch_is_refused(places):
    hub, ann, _ = places
    await exchange(hub, ann, "ann")
    replica = await ann.replica()
    epoch = (await ann.console(lambda one: one.peer))["epoch"]
    with pytest.raises(Conflict, match="not been written"):
        await hub.hub(lambda one: one.page(replica, "ann", 99, epoch))
    with pytest.raises(Conflict, match="restored since"):
        await hub.hub(lambda one: one.page(replica, "ann", 0, "else"))
    await hub.save(name="not for ann yet")
    await hub.hub(lambda one: one.restored())  # while a snapshot is under way
    with pytest.raises(Conflict, match="restored since"):
        await snapshot(hub, ann)
    assert await ann.all() == []


async def test_a_store_set_back_to_an_earlier_day_goes_on_under_a_new_name_and_loses_nothing(places, tmp_path):
    hub, ann, bob = places
    await ann.save(name="north")
    await exchange(hub, ann, "ann")
    await ann.store.backup(tmp_path / "earlier.db")
    await ann.save(name="south")
    await exchange(hub, ann, "ann")
    old = await ann.replica()
    await ann.store.close()
    await Store.swap(ann.store.path, tmp_path / "earlier.db", 1)
    ann.store = await Store.open(ann.store.path, ann.clock)
    await ann.save(name="west")
    await exchange(hub, ann, "ann")
    await exchange(hub, bob, "bob")
    assert await ann.replica() != old
    for place in places:
        assert sorted(row["name"] for row in await place.all()) == ["north", "south", "west"]


async def test_two_consoles_meet_through_a_batch_alone_and_what_came_is_not_taken_twice(places):
    _, ann, bob = places
    await ann.save(name="north")
    await ann.console(lambda one: one.outgoing(1, 1))
    ops = await ann.console(lambda one: one._log.ops(0, 100))
    batch = Batch(await ann.replica(), "", 0, "0" * 32, tuple(ops))
    for _ in range(2):
        await bob.console(lambda one: one.take_batch(batch), peer="ann")
    assert [row["name"] for row in await bob.all()] == ["north"]
    assert await bob.count("outbox") == 0
    late = replace(batch, after=5, ops=(replace(ops[0], seq=6),))
    with pytest.raises(Conflict, match="Operations 2 to 5 are missing"):
        await bob.console(lambda one: one.take_batch(late), peer="ann")


@pytest.mark.parametrize("knew", [True, False])
async def test_what_a_stick_passed_on_before_its_writer_came_covers_only_what_that_one_had_seen(places, knew):
    hub, ann, bob = places
    view = await ann.save(name="first")

    async def names(place, name):
        place.clock.advance(1)
        await place.save(id=view["id"], name=name)

    for console, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub, console, device)
    if not knew:
        await names(hub, "unseen")
    await names(ann, "passed on")
    await names(ann, "passed on again")
    batch = await ann.console(lambda one: one.outgoing(100, 1 << 20), peer="bob")
    await bob.console(lambda one: one.take_batch(batch), peer="ann")
    await names(bob, "last")
    for console, device in ((bob, "bob"), (ann, "ann"), (bob, "bob")):
        await exchange(hub, console, device)
    for place in places:
        assert [row["name"] for row in await place.all()] == ["last"]
        told = await place.all("sync_conflicts", state="open")
        assert {row["lost"]["value"] for row in told} == (set() if knew else {"unseen"})


async def test_names_without_end_hold_no_log_back_and_leave_nothing(places, monkeypatch):
    hub, ann, _ = places
    monkeypatch.setattr(hubs, "MOST_LIVE", 3)
    await ann.save(name="north")
    await exchange(hub, ann, "ann")
    for number in range(6):
        hub.clock.advance(1.0)
        await hub.hub(lambda one, number=number: one.hello(f"made-up-{number}", "mallory", "mallory", SCHEMA))
    found = await hub.all("sync_replicas")
    assert sorted(row["device"] for row in found) == ["ann", *["mallory"] * 3]
    assert min(row["id"] for row in found if row["device"] == "mallory") != "made-up-0"
    own = await ann.replica()
    monkeypatch.setattr(forgetting, "MOST_KNOWN", 0)
    hub.clock.advance(100.0)
    for keep_us, left in ((1 << 60, [own]), (0, [own]), (0, [])):  # while its operations are in the log it is known by them
        await hub.hub(lambda one, keep_us=keep_us: one.compact(keep_us=keep_us, expire_us=10_000_000, tombstone_us=0))
        assert [row["id"] for row in await hub.all("sync_replicas")] == left
    await ann.save(name="south")
    await exchange(hub, ann, "ann")
    assert sorted(row["name"] for row in await hub.all()) == ["north", "south"]


async def test_a_device_that_wrote_under_many_names_is_known_by_all_and_the_last_alone_hold_the_log(places, monkeypatch):
    hub, ann, _ = places
    monkeypatch.setattr(hubs, "MOST_LIVE", 3)
    for number in range(5):
        told = {"id": f"was-{number}", "device": "ann", "state": "live", "acked": 5, "seen_us": number}
        await hub.store.write(lambda conn, told=told: rows.put(conn, "sync_replicas", told, now_us=0, **BY))
    await exchange(hub, ann, "ann")
    states = {row["id"]: row["state"] for row in await hub.all("sync_replicas")}
    assert len(states) == 6
    assert sorted(name for name, state in states.items() if state != "live") == ["was-0", "was-1", "was-2"]


async def test_what_only_a_stick_brought_is_known_however_long_its_writer_is_silent(places):
    hub, ann, bob = places
    for place, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub, place, device)
    made = await ann.save("edge_deployments", deployment_name="r", status="running")
    batch = await ann.console(lambda one: one.outgoing(100, 1 << 20))
    await hub.hub(lambda one: one.receive(decode(encode(batch)), "ann"))  # and nobody tells her
    for _ in range(2):
        hub.clock.advance(50.0)
        await exchange(hub, bob, "bob")
        await hub.hub(lambda one: one.compact(keep_us=0, expire_us=10_000_000, tombstone_us=0))
    assert {row["device"]: row["state"] for row in await hub.all("sync_replicas")} == {"ann": "expired", "bob": "live"}
    await exchange(hub, ann, "ann")
    assert await hub.count("sync_log") == 0
    assert [row["id"] for row in await bob.all("edge_deployments")] == [made["id"]]


async def test_who_was_silent_for_so_long_that_the_hub_forgot_it_hands_nothing_over_a_second_time(places, monkeypatch):
    hub, ann, bob = places
    monkeypatch.setattr(forgetting, "MOST_KNOWN", 0)
    made = await ann.save("edge_deployments", deployment_name="r", status="running")
    await exchange(hub, ann, "ann")
    for place, device, status in ((ann, "ann", "paused"), (bob, "bob", "running")):
        await exchange(hub, place, device)
        await place.save("edge_deployments", id=made["id"], status=status)
        await exchange(hub, place, device)
    compact = {"keep_us": 0, "expire_us": 10_000_000, "tombstone_us": 0}
    for _ in range(2):
        hub.clock.advance(50.0)
        await exchange(hub, bob, "bob")
        await hub.hub(lambda one: one.compact(**compact))
    assert [row["device"] for row in await hub.all("sync_replicas")] == ["bob"]
    await ann.save(name="waiting")
    with pytest.raises(Conflict, match="Operations 1 to 2 are missing") as told:  # by a stick
        await push(hub, ann, "ann")
    assert told.value.hint == "Exchange once over the network."
    for place, device in ((ann, "ann"), (bob, "bob"), (ann, "ann")):
        await exchange(hub, place, device)
    for place in places:
        assert [row["status"] for row in await place.all("edge_deployments")] == ["running"]
        assert [row["name"] for row in await place.all()] == ["waiting"]
        assert await place.all("sync_conflicts") == []
    assert await hub.count("sync_log") == 1
