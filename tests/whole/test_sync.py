"""Two consoles and a hub over HTTPS on this machine: apart, together, in conflict, and after the hub was set back."""

import asyncio
import contextlib
import json
import os
import platform
import sys
from functools import partial
from pathlib import Path

import pytest

from app.commands.table import command_table
from app.engine.base.errors import BadInput, Conflict, Missing, Offline, OutpostError, Refused
from app.engine.base.platform import kill_hard
from app.engine.engine import Engine
from app.engine.store import rows
from app.engine.store.salvage import prepare
from app.engine.store.shelf import Shelf
from app.engine.sync.hub import Hub
from app.engine.sync.ownlog import LACKS
from app.wire.pairing import new_code
from tests.engine.sync.places import spoil
from tests.faults import FaultProxy
from tests.laws.tree import ROOT
from tests.meeting import join, now, opened, served

pytestmark = pytest.mark.usefixtures("only_when_told")


@pytest.fixture
async def three(tmp_path):
    async with opened(tmp_path / "hub") as hub, opened(tmp_path / "ann") as ann, opened(tmp_path / "bob") as bob:
        yield hub, ann, bob


def views(engine):
    return {view.name: (view.filter, view.sort) for view in engine.fleet.views.records}


async def test_two_consoles_meet_at_a_hub_and_what_collided_is_chosen_by_a_person(three):
    hub, ann, bob = three
    async with served(hub):
        await join(hub, ann, bob)
        await ann.run("view.save", name="north", query="site=north")
        assert (await ann.run("sync.status"))["pending_count"] == 1
        await now(ann, bob)
        assert views(bob) == views(hub) == {"north": ("site=north", "")}

        await ann.run("view.save", name="north", query="site=north and name=a", sort="name")
        await bob.run("view.save", name="north", query="site=north and name=b")
        await now(ann, bob, ann)
        assert views(ann) == views(bob) == {"north": ("site=north and name=b", "name")}
        met = (await ann.run("sync.conflicts"))["conflicts"]
        assert [(one["column_name"], one["kept"], one["lost"]) for one in met] == [
            ("filter", "site=north and name=b", "site=north and name=a")
        ]
        assert met[0]["lost_by"] == ann.actor
        assert met[0]["kept_seen_us"] == met[0]["lost_seen_us"] > 0  # both had the same value before them
        told = await bob.run("sync.conflicts")
        assert (told["conflicts"], told["total_count"]) == (met, len(met))
        stands = {one["id"]: one for one in (await hub.run("sync.peers"))["peers"]}[ann.link.device_id]
        assert stands["name"].endswith(f" on {platform.node() or 'this machine'}")
        assert met[0]["lost_by"].endswith("@" + stands["id"][:8])
        assert (
            (await ann.run("sync.now"))["peers"][0]["device"] == (await hub.run("sync.status"))["device"] == hub.link.device_id
        )
        assert (stands["schema"], stands["epoch"]) == ((await ann.run("sync.status"))["schema"], await hub.sync.epoch())
        assert 0 < stands["acked"] <= stands["cursor"]

        await bob.run("sync.resolve", conflict=met[0]["id"][:13], choice="lost")
        await now(bob, ann)
        assert views(ann) == views(bob) == {"north": ("site=north and name=a", "name")}
        told = await ann.run("sync.conflicts")
        assert (told["conflicts"], told["total_count"]) == ([], 0)
        with pytest.raises(Conflict, match="resolved already"):
            await ann.run("sync.resolve", conflict=met[0]["id"], choice="kept")


