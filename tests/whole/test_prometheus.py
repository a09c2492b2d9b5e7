"""A real Prometheus server scrapes the real exporter of an engine that has a controller, a node and jobs."""

import asyncio
import json
import shutil
import socket
import urllib.parse

import pytest

from app.commands.table import command_table
from app.engine.engine import Engine
from app.engine.observe.exposition import FAMILIES

NODES = 1


async def ask(address, path):
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return answer.partition("\r\n\r\n")[2]


async def until(look):
    """Return what `look` finds, as soon as it finds something."""
    async with asyncio.timeout(120):
        while not (found := await look()):
            await asyncio.sleep(0.1)
        return found


async def found_in(server, query):
    """Return the series of `query` as (labels, value), or nothing while the server or the series is not there yet."""
    try:
        body = await ask(server, "/api/v1/query?" + urllib.parse.urlencode({"query": query}))
        told = json.loads(body[body.find("{") : body.rfind("}") + 1])["data"]["result"]
    except (OSError, ValueError, KeyError):
        return []
    return [(one["metric"], float(one["value"][1])) for one in told]


@pytest.fixture
async def engine(tmp_path):
    engine = await Engine.open(tmp_path / "home", command_table())
    try:
        yield engine
        await engine.run("fleet.stop")
    finally:
        await engine.close()


@pytest.fixture
async def scraped(tmp_path, engine):
    """Return the address of a Prometheus server that scrapes what `metrics serve` of `engine` answers."""
    serving = asyncio.create_task(engine.run("metrics.serve", port=0))

    async def address():
        return next((job.partial["address"] for job in engine.jobs.records if "address" in job.partial), "")

    target = await until(address)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = f"127.0.0.1:{free.getsockname()[1]}"
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 500ms, scrape_timeout: 500ms}\n"
        f"scrape_configs: [{{job_name: outpost, static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    process = await asyncio.create_subprocess_exec(
        "prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address={server}", "--log.level=error",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield server
    finally:
        process.terminate()
        await process.wait()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="no Prometheus server here")
async def test_a_real_prometheus_reads_a_controller_a_node_and_jobs_from_a_real_engine(engine, scraped):
    told = await engine.run("fleet.demo", nodes=NODES)
    running = asyncio.create_task(engine.run("control.run", seconds=600.0, rate_hz=20.0, low=2, high=9, seed=1))
    try:
        ((labels, size),) = await until(lambda: found_in(scraped, "outpost_control_applied_size"))
        (run,) = engine.control.records
        assert (labels["controller"], labels["resource"]) == (run.id, "threadpool")
        assert 2 <= size <= 9
        ((_, nodes),) = await until(lambda: found_in(scraped, 'outpost_fleet_nodes_count{state="online"}'))
        assert nodes == NODES
        ((labels, cpu),) = await until(lambda: found_in(scraped, "outpost_fleet_cpu_ratio"))
        assert labels["node"] == told["nodes"][0]["name"]
        assert 0 <= cpu <= 1
        jobs = {labels["kind"]: count for labels, count in await found_in(scraped, 'outpost_jobs_count{state="running"}')}
        assert (jobs["control"], jobs["metrics"]) == (1.0, 1.0)
        ((_, workers),) = await found_in(scraped, "outpost_jobs_workers_count")
        assert workers >= 1
        names = {labels["__name__"] for labels, _ in await found_in(scraped, '{job="outpost"}')}
        assert {name for name in names if name.startswith("outpost_")} <= set(FAMILIES)
        # How what is told is kept: the server knows our own words for it.
        help_text = json.loads((body := await ask(scraped, "/api/v1/metadata"))[body.find("{") : body.rfind("}") + 1])["data"]
        assert help_text["outpost_control_wait_seconds"][0]["help"] == FAMILIES["outpost_control_wait_seconds"][1]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
