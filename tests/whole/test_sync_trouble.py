"""Sync under trouble on real homes: clocks a day off, disks that are full, forged bodies, backups and their drill."""

import json
import os

import pytest

from app.agent.refusals import MOST_TOLD
from app.engine.base.clock import SystemClock
from app.engine.base.errors import BadInput, Conflict, Limit, Offline, OutpostError, Refused
from app.engine.link.records import Peer
from app.engine.store import rows
from app.engine.store.shelf import Shelf
from app.engine.sync.batch import MOST_BYTES, decode, encode, pack, unpack
from app.engine.sync.console import Console
from app.engine.sync.hlc import DRIFT_US
from app.engine.sync.ops import canonical
from app.engine.sync.sealing import SCHEMA
from app.wire.identity import PublicIdentity
from tests.meeting import join, now, opened, served

DAY_US = 86_400_000_000


class Skewed(SystemClock):
    """A machine's clock that goes right but stands wrong."""

    def __init__(self, skew_us=0):
        self.skew_us = skew_us

    def now_us(self):
        return super().now_us() + self.skew_us


pytestmark = pytest.mark.usefixtures("only_when_told")


def views(engine):
    return {view.name for view in engine.fleet.views.records}


def value_of(engine, name):
    return next(view.filter for view in engine.fleet.views.records if view.name == name)


@pytest.mark.parametrize("days", [1, -1])
async def test_a_clock_a_day_off_is_told_and_owns_nothing(tmp_path, days):
    async with (
        opened(tmp_path / "hub") as hub, opened(tmp_path / "ann", Skewed(days * DAY_US)) as ann, opened(tmp_path / "bob") as bob, served(hub)
    ):  # fmt: skip
        await join(hub, ann, bob)
        await ann.run("view.save", name="north", query="site=a")
        await now(ann, bob)
        assert value_of(bob, "north") == "site=a"
        assert (await ann.run("sync.status"))["clock_skew_s"] == pytest.approx(-days * 86_400, abs=600)
        await bob.run("view.save", name="north", query="site=b")
        await now(bob, ann)
        assert value_of(ann, "north") == value_of(hub, "north") == "site=b"
        await ann.run("view.save", name="north", query="site=c")
        await now(ann, bob)
        assert value_of(bob, "north") == value_of(hub, "north") == "site=c"
        assert (await bob.run("sync.conflicts"))["conflicts"] == []
        log = await hub.store.read(lambda conn: rows.select(conn, "sync_log"))
        assert max(json.loads(entry["op"])["hlc"] for entry in log) <= hub.clock.now_us() + DRIFT_US


async def test_a_hub_whose_clock_was_a_year_ahead_and_is_put_right_goes_on(tmp_path, caplog):
    clock = Skewed(365 * DAY_US)
    async with (
        opened(tmp_path / "hub", clock) as hub, opened(tmp_path / "ann") as ann, opened(tmp_path / "bob") as bob, served(hub)
    ):  # fmt: skip
        await join(hub, ann, bob)
        await ann.run("view.save", name="north", query="site=a")
        await now(ann, bob)
        assert (await hub.run("sync.status"))["hub"]["ahead_s"] == 0.0
        clock.skew_us = 0
        for turn in range(2):
            for console, other in ((ann, bob), (bob, ann)):
                query = f"site={console.home.name}{turn}"
                await console.run("view.save", name="north", query=query)
                await now(console, other)
                assert value_of(other, "north") == value_of(hub, "north") == query
                assert (await console.run("sync.status"))["pending_count"] == 0
        assert (await hub.run("sync.status"))["hub"]["ahead_s"] == pytest.approx(365 * 86_400, abs=600)
        assert sum("showed a time" in record.message for record in caplog.records) == 1


async def asking(console):
    """Return what sends a body to the hub as this console would, and how it stands with it."""
    row = (await console.store.read(lambda conn: rows.select(conn, "sync_peers")))[0]
    transport = console.link.transport(Peer(row["id"], row["address"], PublicIdentity.from_json(row["identity"])))

    async def push(body):
        return (await transport.send("POST", "/sync/push", body=body)).body

    return push, transport, row


async def standing(hub):
    tables = ("sync_log", "saved_views", "sync_cells", "sync_later", "sync_conflicts")
    return await hub.store.read(lambda conn: [Shelf(conn).all(table) for table in tables])


async def test_whatever_is_wrong_with_a_body_is_refused_logged_and_leaves_nothing_behind(tmp_path, caplog):
    async with (
        opened(tmp_path / "hub") as hub, opened(tmp_path / "ann") as ann, opened(tmp_path / "bob") as bob, served(hub)
    ):  # fmt: skip
        await join(hub, ann, bob)
        await ann.run("view.save", name="north")
        await now(ann)
        await ann.run("view.save", name="south")
        peer = next(iter(ann.sync.peers))
        batch = await ann.store.write(lambda conn: Console(Shelf(conn), peer.id, ann.clock.now_us()).outgoing(100, 1 << 20))
        good, (push, transport, _) = encode(batch), await asking(ann)
        his, other, _ = await asking(bob)
        told, before = unpack(good), await standing(hub)
        op = json.loads(told["ops"][0])

        def changed(**values):
            return pack({**told, "ops": [canonical({**op, **values})]})

        cases = [
            (his, good, Refused, "another device"), (push, pack({**told, "epoch": "else"}), Conflict, "restored since"),
            (push, pack({**told, "after": 5, "ops": [canonical({**op, "seq": 6})]}), Conflict, "are missing"),
            (push, changed(table="passwords"), BadInput, "no table"), (push, changed(table="audit"), BadInput, "no table"),
            (push, changed(hlc=ann.clock.now_us() + 2 * DRIFT_US), Conflict, "ahead of this clock"),
            (push, changed(fields=[]), BadInput, "fields"), (push, good[:-3], BadInput, "damaged"),
            (push, pack({**told, "chain": "f" * 32}), Conflict, "copied or set back"),
            (push, b"", BadInput, "damaged"),
        ]  # fmt: skip
        for send, body, error, reason in cases:
            with pytest.raises(error, match=reason):
                await send(body)
            assert await standing(hub) == before
        large, third, _ = await asking(ann)
        with pytest.raises((Limit, Offline)):  # it is not read to its end
            await large(b"x" * (MOST_BYTES + 1))
        assert await standing(hub) == before
        assert (await hub.run("sync.status"))["hub"]["refused"] == len(cases)
        refused = [record.message for record in caplog.records if "was refused" in record.message]
        assert (len(refused), sum("The body may have at most" in line for line in refused)) == (len(cases) + 1, 1)
        for _ in range(2):  # what was right is taken, once
            await push(good)
        assert len((await standing(hub))[0]) == 2
        await transport.close()
        await other.close()
        await third.close()
        assert encode(decode(good)) == good


