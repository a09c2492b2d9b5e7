"""What a home says of its sync, and that one bad round is not the last."""

import asyncio

import pytest

from app.engine.base.errors import BadInput, Conflict, Limit, Missing
from app.engine.store import rows
from app.engine.store.shelf import Shelf
from app.engine.sync import rewriting, service
from app.engine.sync.console import Console
from app.engine.sync.exchange import Exchange
from app.engine.sync.sealing import mark_of
from app.hub.main import Host
from tests.meeting import opened


@pytest.fixture
async def engine(tmp_path):
    async with opened(tmp_path / "home") as engine:
        yield engine


async def put(engine, table, *given):
    def work(conn):
        for at, row in enumerate(given):
            rows.put(conn, table, row, actor="ann", cause="", now_us=at + 1)

    await engine.store.write(work)
    await engine.sync._load()


async def test_a_name_that_fits_two_is_taken_for_neither(engine):
    await put(
        engine, "sync_peers", {"id": "p1", "kind": "bundle", "name": "ann"}, {"id": "p2", "kind": "bundle", "name": "ann"}
    )
    with pytest.raises(BadInput, match="names 2"):
        await engine.run("sync.leave", peer="ann")


async def test_of_peers_of_one_name_each_is_meant_by_the_beginning_of_its_device(engine):
    made = [{"id": letter * 32, "kind": "bundle", "name": "ann on laptop"} for letter in "abc"]
    await put(engine, "sync_peers", *made)
    for vague in ("ann on laptop", "b" * 7, "b" * 7 + "c"):
        with pytest.raises((BadInput, Missing)):
            await engine.run("sync.leave", peer=vague)
    assert (await engine.run("sync.leave", peer="b" * 8))["id"] == "b" * 32
    assert [one["id"] for one in (await engine.run("sync.peers"))["peers"]] == ["a" * 32, "c" * 32]


async def test_what_was_heard_of_a_console_outlives_a_look_at_the_store(engine):
    await put(engine, "sync_peers", {"id": "p1", "kind": "console", "name": "ann"})
    engine.sync.heard("p1", received=5, sent=7)
    await engine.sync._load()
    peer = engine.sync.peers.need("p1")
    assert (peer.received_bytes, peer.sent_bytes, peer.synced_us > 0) == (5, 7, True)


async def test_what_was_heard_of_a_console_outlives_a_restart(tmp_path):
    async with opened(tmp_path / "home") as engine:
        await put(
            engine, "sync_peers", {"id": "p1", "kind": "console", "name": "ann"}, {"id": "p2", "kind": "console", "name": "bob"}
        )
        for _ in range(2):
            engine.sync.heard("p1", received=5, sent=7)
        await engine.run("sync.limit", peer="ann", bytes_s=0)  # its row is written anew
        engine.sync.heard("p2", received=1)
        await engine.run("sync.leave", peer="bob")
        heard_us = engine.sync.peers.need("p1").synced_us
    async with opened(tmp_path / "home") as engine:
        peer = engine.sync.peers.need("p1")
        assert (peer.received_bytes, peer.sent_bytes, peer.synced_us) == (10, 14, heard_us)
        assert [peer.id for peer in engine.sync.peers] == ["p1"]