async def test_a_hub_set_back_to_a_backup_gets_again_what_came_after_it(three, tmp_path):
    hub, ann, bob = three
    async with served(hub) as told:
        await join(hub, ann, bob)
        await ann.run("view.save", name="early")
        await now(ann)
        assert (await hub.run("hub.backup", file=tmp_path / "backup.db"))["replicas_count"] == 1
        await ann.run("view.save", name="late")
        await now(ann)
        with pytest.raises(Conflict, match="being served"):
            await hub.run("hub.restore", file=tmp_path / "backup.db")
    with pytest.raises(Offline):
        await now(ann)
    await hub.run("hub.restore", file=tmp_path / "backup.db")
    assert set(views(hub)) == {"early"}
    async with served(hub, int(told["address"].rpartition(":")[2])):
        await now(ann, bob)
        assert set(views(bob)) == set(views(hub)) == {"early", "late"}
        assert (await hub.run("hub.compact"))["purged"] == 0


async def test_who_is_not_paired_or_left_is_not_answered(three):
    hub, ann, bob = three
    async with served(hub):
        await join(hub, ann)
        peer = (await ann.run("sync.peers"))["peers"][0]
        with pytest.raises(Refused, match="This hub takes no new console now") as used:
            await bob.run("sync.join", address=peer["address"], code=new_code())
        assert "outpost hub token" in used.value.hint
        token = await hub.run("hub.token")
        assert token["code_ends_us"] > hub.clock.now_us()
        with pytest.raises(Refused, match="not the one that the hub shows") as other:
            await bob.run("sync.join", address=peer["address"], code=new_code())
        assert "outpost hub token" in other.value.hint
        await hub.run("sync.leave", peer=ann.link.device_id)
        with pytest.raises(Refused):
            await now(ann)
        assert (await ann.run("sync.peers"))["peers"][0]["error"]
        await ann.run("sync.leave", peer=peer["id"])
        with pytest.raises(Missing, match="No hub"):
            await now(ann)
        with pytest.raises(Missing, match="No hub"):
            await now(bob)
    with pytest.raises(Conflict, match="No hub is served"):
        await hub.run("hub.token")


async def test_live_ready_and_metrics_say_how_the_hub_is(three):
    hub, ann, _ = three
    async with served(hub):
        await join(hub, ann)
        await ann.run("view.save", name="north")
        await now(ann)
        transport = ann.link.transport(await _peer(ann))
        live, ready = await transport.send("GET", "/health/live"), await transport.send("GET", "/health/ready")
        metrics = (await transport.send("GET", "/metrics")).body.decode()
        await transport.close()
    assert json.loads(live.body)["live"] is True
    assert json.loads(ready.body)["ready"] is True
    assert "outpost_hub_operations_taken_total 1\n" in metrics
    assert "outpost_hub_batches_refused_total 0\n" in metrics


async def test_a_hub_whose_store_does_not_answer_is_alive_but_not_ready_and_a_refused_batch_is_counted(three, monkeypatch):
    hub, ann, _ = three
    async with served(hub):
        await join(hub, ann)
        transport = ann.link.transport(await _peer(ann))
        with pytest.raises(BadInput):
            await transport.send("POST", "/sync/push", body=b"noise")
        assert hub.sync.host.status()["refused"] == 1

        async def gone(_work):
            raise Offline("{file} does not answer: {reason}", file="hub", reason="gone")

        with monkeypatch.context() as patch:
            patch.setattr(hub.store, "read", gone)
            live = await transport.send("GET", "/health/live")
            with pytest.raises(OutpostError):
                await transport.send("GET", "/health/ready")
        ready = await transport.send("GET", "/health/ready")
        await transport.close()
    assert (live.status, ready.status) == (200, 200)


