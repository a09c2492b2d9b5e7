"""A copied disk over HTTPS: the copy comes to be a device of its own, and nothing that waits is lost over it."""

import shutil

import pytest

from app.engine.base.errors import Conflict, Refused
from app.engine.link import machine
from app.engine.store import rows
from app.engine.store.shelf import Shelf
from tests.meeting import join, now, opened, served

pytestmark = pytest.mark.usefixtures("only_when_told")


@pytest.fixture
def on(monkeypatch):
    """Be on the machine of a name: engines opened from then on are."""
    return lambda name: monkeypatch.setattr(machine, "facts", lambda: {"adapters": [name], "system": ["same"]})


@pytest.fixture
async def hub(tmp_path, on):
    on("hub")
    async with opened(tmp_path / "hub") as engine, served(engine):
        yield engine


async def copy_of(hub, tmp_path, on):
    """A console that has joined, with a change that waits; return its home and that of its copy."""
    ann, copy = tmp_path / "ann", tmp_path / "copy"
    on("first")
    async with opened(ann) as engine:
        await join(hub, engine)
        await engine.run("view.save", name="before")
        await now(engine)
        await engine.run("view.save", name="waiting")
    shutil.copytree(ann, copy)
    return ann, copy


def views(engine):
    return sorted(view.name for view in engine.fleet.views.records)


def key_of(home):
    return (home / "identity" / "device.key").read_bytes()


async def devices_of(hub):
    return {row["device"] for row in await hub.store.read(lambda conn: Shelf(conn).all("sync_replicas"))}


async def write_at(home, on, name, machine_name):
    on(machine_name)
    async with opened(home) as engine:
        await engine.run("view.save", name=name)
        await now(engine)
        return engine.link.device_id


async def test_a_copied_disk_gets_keys_of_its_own_and_nothing_that_waits_is_lost(hub, tmp_path, on):
    ann, copy = await copy_of(hub, tmp_path, on)
    sealed = key_of(ann)
    await write_at(copy, on, "of the copy, early", "second")  # the hub cannot know yet
    device = await write_at(ann, on, "of the first", "first")
    await hub.run("sync.export", file=tmp_path / "from the hub.zip")

    on("second")
    async with opened(copy) as engine:
        await engine.run("view.save", name="of the copy")
        for _ in range(2):
            with pytest.raises(Refused, match="looks like a copy"):
                await now(engine)
        assert (await engine.run("sync.status"))["copy"] == "due"
        for file in ("sync.export", "sync.import"):
            shutil.copy(tmp_path / "from the hub.zip", tmp_path / "stick.zip")
            with pytest.raises(Refused, match="looks like a copy"):
                await engine.run(file, file=tmp_path / "stick.zip")
    async with opened(copy) as engine:
        assert (engine.link.device_id, key_of(copy)) == (device, sealed)  # nobody has said yet that this is the copy
        await engine.run("sync.renew")
        assert engine.link.device_id not in ("", device)
        assert sealed not in [path.read_bytes() for path in (copy / "identity").iterdir()]
        assert not engine.link.elsewhere
        assert (await engine.run("sync.peers"))["peers"][0]["error"] == "Join it anew: outpost sync join ADDRESS CODE"
        assert (await engine.run("sync.status"))["pending_count"] > 0
        with pytest.raises(Refused, match="does not know the keys") as refused:
            await now(engine)
        with pytest.raises(Refused, match="does not know the keys"):
            await engine.run("sync.export", file=tmp_path / "stick.zip")
        assert "sync join" in refused.value.hint
        assert await devices_of(hub) == {device}
        await join(hub, engine)
        await now(engine)
        assert await devices_of(hub) == {device, engine.link.device_id}
        assert views(engine) == views(hub) == ["before", "of the copy", "of the copy, early", "of the first", "waiting"]
    on("first")
    async with opened(ann) as engine:
        await now(engine, engine)
        assert views(engine) == views(hub)
        assert (engine.link.device_id, key_of(ann)) == (device, sealed)
        assert (await engine.run("sync.status"))["copy"] == ""
    with pytest.raises(Conflict, match="its consoles know it"):
        await hub.run("sync.renew")


async def test_a_disk_that_was_moved_is_told_so_and_is_at_home_once_a_person_says_it(hub, tmp_path, on):
    ann, copy = await copy_of(hub, tmp_path, on)
    sealed = key_of(ann)
    await write_at(copy, on, "of another", "first")
    on("second")
    async with opened(ann) as engine:
        device = engine.link.device_id
        with pytest.raises(Refused, match="looks like a copy"):
            await now(engine)
        told = await engine.run("sync.status")
        assert (told["copy"], told["elsewhere"]) == ("due", True)
        assert await engine.run("sync.renew", keep=True) == {"device": device, "before": device}
        told = await engine.run("sync.status")
        assert (told["copy"], told["elsewhere"]) == ("", False)
        await now(engine)
        assert views(engine) == views(hub) == ["before", "of another", "waiting"]
    async with opened(ann) as engine:
        await engine.link.identity()
        assert not engine.link.elsewhere
        assert key_of(ann) == sealed


async def test_a_store_set_back_where_the_disk_was_moved_to_goes_on_with_its_keys(hub, tmp_path, on):
    ann, _ = await copy_of(hub, tmp_path, on)
    on("second")
    async with opened(ann) as engine:
        device = engine.link.device_id
        await engine.run("store.backup", file=tmp_path / "early.db")
        await engine.run("view.save", name="later")
        await now(engine)
        await engine.run("store.restore", file=tmp_path / "early.db")
        await now(engine, engine)
        told = await engine.run("sync.status")
        assert (told["copy"], told["elsewhere"], engine.link.device_id) == ("", True, device)
        assert views(engine) == views(hub) == ["before", "later", "waiting"]


async def test_on_machines_that_cannot_be_told_apart_both_say_so_and_a_person_says_which_is_the_copy(hub, tmp_path, on):
    ann, copy = await copy_of(hub, tmp_path, on)
    for home in (ann, copy):
        await write_at(home, on, home.name, "first")
    async with opened(ann) as engine:
        await now(engine)
        assert (await engine.run("sync.status"))["copy"] == "twin"
    async with opened(copy) as engine:
        await now(engine)
        assert (await engine.run("sync.status"))["copy"] == "twin"
        task = {"rollout_id": "r", "node_id": "n", "state": "queued"}
        await engine.store.write(lambda conn: rows.put_many(conn, "rollout_tasks", [task]))
        await engine.run("store.backup", file=tmp_path / "of the copy.db")
        told = await engine.run("sync.renew")
        assert engine.link.device_id == told["device"] != told["before"]
        assert (await engine.run("sync.status"))["copy"] == ""
        assert await engine.store.read(lambda conn: rows.count(conn, "rollout_tasks")) == 0  # left to the other machine
        await join(hub, engine)
        await now(engine)
        assert views(engine) == views(hub) == ["ann", "before", "copy", "waiting"]

        await engine.run("store.restore", file=tmp_path / "of the copy.db")  # from before it had keys of its own
        await engine.run("view.save", name="after")
        await now(engine)
        assert views(engine) == views(hub) == ["after", "ann", "before", "copy", "waiting"]
