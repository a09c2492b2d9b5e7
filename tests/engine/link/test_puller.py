import random
from dataclasses import replace

from app.engine.base.clock import SystemClock
from app.engine.link.puller import PAGE, Puller
from tests.engine.fleet.ground import until
from tests.engine.link.conftest import nodes_for
from tests.engine.link.virtual import measurement


def pull(client_of, hand, cadence_s=0.5):
    return Puller(client_of, hand, cadence_s, SystemClock(), random.Random(0))


async def test_a_gap_of_several_pages_is_filled_without_a_hole(identity, client_of):
    batches = []
    puller = pull(client_of, batches.append)
    have = 2 * PAGE + 17
    async with nodes_for(identity, 2, have) as (_, targets):
        for target in targets:
            puller.attach(target)
        await until(lambda: sum(len(batch.items) for batch in batches) == 2 * have)
        await puller.stop()
    for target in targets:
        items = [item for batch in batches if batch.node_id == target.peer.id for item in batch.items]
        assert items == [measurement(seq) for seq in range(1, have + 1)]


async def test_pulling_goes_on_at_the_cursor_and_tells_what_was_lost(identity, client_of):
    batches = []
    puller = pull(client_of, batches.append)
    async with nodes_for(identity, 1, 30) as ((node,), (target,)):
        node.first = 21
        puller.attach(replace(target, epoch=node.epoch, seq=10))
        await until(lambda: batches)
        await puller.stop()
    assert [item.seq for item in batches[0].items] == list(range(21, 31))
    assert batches[0].lost == ((11, 20),)
    assert (batches[0].epoch, batches[0].seq) == (node.epoch, 30)


async def test_a_new_epoch_begins_at_its_beginning(identity, client_of):
    batches = []
    puller = pull(client_of, batches.append)
    async with nodes_for(identity, 1, 5) as ((node,), (target,)):
        puller.attach(replace(target, epoch="an older spool", seq=400))
        await until(lambda: batches)
        await puller.stop()
    assert [item.seq for item in batches[0].items] == [1, 2, 3, 4, 5]
    assert batches[0].epoch == node.epoch
    assert batches[0].status is not None


async def test_a_node_that_goes_is_a_failed_batch_and_its_return_is_seen(identity, client_of):
    batches = []
    puller = pull(client_of, batches.append, 0.05)
    async with nodes_for(identity, 1, 3) as ((node,), (target,)):
        puller.attach(target)
        await until(lambda: batches)
        await node.stop()
        await until(lambda: batches[-1].problem is not None)
        assert batches[-1].problem["type"] == "offline"
        assert (batches[-1].epoch, batches[-1].seq) == (node.epoch, 3)
        count = len(batches)
        await node.start()
        puller.attach(replace(target, peer=replace(target.peer, address=node.address), epoch=node.epoch, seq=3))
        await until(lambda: len(batches) > count and batches[-1].problem is None)
        await puller.stop()


async def test_one_connection_serves_many_pulls(identity, client_of):
    batches = []
    puller = pull(client_of, batches.append, 0.02)
    async with nodes_for(identity, 1, 3) as ((node,), (target,)):
        puller.attach(target)
        await until(lambda: node.requests > 10)
        assert len(node._talks) == 1
        await puller.stop()


async def test_a_poke_pulls_at_once_and_asks_for_the_status(identity, client_of):
    batches = []
    puller = pull(client_of, batches.append, 3600.0)
    async with nodes_for(identity, 1, 3) as (_, (target,)):
        puller.attach(target)
        await until(lambda: batches)
        puller.poke("id0")
        puller.poke("nobody")
        await until(lambda: len(batches) == 2)
        assert batches[1].status is not None
        await puller.stop()


async def test_the_status_comes_with_the_page_and_an_older_node_is_asked_for_it(identity, client_of):
    batches = []
    puller = pull(client_of, batches.append, 3600.0)
    async with nodes_for(identity, 2, 3) as ((new, old), targets):
        old._status_of_page = lambda query, now_us: None
        for target in targets:
            puller.attach(target)
        await until(lambda: len(batches) == 2)
        assert all(batch.status is not None for batch in batches)
        assert (new.requests, old.requests) == (1, 2)
        await puller.stop()


async def test_a_node_of_a_thin_link_is_asked_at_its_own_pace(identity, client_of):
    batches = []
    puller = pull(client_of, batches.append, 0.05)
    async with nodes_for(identity, 2, 200) as (_, (quick, slow)):
        puller.attach(quick)
        puller.attach(replace(slow, every_s=1000.0))
        await until(lambda: len(batches) >= 4)
        assert {batch.node_id for batch in batches} == {quick.peer.id}
        assert batches[0].link_bytes > 200 * 50
        puller.pace(slow.peer.id, 0.01)
        await until(lambda: sum(batch.node_id == slow.peer.id for batch in batches) >= 3)
        puller.pace(quick.peer.id, 1000.0)
        await puller.stop()
    pages = [len(batch.items) for batch in batches if batch.node_id == slow.peer.id]
    assert max(pages) < 200