async def test_each_link_has_its_budget_and_its_turn(three, monkeypatch):
    hub, ann, bob = three
    async with served(hub), served(bob):
        await join(hub, ann)
        await join(bob, ann)
        first, second = (await ann.run("sync.peers"))["peers"]
        told = await ann.run("sync.limit", peer=second["id"], bytes_s=1000, priority=5)
        assert (told["bytes_s"], told["priority"]) == (1000, 5)
        paused = []
        real = ann.sync.pause_s

        def noted(peer, size):
            paused.extend([(peer, real(peer, size) / size)] if size else ())
            return 0.0

        monkeypatch.setattr(ann.sync, "pause_s", noted)
        await now(ann)
        assert [peer for peer, _ in dict.fromkeys(paused)] == [second["id"], first["id"]]
        assert dict(paused) == {second["id"]: 1 / 1000, first["id"]: 0.0}
        await ann.run("settings.set", key="sync.bytes_s", value="500")
        assert {real(one["id"], 1000) for one in (first, second)} == {2.0}
        await ann.run("sync.limit", peer=second["id"], priority=0)
        assert (await ann.run("sync.peers"))["peers"][1]["bytes_s"] == 1000  # the exchange kept it


async def _peer(console):
    from app.engine.link.records import Peer
    from app.engine.store import rows
    from app.wire.identity import PublicIdentity

    row = (await console.store.read(lambda conn: rows.select(conn, "sync_peers")))[0]
    return Peer(row["id"], row["address"], PublicIdentity.from_json(row["identity"]))


async def test_a_hub_killed_while_it_served_goes_on_where_it_was(tmp_path):
    """The command hub.serve in a process of its own, ended by SIGKILL after it took a batch; the next one has all of it."""
    folder = tmp_path
    async with opened(folder / "ann") as ann, opened(folder / "bob") as bob:
        async with hub_process(folder / "hub") as told:
            await ann.run("sync.join", address=told["address"], code=told["code"])
            await ann.run("view.save", name="north")
            await now(ann)
            kill_hard(told["pid"])
        await ann.run("view.save", name="south")
        with pytest.raises(OutpostError):
            await now(ann)
        assert (await ann.run("sync.status"))["pending_count"] == 1
        async with hub_process(folder / "hub", told["address"].rpartition(":")[2]) as again:
            await bob.run("sync.join", address=again["address"], code=again["code"])
            await now(ann, bob)
            assert set(views(bob)) == {"north", "south"}


@contextlib.asynccontextmanager
async def hub_process(home, port="0"):
    """Serve a hub in a process of its own; gives what it announces."""
    words = ("-m", "app", "hub", "serve", "--home", str(home), "--port", port)
    child = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        yield json.loads(await child.stdout.readline())
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
        await child.communicate()


async def test_a_damaged_store_is_salvaged_and_the_hub_sends_what_was_lost(three, tmp_path):
    hub, _, _ = three
    home = tmp_path / "eve"
    async with served(hub):
        async with opened(home) as eve:
            await join(hub, eve)
            for number in range(30):
                await eve.run("view.save", name=f"view {number}", query="site=north")
            await now(eve)
            await eve.run("view.save", name="not handed over yet")
        spoil(home / "outpost.db", "saved_views")
        with pytest.raises(Conflict, match="damaged"):
            async with opened(home):
                pass
        fresh = prepare(home / "outpost.db", None, None)
        eve = await Engine.open(home, command_table(), backup=fresh)
        try:
            told = await eve.run("store.salvage")
            assert told["torn"] == ["saved_views"]
            assert len(views(eve)) < 31
            await now(eve)
            assert set(views(eve)) == set(views(hub))
            assert set(views(hub)) >= {f"view {number}" for number in range(30)}
            assert (await eve.run("store.check"))["sound"]
        finally:
            await eve.close()


