import asyncio

import pytest

from app.engine.base.errors import Conflict
from app.engine.observe.exporter import Exporter
from app.engine.observe.exposition import Sample, render


@pytest.fixture
async def exporter():
    made = Exporter(lambda: render([Sample("outpost_jobs_workers_count", 3)]), port=0)
    await made.start()
    yield made
    await made.stop()


async def ask(address, path, method="GET"):
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition("\r\n\r\n")
    return head.split("\r\n")[0].split(" ", 1)[1], body


async def test_metrics_and_nothing_else_are_answered(exporter):
    status, body = await ask(exporter.address, "/metrics")
    assert status == "200 OK"
    assert "outpost_jobs_workers_count 3.0\n" in body
    assert (await ask(exporter.address, "/other"))[0] == "404 Not Found"
    assert (await ask(exporter.address, "/metrics", "POST"))[0] == "405 Method Not Allowed"
    assert exporter.scrapes == 1


async def test_a_port_in_use_is_told(exporter):
    with pytest.raises(Conflict, match="cannot be used"):
        await Exporter(str, port=int(exporter.address.split(":")[1])).start()
