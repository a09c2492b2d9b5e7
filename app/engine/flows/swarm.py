"""A swarm: many virtual nodes in a process of their own, and a real fleet that pulls from all of them.

The nodes speak the real protocol over TCP and mutual TLS and measure nothing; fleet, link, store and records are the real
ones, over a home that is thrown away. Told are what was lost, how old a measurement is when its row can be seen, and the CPU
time of the console's side.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from app.engine.base.clock import Clock, SystemClock
from app.engine.base.errors import BadInput, Offline, Timeout
from app.engine.base.events import Bus
from app.engine.base.rings import Samples
from app.engine.base.settings import Settings
from app.engine.fleet.service import FleetService
from app.engine.jobs.base import Base
from app.engine.jobs.service import Jobs
from app.engine.link.records import Batch
from app.engine.link.service import Link
from app.engine.store import rows
from app.engine.store.store import Store
from app.engine.store.threads import in_thread

_PROGRAM: Final = "app.agent.virtual"
_UP_S: Final = 300.0
_ALWAYS_DIRECT: Final = 1_000_000_000


@dataclass
class Tally:
    """What came, node by node; `lags_s` are of measurements made while the swarm was watched."""

    nodes: int
    everybody: asyncio.Event = field(default_factory=asyncio.Event)
    seen: dict[str, set[int]] = field(default_factory=dict)
    told_lost: int = 0
    duplicates: int = 0
    failed: int = 0
    pulls: int = 0
    lags_s: list[float] = field(default_factory=list)
    from_us: int = 1 << 62

    def take(self, batch: Batch, now_us: int) -> None:
        """Count one batch."""
        if batch.problem is not None:
            self.failed += 1
            return
        self.pulls += 1
        self.told_lost += sum(last - first + 1 for first, last in batch.lost)
        seen = self.seen.setdefault(batch.node_id, set())
        for item in batch.items:
            self.duplicates += item.seq in seen
            if item.seq not in seen and item.at_us >= self.from_us:
                self.lags_s.append((now_us - item.at_us) / 1e6)
            seen.add(item.seq)
        if len(self.seen) >= self.nodes:
            self.everybody.set()

    def lost(self) -> int:
        """Return how many measurements between the first and the last of each node are missing."""
        return self.told_lost + sum(max(seen) - min(seen) + 1 - len(seen) for seen in self.seen.values() if seen)

    def lag_s(self, part: float) -> float | None:
        """Return the quantile `part` (nearest rank) of the lags, or None without any."""
        ordered = sorted(self.lags_s)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else None


async def run(
    *, nodes: int, seconds: float, cadence_s: float = 1.0, period_s: float = 2.0, direct: bool = False, faults: Any = (),
    begun: Callable[[], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Run a swarm of `nodes` for `seconds` after all of them were heard; returns the figures.

    A node measures every `cadence_s` and is pulled every `period_s`; `direct` keeps the links in this process. `faults` is
    the script of `app.agent.virtual`; `begun` is called once all were heard, when the measuring begins.
    """
    with tempfile.TemporaryDirectory(prefix="outpost-swarm-") as folder:
        links = _ALWAYS_DIRECT if direct else 50
        async with open_base(Path(folder), {"fleet.cadence_s": period_s, "fleet.link_process_nodes": links}) as base:
            link = Link(base)
            await link.start()
            order = {
                "console": (await link.identity()).public.to_json(), "nodes": nodes, "cadence_s": cadence_s,
                "faults": list(faults),
            }  # fmt: skip
            swarm = await in_thread(partial(Swarm, order), "swarm-start")
            try:
                settings = {"cadence_s": cadence_s, "period_s": period_s}
                return await _watch(base, link, swarm, seconds, begun=begun, settings=settings)
            finally:
                await in_thread(swarm.end, "swarm-end")


