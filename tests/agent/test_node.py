import asyncio

import pytest

from app.agent.node import Node
from app.agent.options import Options
from app.engine.base.clock import SystemClock
from app.engine.base.errors import BadInput, Refused
from app.wire.identity import DeviceIdentity


@pytest.fixture
async def node(tmp_path):
    made = Node(Options(tmp_path, "north-1", cadence_s=0.1), SystemClock())
    yield made
    await made.close()


async def until(condition) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


async def test_only_a_pinned_certificate_is_a_console(node):
    console = DeviceIdentity.generate("console").public
    for shown in (None, b"", console.certificate_der):
        with pytest.raises(Refused):
            node.console_of(shown)
    await node._pin(console)
    assert node.console_of(console.certificate_der) == console
    await node.unpin(console)
    assert not node.paired


async def test_desired_state_that_cannot_be_changes_nothing(node):
    await node.set_desired(1, {"cadence_s": 5})
    with pytest.raises(BadInput):
        await node.set_desired(2, {"cadence_s": -5})
    assert (node.twin_version, node.desired, node.cadence_s) == (1, {"cadence_s": 5}, 5.0)


async def test_a_new_cadence_is_followed_at_once(node):
    await node.set_desired(1, {"cadence_s": 3600})
    node.start()
    await until(lambda: node.spool.last_seq == 1)
    await node.set_desired(2, {"cadence_s": 0.1})
    await until(lambda: node.spool.last_seq > 3)


async def test_a_full_disk_loses_measurements_not_the_agent(node, monkeypatch):
    real, failed = node.spool.append, []

    def full(*_):
        failed.append(1)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(node.spool, "append", full)
    node.start()
    await until(lambda: len(failed) > 1)
    monkeypatch.setattr(node.spool, "append", real)
    await until(lambda: node.spool.last_seq > 1)


async def test_a_reader_that_waits_is_woken_by_the_end(node):
    reader = asyncio.create_task(node.page("", 0, 10, 600))
    await asyncio.sleep(0)
    node.stop()
    assert (await reader).items == ()


async def test_several_readers_get_the_same_news(node):
    readers = [asyncio.create_task(node.page(node.spool.epoch, 0, 10, 60)) for _ in range(3)]
    await asyncio.sleep(0)
    node.start()
    assert [[item.seq for item in (await reader).items] for reader in readers] == [[1]] * 3
