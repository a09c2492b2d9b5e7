"""The backups of a hub: devices let go of what one holds only when it was shown that it can be restored."""

import pytest

from app.agent.server import listen
from app.commands.table import command_table
from app.engine.base.errors import BadInput, Conflict, Offline
from app.engine.engine import Engine
from app.engine.store.shelf import Shelf
from app.hub.api import Api
from app.hub.main import Host
from tests.meeting import join, opened, served


@pytest.fixture
async def engine(tmp_path):
    opened = await Engine.open(tmp_path / "hub", command_table())
    yield opened
    await opened.close()


def durable(engine):
    return engine.store.read(lambda conn: Shelf(conn).get("sync_replicas", "aa")["durable"])


async def spoiled(engine, monkeypatch):
    """Have backups come out damaged, as on a disk that loses what it was given."""
    real = engine.store.backup

    async def backup(target):
        size = await real(target)
        target.write_bytes(target.read_bytes()[: size // 2])
        return size

    monkeypatch.setattr(engine.store, "backup", backup)


async def test_devices_let_go_of_nothing_for_a_backup_that_cannot_be_restored(engine, tmp_path, monkeypatch):
    host = Host(engine)
    host._api = Api(engine, None, str)
    told = {"id": "aa", "device": "d", "acked": 5, "durable": 0}
    await engine.store.write(lambda conn: Shelf(conn).put("sync_replicas", told))
    with monkeypatch.context() as patch:
        await spoiled(engine, patch)
        for target in (None, tmp_path / "mine.db"):
            with pytest.raises(Conflict, match="cannot be restored"):
                await host.backup(target)
    assert (await durable(engine), host.status()["backed_up_us"]) == (0, 0)
    assert (list((engine.home / "backups").glob("*.db")), (tmp_path / "mine.db").exists()) == ([], True)
    assert (await engine.sync.backups.look())["problem"]
    told = await host.backup()
    assert (await durable(engine), told["replicas_count"], (await engine.sync.backups.look())["problem"]) == (5, 1, "")


async def test_what_comes_while_a_backup_is_made_counts_as_held_by_the_next_one_alone(engine, monkeypatch):
    host, real = Host(engine), engine.store.backup
    host._api = Api(engine, None, str)

    async def acked(count):
        told = {"id": "aa", "device": "d", "acked": count, "durable": 0}
        await engine.store.write(lambda conn: Shelf(conn).put("sync_replicas", told))

    async def backup(target):
        size = await real(target)
        await acked(9)
        return size

    await acked(5)
    with monkeypatch.context() as patch:
        patch.setattr(engine.store, "backup", backup)
        await host.backup()
    assert await durable(engine) == 5
    await host.backup()
    assert await durable(engine) == 9


async def test_a_backup_that_a_person_names_takes_the_place_of_nothing_unasked(engine, tmp_path):
    host = Host(engine)
    host._api = Api(engine, None, str)
    (tmp_path / "mine.db").write_bytes(b"mine")
    await engine.link.identity()
    keys = engine.home / "identity" / "device.key"
    before = keys.read_bytes()
    with pytest.raises(Conflict, match="exists already"):
        await host.backup(tmp_path / "mine.db")
    for target in (keys, engine.place.store):
        with pytest.raises(BadInput):
            await host.backup(target, replace=True)
    assert ((tmp_path / "mine.db").read_bytes(), keys.read_bytes()) == (b"mine", before)
    assert (await host.backup(tmp_path / "mine.db", replace=True))["size_bytes"] > 4


async def test_a_home_keeps_its_sound_backups_when_a_new_one_is_not(engine, monkeypatch):
    monkeypatch.setattr("app.engine.sync.backups._KEPT", 1)
    sound = (await engine.sync.backups.backup())["file"]
    with monkeypatch.context() as patch:
        await spoiled(engine, patch)
        assert (await engine.sync.backups.backup())["problem"]
    assert [str(path) for path in (engine.home / "backups").glob("*.db")] == [sound]
    assert (await engine.sync.backups.look())["file"] == sound


async def test_a_hub_that_is_started_anew_listens_where_consoles_know_it(engine):
    async with served(engine, None) as first:
        pass
    async with served(engine, None) as second:
        assert second["address"] == first["address"]
    with listen("127.0.0.1", int(first["address"].rpartition(":")[2])), pytest.raises(Conflict, match="listen") as caught:
        async with served(engine, None):
            pass
    assert "--port" in caught.value.hint
    async with served(engine, 0) as elsewhere:
        assert elsewhere["address"] != first["address"]
    async with served(engine, None) as last:
        assert last["address"] == elsewhere["address"]


async def test_a_console_whose_hub_moved_is_told_to_join_it_again_and_goes_on_there(engine, tmp_path):
    async with opened(tmp_path / "ann") as ann:
        async with served(engine, 0):
            await join(engine, ann)
            await ann.run("sync.now")
        await ann.run("view.save", name="north")
        async with served(engine, 0):
            with pytest.raises(Offline) as caught:
                await ann.run("sync.now")
            assert "outpost sync join" in caught.value.hint
            await join(engine, ann)
            await ann.run("sync.now")
            assert [view.name for view in engine.fleet.views.records] == ["north"]
            assert (await ann.run("sync.peers"))["peers"][0]["id"] == engine.link.device_id