@pytest.mark.parametrize("mode", ["cut", "half_open", "slow", "duplicate"])
async def test_over_a_bad_link_nothing_is_lost_or_doubled_and_nobody_waits_for_it(three, mode, monkeypatch):
    hub, ann, bob = three
    async with served(hub) as told, FaultProxy(told["address"], delay_s=0.01) as proxy:
        code = (await hub.run("hub.token"))["code"]
        await ann.run("sync.join", address=proxy.address, code=code)
        await join(hub, bob)
        for number in range(3):
            await ann.run("view.save", name=f"before {number}")
        proxy.be(mode)
        with monkeypatch.context() as patch:
            patch.setattr("app.engine.sync.service._LIMIT_S", 1.0)
            asked = asyncio.create_task(ann.run("sync.now"))
            await ann.run("view.save", name="meanwhile")  # done at once, whatever the link does
            with contextlib.suppress(OutpostError):
                await asked
        proxy.be("")
        await now(ann, bob)
        wanted = {"before 0", "before 1", "before 2", "meanwhile"}
        assert set(views(ann)) == set(views(bob)) == set(views(hub)) == wanted
        log = await hub.store.read(lambda conn: rows.select(conn, "sync_log"))
        assert len({(entry["replica"], entry["seq"]) for entry in log}) == len(log) == 4
        assert (await ann.run("sync.status"))["pending_count"] == 0


