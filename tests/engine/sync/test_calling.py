"""Nodes that called a hub are known to hub and consoles after a start anew, and to no console that left it."""

from dataclasses import replace

import pytest

from app.engine.sync import calling
from app.engine.sync.records import Caller
from app.wire.announcements import announce
from app.wire.identity import DeviceIdentity
from tests.meeting import join, now, opened, served


@pytest.fixture(autouse=True)
def only_when_told(monkeypatch):
    """No exchange begins by itself."""
    monkeypatch.setattr("app.engine.sync.service._FIRST_S", 86400.0)


def call(hub, name, seen_from="192.0.2.7"):
    """Have a node of this name call a hub that is served."""
    now_us, node = hub.clock.now_us(), DeviceIdentity.generate(name)
    document = announce(node, name=name, address="10.0.0.5:7000", hub=hub.link.device_id, at_us=now_us)
    hub.sync.host._api.callers.take(document, seen_from, now_us)


async def told(engine):
    return [(one["name"], one["seen_from"], one["heard_us"]) for one in (await engine.run("sync.nodes"))["nodes"]]


async def test_who_called_is_told_with_its_age_after_a_start_anew_at_console_and_hub(tmp_path):
    async with opened(tmp_path / "hub") as hub, opened(tmp_path / "ann") as ann, served(hub):
        await join(hub, ann)
        call(hub, "pump")
        await now(ann)
        heard = await told(ann)
        heard_us = (await told(hub))[0][2]
    assert [one[:2] for one in heard] == [("pump", "192.0.2.7")]
    async with opened(tmp_path / "ann") as ann:
        assert await told(ann) == heard
    async with opened(tmp_path / "hub") as hub:
        assert await told(hub) == [("pump", "192.0.2.7", heard_us)]  # not served yet
        async with served(hub):
            assert await told(hub) == [("pump", "192.0.2.7", heard_us)]
            call(hub, "valve", "192.0.2.8")
            assert [one[0] for one in await told(hub)] == ["pump", "valve"]


async def test_who_leaves_a_hub_knows_nobody_any_more_who_called_it(tmp_path):
    async with opened(tmp_path / "hub") as hub, opened(tmp_path / "ann") as ann, served(hub):
        await join(hub, ann)
        call(hub, "pump")
        await now(ann)
        await ann.run("sync.leave", peer=hub.link.device_id)
        assert await told(ann) == []
    async with opened(tmp_path / "ann") as ann:
        assert await told(ann) == []


async def test_of_too_many_those_paired_with_are_kept_before_strangers(tmp_path, monkeypatch):
    monkeypatch.setattr(calling, "MOST_KEPT", 2)
    made = Caller("a" * 32, "pump", "", "", "h" * 32, known=True, heard_us=5)
    strangers = [replace(made, id=letter * 32, name=letter, known=False, heard_us=9) for letter in "bcd"]
    async with opened(tmp_path / "ann") as ann:
        ann.sync.calling.take("h" * 32, [*strangers, made])
    async with opened(tmp_path / "ann") as ann:
        assert [one[0] for one in await told(ann)] == ["pump", "b"]


async def test_an_age_alone_is_written_down_now_and_then(tmp_path):
    made = Caller("a" * 32, "pump", "", "", "h" * 32, known=True, heard_us=5)
    async with opened(tmp_path / "ann") as ann:
        written, store = [], ann.store
        real, store.write = store.write, lambda work: written.append(work) or real(work)
        for heard_us in (5, 6, 7):
            ann.sync.calling.take("h" * 32, [replace(made, heard_us=heard_us)])
            await ann.sync.calling.keep()
        assert len(written) == 1
        ann.sync.calling.take("h" * 32, [replace(made, name="valve")])
        await ann.sync.calling.keep()
        assert len(written) == 2
        store.write = real
