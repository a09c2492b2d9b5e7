import asyncio
import contextlib

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


async def ask(address, path, method="GET", host_told="127.0.0.1:9464"):
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: {host_told}\r\nConnection: close\r\n\r\n".encode())
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


async def test_a_page_whose_name_was_bound_to_loopback_is_refused(exporter):
    assert (await ask(exporter.address, "/metrics", host_told="evil.example:9464"))[0] == "403 Forbidden"
    assert (await ask(exporter.address, "/metrics", host_told="LocalHost"))[0] == "200 OK"


async def silent(address):
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    reader._transport.pause_reading()
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return writer


@pytest.mark.parametrize("ends", ["patience", "stop"])
async def test_who_does_not_read_holds_few_places_and_not_for_ever(ends, monkeypatch):
    monkeypatch.setattr("app.engine.observe.exporter._PATIENCE_S", 0.2 if ends == "patience" else 60.0)
    exporter = Exporter(lambda: "x" * 30_000_000, port=0)
    await exporter.start()
    clients = [await silent(exporter.address) for _ in range(3)]
    async with asyncio.timeout(30):
        while len(exporter._open) < len(clients) and exporter.scrapes < len(clients):
            await asyncio.sleep(0)
        if ends == "stop":
            await exporter.stop()
        while exporter._open:
            await asyncio.sleep(0.01)
    await exporter.stop()
    for client in clients:
        client.transport.abort()


async def test_no_more_than_a_few_are_answered_at_once(exporter, monkeypatch):
    monkeypatch.setattr("app.engine.observe.exporter._MOST_AT_ONCE", 1)
    host, port = exporter.address.split(":")
    _reader, waits = await asyncio.open_connection(host, int(port))
    while not exporter._open:
        await asyncio.sleep(0)
    reader, writer = await asyncio.open_connection(host, int(port))
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    writer.transport.abort()
    waits.transport.abort()
    while exporter._open:
        await asyncio.sleep(0)
    assert (await ask(exporter.address, "/metrics"))[0] == "200 OK"
