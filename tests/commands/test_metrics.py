import asyncio
from types import SimpleNamespace

import pytest

from app.commands.metrics import ROWS
from app.engine.base.clock import SystemClock
from app.engine.base.command import CommandTable


class Jobs:
    """Runs local work at once and keeps what it reports."""

    def __init__(self):
        self.records, self.workers, self.told = [], {}, []

    async def run_local(self, kind, work, *, title, actor, cause):
        return await work(lambda *_progress, **more: self.told.append(more))


@pytest.fixture
def call():
    engine = SimpleNamespace(
        jobs=Jobs(), control=SimpleNamespace(records=[]), fleet=SimpleNamespace(records=[]), clock=SystemClock()
    )
    return SimpleNamespace(engine=engine, actor="me@here", cause="")


async def test_metrics_show_gives_the_text(call):
    told = await CommandTable(ROWS).need("metrics.show").run(call)
    assert "outpost_jobs_workers_count 0.0" in told["text"]


async def test_metrics_serve_answers_until_it_is_ended(call):
    row = CommandTable(ROWS).need("metrics.serve")
    serving = asyncio.create_task(row.run(call, **row.take({"port": 0})))
    async with asyncio.timeout(10):
        while not call.engine.jobs.told:
            await asyncio.sleep(0)
        host, port = call.engine.jobs.told[0]["partial"]["address"].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert b"outpost_jobs_workers_count" in await reader.read()
        writer.close()
        await writer.wait_closed()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


async def test_metrics_serve_ends_after_its_time(call):
    row = CommandTable(ROWS).need("metrics.serve")
    told = await row.run(call, **row.take({"port": 0, "seconds": 0.01}))
    assert told["scrapes"] == 0