async def test_what_was_heard_and_could_not_be_written_down_is_written_down_later(engine, monkeypatch):
    await put(engine, "sync_peers", {"id": "p1", "kind": "console", "name": "ann"})
    engine.sync.heard("p1", received=5)

    async def full(_fn):
        raise Limit("The disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(engine.store, "write", full)
        with pytest.raises(Limit):
            await engine.sync.keep_heard()
    await engine.sync.keep_heard()
    assert await engine.store.read(lambda conn: rows.need(conn, "sync_peers", "p1")["received_bytes"]) == 5


@pytest.mark.parametrize(("error", "told"), [(TypeError("odd"), "TypeError: odd"), (asyncio.CancelledError(), "as before")])
async def test_an_exchange_that_broke_off_is_not_told_as_done(engine, monkeypatch, error, told):
    await put(engine, "sync_peers", {
        "id": "p1", "kind": "hub", "name": "north", "address": "127.0.0.1:1", "error": "as before",
        "identity": (await engine.link.identity()).public.to_json(),
    })  # fmt: skip

    async def run(_self, _name):
        raise error

    monkeypatch.setattr(Exchange, "run", run)
    with pytest.raises(type(error)):
        await engine.sync.exchange(engine.sync.peers.need("p1"))
    peer = engine.sync.peers.need("p1")
    assert (peer.error, peer.synced_us) == (told, 0)
    assert peer.tried_us > 0


async def test_a_home_that_was_closed_while_its_log_was_written_anew_goes_on_with_that_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(rewriting, "SLICE", 2)
    async with opened(tmp_path / "home") as engine:
        for number in range(4):
            await engine.run("view.save", name=f"{number}")
        await engine.store.write(lambda conn: Console(Shelf(conn), "hub", 0).go_by_another_name())
        assert await engine.store.read(lambda conn: bool(mark_of(Shelf(conn))))
    monkeypatch.setattr(service, "_FIRST_S", 0.0)
    async with opened(tmp_path / "home") as engine, asyncio.timeout(30):
        while await engine.store.read(lambda conn: bool(mark_of(Shelf(conn)))):
            await asyncio.sleep(0.01)
        texts = await engine.store.read(lambda conn: Shelf(conn).own_texts(0, 10))
        assert len(texts) == 4
        assert len((await engine.run("view.list"))["views"]) == 4


async def test_a_home_is_a_hub_or_has_joined_one_and_never_both(engine):
    await put(engine, "sync_peers", {"id": "p1", "kind": "hub", "name": "north"})
    with pytest.raises(Conflict, match="joined the hub north"):
        await Host(engine).serve("127.0.0.1", 0, print)
    await engine.run("sync.leave", peer="north")
    await engine.sync.epoch()  # as a hub that was served once
    with pytest.raises(Conflict, match="is a hub"):
        await engine.run("sync.join", address="127.0.0.1:1", code="AAAA-AAAA")


async def test_trying_some_other_file_says_nothing_of_the_last_backup(engine, tmp_path):
    await engine.sync.backups.keep_up()  # as the home does by itself after a while: from now on there is a day to go
    await engine.sync.backups.backup()
    good = (await engine.run("sync.status"))["backup"]
    (tmp_path / "bad.db").write_bytes(b"x" * 5000)
    assert (await engine.run("store.drill", file=tmp_path / "bad.db"))["problem"]
    assert (await engine.run("sync.status"))["backup"] == good


async def test_a_limit_that_would_have_no_effect_is_refused_with_the_reason(engine):
    made = [{"id": kind[0] * 32, "kind": kind, "name": kind} for kind in ("console", "bundle", "hub")]
    await put(engine, "sync_peers", *made)
    for kind in ("console", "bundle"):
        for asked in ({"bytes_s": 50}, {"priority": 2}):
            with pytest.raises(BadInput, match=f"{kind} is no hub"):
                await engine.run("sync.limit", peer=kind, **asked)
        assert (await engine.run("sync.limit", peer=kind, bytes_s=0))["bytes_s"] == 0
    assert (await engine.run("sync.limit", peer="hub", bytes_s=50, priority=2))["bytes_s"] == 50


async def test_what_is_listed_says_its_time_and_rules_say_what_goes_with_a_row_and_what_never_leaves(engine):
    now_us = engine.clock.now_us()
    told = {name: await engine.run(f"sync.{name}") for name in ("peers", "conflicts", "rules")}
    assert all(one["as_of_us"] >= now_us for one in told.values())
    takes = {rule["id"]: rule["takes"] for rule in told["rules"]["rules"]}
    assert takes["qubo_comparisons"] == ["quantum_tasks", "quantum_executions", "quantum_optimizations"]
    assert takes["learning_runs"] == ["learning_rounds", "federated_training_sessions", "federated_updates"]
    assert takes["saved_views"] == []
    never = told["rules"]["never_leave"].split(", ")
    assert {"audit", "jobs", "outbox"} <= set(never)
    assert not takes.keys() & set(never)
