import psutil

from app.engine.base.platform import kill_hard
from app.engine.link.process import LinkProcess, parcel
from app.engine.link.records import Batch
from tests.engine.fleet.ground import until
from tests.engine.link.conftest import nodes_for
from tests.engine.link.virtual import measurement

HAVE = 1100


async def test_the_process_brings_what_a_direct_pull_brings(identity, folder, key):
    batches = []
    process = LinkProcess(folder, key, batches.append, 0.5)
    async with nodes_for(identity, 2, HAVE) as (_, targets):
        for target in targets:
            process.attach(target)
        await until(lambda: sum(len(batch.items) for batch in batches) >= 2 * HAVE)
        assert [batch.problem for batch in batches if batch.problem] == []
        pid = process.pid
        await process.stop()
    assert not psutil.pid_exists(pid)
    for target in targets:
        items = [item for batch in batches if batch.node_id == target.peer.id for item in batch.items]
        assert items == [measurement(seq) for seq in range(1, HAVE + 1)]


async def test_a_killed_process_is_replaced_and_goes_on_where_it_was(identity, folder, key):
    batches = []
    process = LinkProcess(folder, key, batches.append, 0.5)
    async with nodes_for(identity, 1, 50, grow_s=0.05) as (_, (target,)):
        process.attach(target)
        await until(lambda: batches)
        pid, seen = process.pid, len(batches)
        kill_hard(pid)
        await until(lambda: len(batches) > seen + 1 and process.pid != pid)
        process.detach(target.peer.id)
        await process.stop()
    sequence = [item.seq for batch in batches for item in batch.items]
    assert sorted(set(sequence)) == list(range(1, max(sequence) + 1))


def test_a_message_holds_few_batches_and_few_measurements():
    small, page = Batch("n", 0), Batch("n", 0, items=tuple(measurement(seq) for seq in range(500)))
    assert parcel([small] * 1000) <= 50
    assert parcel([page] * 9) == 1
    assert parcel([small, small, page]) == 2
    assert parcel([small]) == 1