async def test_changes_travel_in_a_signed_file_where_no_network_is_and_never_twice(three, tmp_path):
    hub, ann, bob = three
    async with served(hub):
        await join(hub, ann, bob)
        await now(ann, bob)
    hers, back = tmp_path / "hers.zip", tmp_path / "back.zip"
    await ann.run("view.save", name="north")
    await bob.run("view.save", name="south")
    assert (await ann.run("sync.export", file=hers))["parts"] == 1
    assert [(await hub.run("sync.import", file=hers))["taken_count"] for _ in range(2)] == [1, 0]
    assert set(views(hub)) == {"north"}
    with pytest.raises(Refused):
        await bob.run("sync.import", file=hers)
    await bob.run("sync.export", file=tmp_path / "his.zip")
    await hub.run("sync.import", file=tmp_path / "his.zip")
    await hub.run("sync.export", file=back, peer=ann.link.device_id)
    for _ in range(2):
        await ann.run("sync.import", file=back)
    assert set(views(ann)) == {"north", "south"}
    assert (await ann.run("sync.status"))["pending_count"] == 0
    with pytest.raises(BadInput, match="another device"):
        await bob.run("sync.import", file=back)
    cut = bytearray(hers.read_bytes())
    cut[len(cut) // 2] ^= 1
    hers.write_bytes(cut)
    with pytest.raises(OutpostError):
        await hub.run("sync.import", file=hers)
    async with served(hub):
        with contextlib.suppress(Offline):  # the hub stands at another port by now
            await now(bob)
    assert len(await hub.store.read(lambda conn: rows.select(conn, "sync_log"))) == 2


async def test_a_hub_moves_into_postgresql_serves_consoles_there_and_is_set_back_like_any_other(tmp_path, database):
    file = tmp_path / "earlier.db"
    async with opened(tmp_path / "hub") as hub, opened(tmp_path / "ann") as ann, opened(tmp_path / "bob") as bob:
        await hub.run("view.save", name="made at the hub")
        replica = (await hub.run("sync.status"))["replica"]
        await hub.move(database)
        assert hub.place.database == database
        assert (await hub.run("sync.status"))["replica"] == replica  # what stood in the file came along
        async with served(hub) as told:
            await join(hub, ann, bob)
            await ann.run("view.save", name="north")
            await now(ann, bob)
            assert set(views(bob)) == set(views(hub)) == {"made at the hub", "north"}
            await hub.run("hub.backup", file=file)
            await ann.run("view.save", name="south")
            await now(ann)
            assert (await hub.run("hub.compact"))["head"] == 3
        await hub.run("hub.restore", file=file)
        assert set(views(hub)) == {"made at the hub", "north"}
        async with served(hub, int(told["address"].rpartition(":")[2])):
            await now(ann, bob)
            assert set(views(bob)) == set(views(hub)) == {"made at the hub", "north", "south"}
        recorded = await hub.store.read(lambda conn: rows.select(conn, "audit"))
        assert "hub.restore" in str(recorded)
        assert "outpost@" not in str(recorded)


async def test_the_address_of_a_hubs_database_is_kept_in_a_private_file_and_recorded_nowhere(tmp_path, database):
    with_password = database.replace("outpost@", "outpost:correct-horse@")  # this server asks for none
    async with opened(tmp_path / "hub") as hub:
        serving = asyncio.create_task(hub.run("hub.serve", database=with_password))
        while hub.sync.host is None or not hub.sync.host.address:
            assert not serving.done()
            await asyncio.sleep(0.01)
        assert hub.store.path == database
        with pytest.raises(Conflict, match="being served"):
            await hub.run("hub.serve", database=database)
        hub.sync.host.end()
        await serving
        recorded = await hub.store.read(lambda conn: rows.select(conn, "audit"))
        assert "correct-horse" not in str(recorded)
    assert (tmp_path / "hub" / "database").read_text().strip() == with_password
    if os.name == "posix":
        assert (tmp_path / "hub" / "database").stat().st_mode & 0o077 == 0


async def told_and_taken_back(ann, bob, from_bob, card):
    """What stands beside a console goes with its next stick, or once its card is trusted again."""
    for again in (from_bob, partial(ann.run, "sync.trust", file=card, device=bob)):
        await ann.sync.keep_peer({"id": bob, "error": "It is to trust this console's card anew"})
        await again()
        assert ann.sync.peers.need(bob).error == ""
    state = (await ann.store.read(lambda conn: rows.need(conn, "sync_peers", bob)))["state"]
    row = {"id": bob, "state": {**state, LACKS: True}}
    await ann.store.write(lambda conn: rows.put(conn, "sync_peers", row, actor="", cause="", now_us=0))
    with pytest.raises(Conflict, match="kept by the hub alone"):
        await ann.run("sync.export", file=card.with_name("none.zip"), peer=bob)
    await ann.run("sync.trust", file=card, device=bob)
    await ann.run("sync.export", file=card.with_name("some.zip"), peer=bob)


async def test_two_consoles_that_trust_each_others_cards_meet_without_a_hub_which_numbers_it_later(three, tmp_path):
    hub, ann, bob = three
    cards = {}
    for console, name in ((ann, "ann"), (bob, "bob")):
        cards[name] = await console.run("sync.card", file=tmp_path / f"{name}.json")
    with pytest.raises(Refused, match="that of device"):
        await ann.run("sync.trust", file=tmp_path / "bob.json", device=cards["ann"]["device"])
    await ann.run("sync.trust", file=tmp_path / "bob.json", device=cards["bob"]["device"])
    stick = tmp_path / "stick.zip"

    async def carry(one, other, key):
        told = await one.run("sync.export", file=stick, peer=cards[key]["device"])
        return told["parts"], (await other.run("sync.import", file=stick))["taken_count"]

    await ann.run("view.save", name="north", query="site=a")
    with pytest.raises(Refused):  # he does not know her yet
        await carry(ann, bob, "bob")
    await bob.run("sync.trust", file=tmp_path / "ann.json", device=cards["ann"]["device"])
    assert await carry(ann, bob, "bob") == (1, 1)
    assert (await bob.run("sync.import", file=stick))["taken_count"] == 0
    assert views(bob) == {"north": ("site=a", "")}
    await bob.run("view.save", name="north", query="site=b")
    await ann.run("view.save", name="south")
    assert await carry(bob, ann, "ann") == (1, 1)
    assert set(views(ann).items()) == {("north", ("site=b", "")), ("south", ("", ""))}
    assert await carry(ann, bob, "bob") == (1, 1)  # what he told to have is left out
    assert views(ann) == views(bob)
    assert [(await one.run("sync.conflicts"))["conflicts"] for one in (ann, bob)] == [[], []]
    await told_and_taken_back(ann, cards["bob"]["device"], partial(carry, bob, ann, "ann"), tmp_path / "bob.json")

    async with served(hub):
        await join(hub, ann, bob)
        assert (await bob.run("sync.status"))["pending_count"] == 1
        await now(bob, ann, bob)
        assert views(hub) == views(ann) == views(bob)
        log = await hub.store.read(lambda conn: rows.select(conn, "sync_log"))
        assert len({(entry["replica"], entry["seq"]) for entry in log}) == len(log) == 3
        assert (await hub.run("sync.conflicts"))["conflicts"] == []
        await hub.run("hub.backup", file=tmp_path / "b.db")
        await ann.run("view.save", name="west")
        await now(ann)
    await ann.run("sync.leave", peer=cards["bob"]["device"])
    await ann.run("sync.trust", file=tmp_path / "bob.json", device=cards["bob"]["device"])
    with pytest.raises(Conflict, match="kept by the hub alone"):
        await ann.run("sync.export", file=stick, peer=cards["bob"]["device"])


async def test_they_may_meet_by_a_stick_before_they_ever_exchanged(three, tmp_path):
    hub, ann, _bob = three
    async with served(hub):
        await join(hub, ann)
        await ann.run("view.save", name="north")
        await ann.run("sync.export", file=tmp_path / "hers.zip")
        taken = [(await hub.run("sync.import", file=tmp_path / "hers.zip"))["taken_count"] for _ in range(2)]
        assert (taken[0] > 0, taken[1]) == (True, 0)
        await hub.run("view.save", name="south")
        await hub.run("sync.export", file=tmp_path / "back.zip", peer=ann.link.device_id)
        await ann.run("sync.import", file=tmp_path / "back.zip")
        assert set(views(ann)) == set(views(hub)) == {"north", "south"}
        await now(ann)
        assert (await ann.run("sync.status"))["pending_count"] == 0
        assert (await hub.run("sync.conflicts"))["conflicts"] == []
        await hub.store.write(lambda conn: Hub(Shelf(conn), hub.clock.now_us()).lead())  # as another host of this store does
        for command in ("sync.import", "sync.export"):
            with pytest.raises(Conflict, match="taken over"):
                await hub.run(command, file=tmp_path / "hers.zip")


@contextlib.asynccontextmanager
async def node_process(home, hub):
    """Run an agent in a process of its own that nobody reaches from outside and that calls `hub`; gives what it announces."""
    words = ("-m", "app", "agent", "run", "--home", str(home), "--name", "pump", "--hub", hub, "--no-mdns")
    child = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        yield json.loads(await child.stdout.readline()), child.stderr
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        await child.communicate()


async def test_a_node_that_nobody_reaches_calls_the_hub_and_the_console_sees_it_there(three, tmp_path):
    hub, ann, _ = three
    async with served(hub) as told:
        await join(hub, ann)
        async with node_process(tmp_path / "node", f"{told['address']}#{told['device']}") as (node, heard):
            while b"the hub has heard of us" not in await heard.readline():
                pass
            await now(ann)
            found = (await ann.run("sync.nodes"))["nodes"]
            assert [(one["id"], one["name"], one["address"], one["seen_from"], one["known"]) for one in found] == [
                (node["device"], "pump", node["address"], "127.0.0.1", False)
            ]
            assert 0 <= ann.clock.now_us() - found[0]["heard_us"] < 600e6
            assert (await hub.run("sync.nodes"))["nodes"] == [{**found[0], "heard_us": approx_us(found[0]["heard_us"])}]
            code = node["code"]
            await ann.run("fleet.pair", address=node["address"], code=code)
            await now(ann, ann)
            assert [one["known"] for one in (await ann.run("sync.nodes"))["nodes"]] == [True]
        async with node_process(tmp_path / "other", f"{told['address']}#{'0' * 32}") as (_, heard):
            while b"showed another certificate" not in (line := await heard.readline()):
                assert b"has heard" not in line
    assert len(ann.sync.callers) == 1


def approx_us(at_us):
    return pytest.approx(at_us, abs=60_000_000)


async def test_what_is_erased_is_forgotten_everywhere_and_nothing_brings_it_back(tmp_path):
    homes = [tmp_path / name for name in ("hub", "ann", "bob")]
    async with opened(homes[0]) as hub, opened(homes[1]) as ann, opened(homes[2]) as bob, served(hub):
        await join(hub, ann, bob)
        await ann.run("view.save", name="Jane Roe", query="site=secret-one")
        await now(ann, bob)
        await ann.run("view.save", name="Jane Roe", query="site=secret-two")
        await bob.run("view.save", name="Jane Roe", query="site=secret-three")
        await now(ann, bob, ann)
        assert len((await ann.run("sync.conflicts"))["conflicts"]) == 1
        row = next(iter(ann.fleet.views.records)).id
        await bob.run("view.save", name="Jane Roe", query="site=secret-four")  # he has not heard of it yet
        await ann.store.backup(ann.home / "old.db")
        (ann.home / "backups").mkdir()
        (ann.home / "old.db").rename(ann.home / "backups" / "old.db")
        told = await ann.run("sync.erase", table="saved_views", row=row)
        assert [Path(one["file"]).name for one in told["backups"]] == ["old.db"]
        assert views(ann) == {}
        with pytest.raises(Missing):
            await ann.run("sync.erase", table="saved_views", row=row)
        with pytest.raises(Missing):
            await ann.run("sync.erase", table="audit", row=row)
        await now(ann, bob, ann, bob)
        for engine in (hub, ann, bob):
            assert views(engine) == {}
            for table in ("saved_views", "sync_log", "sync_ops", "sync_conflicts", "sync_later", "outbox"):
                found = str(await engine.store.read(lambda conn, table=table: Shelf(conn).all(table)))
                assert "secret" not in found, (engine.home.name, table)
                assert "Jane" not in found, (engine.home.name, table)
        await bob.run("view.save", name="other")
        await now(bob, ann)
        assert set(views(hub)) == set(views(ann)) == {"other"}
        log = await hub.store.read(lambda conn: rows.select(conn, "sync_log"))
        assert len({(entry["replica"], entry["seq"]) for entry in log}) == len(log)


async def test_a_table_that_stays_never_leaves_until_it_may_and_what_is_too_old_is_deleted_everywhere(three):
    hub, ann, bob = three
    async with served(hub):
        await join(hub, ann, bob)
        await ann.run("sync.rule", table="saved_views", residency="stays", keep_days=30)
        await ann.run("view.save", name="north")
        await now(ann, bob)
        assert (views(hub), views(bob), set(views(ann))) == ({}, {}, {"north"})
        log = await hub.store.read(lambda conn: rows.select(conn, "sync_log"))
        assert log == []
        told = {rule["id"]: rule for rule in (await ann.run("sync.rules"))["rules"]}
        assert told["saved_views"] == {
            "id": "saved_views", "stays": True, "keep_days": 30, "lasting": False, "rows_count": 1,
            "oldest_us": told["saved_views"]["oldest_us"], "takes": [],
        }  # fmt: skip
        assert told["edge_nodes"]["lasting"] is True
        with pytest.raises(BadInput, match="never let go of"):
            await ann.run("sync.rule", table="edge_nodes", keep_days=5)
        with pytest.raises(BadInput, match="no table that travels"):
            await ann.run("sync.rule", table="audit", residency="stays")
        await ann.run("sync.rule", table="saved_views", residency="travels")
        await now(ann, bob)
        assert set(views(hub)) == set(views(bob)) == {"north"}
        assert (await ann.run("sync.retain"))["rows"] == {}

        def age(conn):
            rows.put(conn, "saved_views", {"name": "old", "updated_us": 5}, actor="a", cause="", now_us=5)

        await ann.store.write(age)
        assert (await ann.run("sync.retain"))["rows"] == {"saved_views": 1}
        await now(ann, bob)
        assert set(views(bob)) == {"north"}
