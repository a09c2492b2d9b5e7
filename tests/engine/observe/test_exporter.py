import asyncio
import json
import shutil
import socket
import urllib.parse

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


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="no Prometheus server here")
async def test_a_real_prometheus_scrapes_it(exporter, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "p.yml").write_text(
        "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
        f"scrape_configs: [{{job_name: outpost, static_configs: [{{targets: ['{exporter.address}']}}]}}]\n"
    )
    server = await asyncio.create_subprocess_exec(
        "prometheus", f"--config.file={tmp_path / 'p.yml'}", f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    query = "/api/v1/query?" + urllib.parse.urlencode({"query": "outpost_jobs_workers_count"})
    try:
        async with asyncio.timeout(60):
            while True:
                try:
                    _, body = await ask(f"127.0.0.1:{port}", query)
                    found = json.loads(body[body.find("{") : body.rfind("}") + 1])["data"]["result"]
                except (OSError, ValueError, KeyError):
                    found = []
                if found:
                    break
                await asyncio.sleep(0.1)
        assert found[0]["value"][1] == "3"
    finally:
        server.terminate()
        await server.wait()