async def _watch(
    base: Base, link: Link, swarm: "Swarm", seconds: float, *, begun: Callable[[], None] | None, settings: Mapping[str, float]
) -> dict[str, Any]:
    listed = swarm.nodes
    now_us = base.clock.now_us()
    await base.store.write(partial(_register, listed=listed, now_us=now_us))
    fleet, tally = FleetService(base, link), Tally(len(listed))
    await fleet.start()
    undo = link.on_batch(lambda batch: tally.take(batch, base.clock.now_us()))
    try:
        await _all_heard(tally)
        mode = "direct" if link.process is None else "process"
        pids = [None, swarm.pid, *([link.process.pid] if link.process else [])]
        before_s = [_cpu_s(pid) for pid in pids]
        tally.from_us = base.clock.now_us()
        begun_failed, begun_pulls = tally.failed, tally.pulls
        swarm.begin()
        if begun is not None:
            begun()
        await asyncio.sleep(seconds)
        spent_s = [_cpu_s(pid) - before for pid, before in zip(pids, before_s, strict=True)]
    finally:
        undo()
        await fleet.stop()
        await link.stop()
    return {
        "nodes": len(listed), "mode": mode, "lost": tally.lost(), "status_lag_p99_s": tally.lag_s(0.99),
        "status_lag_p50_s": tally.lag_s(0.5), "cpu_s": spent_s[0] + sum(spent_s[2:]), "engine_cpu_s": spent_s[0],
        "link_cpu_s": sum(spent_s[2:]), "swarm_cpu_s": spent_s[1],
        "seconds": seconds, "pulls": tally.pulls - begun_pulls, "failed": tally.failed - begun_failed,
        "duplicates": tally.duplicates, "measurements": len(tally.lags_s), "kind": "simulated nodes, measured console",
        **settings,
    }  # fmt: skip


async def _all_heard(tally: Tally) -> None:
    try:
        await asyncio.wait_for(tally.everybody.wait(), _UP_S)
    except TimeoutError:
        raise Timeout("{count} of the swarm's nodes were never heard", count=tally.nodes - len(tally.seen)) from None


@asynccontextmanager
async def open_base(home: Path, values: Mapping[str, Any]) -> AsyncIterator[Base]:
    """Yield the ground of services over `home`."""
    import tomli_w

    clock: Clock = SystemClock()
    settings, bus, samples = Settings(home / "settings.toml", tomli_w.dumps), Bus(_raise), Samples()
    for key, value in values.items():
        settings.set(key, value)
    store = await Store.open(home / "outpost.db", clock)
    jobs = Jobs(home, clock, settings, bus, samples, store)
    try:
        yield Base(home, clock, settings, bus, samples, store, jobs)
    finally:
        await store.close()


class Swarm:
    """The process of the virtual nodes; it ends when its standard input closes. Blocks: made and ended off the loop."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        root = Path(__file__).resolve().parents[3]
        self._process = subprocess.Popen(
            [sys.executable, "-m", _PROGRAM], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._say(json.dumps(order))
        line = self._process.stdout.readline() if self._process.stdout is not None else b""
        if not line:
            self.end()
            raise Offline("The swarm ended at once", hint="Fewer nodes may do: each needs a port and two open files.")
        self.nodes: list[dict[str, Any]] = json.loads(line)

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def begin(self) -> None:
        """Have the script of faults begin."""
        self._say("go")

    def end(self) -> None:
        """End the process and wait for it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(10.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10.0)

    def _say(self, line: str) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(line.encode() + b"\n")
                self._process.stdin.flush()


def _register(conn: rows.Conn, *, listed: list[dict[str, Any]], now_us: int) -> None:
    for at, each in enumerate(listed):
        row = {
            "node_identifier": each["identity"]["device"], "name": f"v{at:05d}", "address": each["address"],
            "identity": each["identity"], "certificate": each["identity"]["certificate"], "registered_at": now_us,
            "connectivity_type": "loopback",
        }  # fmt: skip
        rows.put(conn, "edge_nodes", row, actor="swarm", cause="", now_us=now_us)


def _cpu_s(pid: int | None) -> float:
    import psutil

    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _raise(error: BaseException) -> None:
    raise error


def script_in(path: Path) -> Any:
    """Return the JSON of a fault script; raise `BadInput` that names the file."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput("{file}: {reason}", file=path, reason=str(error), field="faults") from None