async def test_whatever_a_paired_console_is_refused_leaves_a_line_that_names_it_and_no_flood(tmp_path, caplog):
    async with opened(tmp_path / "hub") as hub, opened(tmp_path / "ann") as ann, opened(tmp_path / "bob") as bob, served(hub):
        await join(hub, ann, bob)
        await ann.run("view.save", name="north")
        await now(ann, bob)
        _, his, _ = await asking(bob)
        replica = (await ann.run("sync.status"))["replica"]
        hello = canonical({"schema": 1, "replica": replica, "name": "bob", "data_schema": SCHEMA}).encode()
        asked = [
            ("POST", "/sync/hello", hello), ("GET", f"/sync/pull?replica={replica}&epoch=else&after=0", b""),
            ("GET", "/sync/pull?after=-1", b""), ("POST", "/sync/hello", b'{"replica": 5}'), ("GET", "/sync/nowhere", b""),
        ]  # fmt: skip
        for method, target, body in asked:
            with pytest.raises(OutpostError):
                await his.send(method, target, body=body)
        lines = [record.message for record in caplog.records if "was refused" in record.message]
        told = [" ".join(line.split(" ")[:2]) for line in lines]
        assert told == [f"{method} {target.partition('?')[0]}" for method, target, _ in asked]
        assert all(bob.link.device_id in line for line in lines)
        for _ in range(2 * MOST_TOLD):
            with pytest.raises(OutpostError):
                await his.send("GET", "/sync/pull?after=-1")
        assert sum("was refused" in record.message for record in caplog.records) == MOST_TOLD
        await his.close()


async def fill(engine, *, full):
    """Have the disk of a home be full from here on, as SQLite sees it, or have room again."""

    def work(conn):
        count = conn.exec_driver_sql("PRAGMA page_count").scalar()
        conn.exec_driver_sql(f"PRAGMA max_page_count = {count if full else 1 << 30}")

    await engine.store.write(work)


@pytest.mark.parametrize("who", ["console", "hub"])
async def test_on_a_full_disk_nothing_is_half_taken_and_it_is_told_what_to_do(tmp_path, who):
    async with (
        opened(tmp_path / "hub") as hub, opened(tmp_path / "ann") as ann, opened(tmp_path / "bob") as bob, served(hub)
    ):  # fmt: skip
        await join(hub, ann, bob)
        await now(ann, bob)

        def write(conn):
            for number in range(60):
                rows.put(conn, "saved_views", {"name": f"view {number}", "sort": "x" * 4000}, actor="a", cause="", now_us=1)

        await ann.store.write(write)
        if who == "console":
            await now(ann)
        full, talks = (bob, bob) if who == "console" else (hub, ann)
        before = (await standing(full), (await full.run("sync.status"))["peers"][0]["cursor"])
        await fill(full, full=True)
        with pytest.raises(OutpostError, match="full") as caught:
            await talks.sync.now()
        assert "space" in caught.value.hint
        await fill(full, full=False)
        assert (await standing(full), (await full.run("sync.status"))["peers"][0]["cursor"]) == before
        await now(ann, bob)
        assert len(views(bob)) == len(views(hub)) == 60


async def test_a_home_backs_itself_up_when_it_is_due_and_tries_each_backup(tmp_path):
    async with opened(tmp_path / "ann", Skewed(0)) as ann:
        backups = ann.sync.backups
        await ann.run("view.save", name="north")
        await backups.keep_up()
        assert (await ann.run("sync.status"))["backup"]["file"] == ""  # a new home is given time
        for _ in range(9):
            ann.clock.skew_us += DAY_US
            await backups.keep_up()
            await backups.keep_up()
        told = (await ann.run("sync.status"))["backup"]
        assert told["rows_count"] > 1
        assert (told["problem"], told["at_us"] <= told["drill_us"]) == ("", True)
        kept = sorted((tmp_path / "ann" / "backups").glob("own-*.db"))
        assert len(kept) == 7
        assert str(kept[-1]) == told["file"]
        assert not list((tmp_path / "ann").glob("drill*"))
        newest = kept[-1]
        data = bytearray(newest.read_bytes())
        data[4096 : 4096 * 9] = os.urandom(4096 * 8)
        newest.write_bytes(data)
        assert (await ann.run("store.drill", file=newest))["problem"]
        assert (await ann.run("store.drill", file=kept[0]))["problem"] == ""
        ann.settings.set("store.backup_s", 0)
        ann.clock.skew_us += 9 * DAY_US
        await backups.keep_up()
        assert len(list((tmp_path / "ann" / "backups").glob("own-*.db"))) == 7
