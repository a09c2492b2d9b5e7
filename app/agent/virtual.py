"""Virtual nodes: the agent's protocol over real TCP and mutual TLS, many in one process, with a script of faults.

For swarms and tests: each has an identity and a port of its own, but measures nothing; its telemetry is a function of the
sequence number and the time alone, so that what was pulled can be compared with what was there. As a program
(`python -m app.agent.virtual`) it reads one JSON line {console, nodes, cadence_s, faults} and writes one, the list of nodes;
it ends when its standard input closes. That nodes are simulated is how scale is tested elsewhere too (Kubernetes' hollow
nodes, KubeEdge's Edgemark); say so beside every figure.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import parse_qs, urlsplit

from app.engine.base.errors import BadInput
from app.wire.documents import to_bytes
from app.wire.identity import DeviceIdentity, PublicIdentity
from app.wire.limits import PAGE_ITEMS
from app.wire.status import Inventory, Status
from app.wire.telemetry import Measurement, TelemetryPage
from app.wire.tls import peer_der, pin, server_context

Deed = Literal["cut", "hang", "slow", "duplicate"]
DEEDS: Final = ("cut", "hang", "slow", "duplicate")
_SLOW_S: Final = 1.0
_AGAIN: Final = 5
_MOST_FAULTS: Final = 10_000


@dataclass(frozen=True)
class Fault:
    """From `at_s` on, for `for_s`, something is wrong with the nodes `first` to `last`.

    cut: connections end and none is taken. hang: half-open, nothing is answered. slow: each answer takes a second longer.
    duplicate: the last measurements are told again.
    """

    do: Deed
    at_s: float
    for_s: float
    first: int
    last: int

    @classmethod
    def of(cls, document: Any, nodes: int) -> "Fault":
        """Return the fault in `document`; raise `BadInput`."""
        told = document if isinstance(document, dict) else {}
        try:
            made = cls(
                told["do"], float(told["at_s"]), float(told["for_s"]), int(told.get("first", 0)),
                int(told.get("last", nodes - 1)),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError):
            raise BadInput("A fault has do, at_s, for_s, first and last", field="faults") from None
        if made.do not in DEEDS or not (0 <= made.at_s < 1e6 and 0 < made.for_s < 1e6 and 0 <= made.first <= made.last < nodes):
            raise BadInput("A fault is one of {deeds}, within time and nodes", deeds=", ".join(DEEDS), field="faults")
        return made


def faults_of(document: Any, nodes: int) -> list[Fault]:
    """Return the script in `document`, a JSON list; raise `BadInput`."""
    if not isinstance(document, list) or len(document) > _MOST_FAULTS:
        raise BadInput("A script of faults is a JSON list", field="faults")
    return [Fault.of(each, nodes) for each in document]


class VirtualNode:
    """One node: speaks HTTP/1.1 with keep-alive, to the pinned console alone.

    One more measurement is there every `cadence_s` since `start_us`; 0 means that `have` of them are there and no more.
    """

    def __init__(
        self, name: str, console: PublicIdentity, have: int = 0, cadence_s: float = 0.0, start_us: int | None = None
    ) -> None:
        self.identity = DeviceIdentity.generate(name)
        self.epoch, self.first = f"epoch-of-{name}", 1
        self._console, self._have, self._cadence_us = console.certificate_der, have, round(cadence_s * 1e6)
        self.start_us = _now_us() if start_us is None else start_us
        self._context = server_context(self.identity)
        pin(self._context, console)
        self.requests = 0
        self.faults: frozenset[str] = frozenset()
        self._healed = asyncio.Event()
        self._talks: set[asyncio.Task[None]] = set()

    @property
    def have(self) -> int:
        """Return the number of the newest measurement."""
        return self._have + ((_now_us() - self.start_us) // self._cadence_us if self._cadence_us else 0)

    def measurement(self, seq: int) -> Measurement:
        """Return measurement `seq`."""
        step_us = self._cadence_us or 1_000_000
        return Measurement(
            seq, self.start_us + (seq - self._have) * step_us if self._cadence_us else self.start_us + seq * step_us,
            cpu_ratio=seq % 100 / 100, mem_ratio=0.5, resources={"mem_bytes": 1e9 + seq},
        )  # fmt: skip

    async def start(self) -> "VirtualNode":
        """Listen on a port of its own."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def stop(self) -> None:
        """Close all."""
        self._server.close()
        self._end_talks()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def suffer(self, faults: frozenset[str]) -> None:
        """Have exactly these faults from now on."""
        self.faults = faults
        if "cut" in faults:
            self._end_talks()
        if "hang" not in faults:
            self._healed.set()
            self._healed = asyncio.Event()

    def _end_talks(self) -> None:
        for task in tuple(self._talks):
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._talks.add(task)
        try:
            if "cut" not in self.faults and peer_der(writer.get_extra_info("ssl_object")) == self._console:
                with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, OSError, asyncio.CancelledError):
                    while True:
                        await self._talk(reader, writer)
        finally:
            if task is not None:
                self._talks.discard(task)
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if "hang" in self.faults:
            await self._healed.wait()
            raise ConnectionResetError
        if "slow" in self.faults:
            await asyncio.sleep(_SLOW_S)
        body = self._answer(head.split(b" ", 2)[1].decode("ascii", "replace"))
        status = b"200 OK" if body else b"404 Not Found"
        writer.write(
            b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)
        )
        await writer.drain()

    def _answer(self, target: str) -> bytes:
        self.requests += 1
        asked, public, now_us = urlsplit(target), self.identity.public, _now_us()
        match asked.path:
            case "/v1/status":
                return to_bytes(self._status(now_us).to_json())
            case "/v1/inventory":
                return to_bytes(
                    Inventory(public.device_id, public.name, "virtual", "virtual", "none", 1, 1 << 30, 1 << 30, "3", "virtual")
                    .to_json()
                )  # fmt: skip
            case "/v1/twin":
                return to_bytes({"schema": 1, "version": 0, "desired": {}, "reported": {"applied_version": 0}})
            case "/v1/telemetry":
                return self._page({key: values[0] for key, values in parse_qs(asked.query).items()}, now_us)
        return b""

    def _status(self, now_us: int) -> Status:
        public = self.identity.public
        return Status(public.device_id, public.name, "virtual", now_us, now_us, self.epoch, self.have, 0, 1.0)

    def _page(self, query: Mapping[str, str], now_us: int) -> bytes:
        after = int(query.get("after", "0")) if query.get("epoch") == self.epoch else 0
        begin = max(after + 1, self.first)
        lost = ((after + 1, begin - 1),) if begin > after + 1 else ()
        end = min(self.have, begin + min(int(query.get("limit", "500")), PAGE_ITEMS) - 1)
        begin = max(self.first, begin - _AGAIN) if "duplicate" in self.faults else begin
        items = tuple(self.measurement(seq) for seq in range(begin, end + 1))
        status = self._status_of_page(query, now_us)
        return to_bytes(TelemetryPage(self.epoch, items, end + 1 if items else begin, lost, status).to_json())

    def _status_of_page(self, query: Mapping[str, str], now_us: int) -> Status | None:
        return self._status(now_us) if query.get("status") == "1" else None


async def follow(nodes: Sequence[VirtualNode], faults: Sequence[Fault], began_s: float) -> None:
    """Have `nodes` suffer the script, whose times count from `began_s` on the loop's clock."""
    loop = asyncio.get_running_loop()
    for at_s in sorted({fault.at_s for fault in faults} | {fault.at_s + fault.for_s for fault in faults}):
        await asyncio.sleep(max(0.0, began_s + at_s - loop.time()))
        for place, node in enumerate(nodes):
            now = {f.do for f in faults if f.first <= place <= f.last and f.at_s <= at_s < f.at_s + f.for_s}
            if now != node.faults:
                node.suffer(frozenset(now))


async def run(order: Mapping[str, Any]) -> None:
    """Answer for the nodes ordered until standard input closes."""
    console, count = PublicIdentity.from_json(order["console"]), int(order["nodes"])
    faults = faults_of(order.get("faults", []), count)
    nodes = [VirtualNode(f"v{at}", console, 1, float(order["cadence_s"])) for at in range(count)]
    for node in nodes:
        await node.start()
    told = [{"address": node.address, "identity": node.identity.public.to_json(), "epoch": node.epoch} for node in nodes]
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)  # the word that the measuring begins
    script = asyncio.create_task(follow(nodes, faults, asyncio.get_running_loop().time()))
    await asyncio.to_thread(sys.stdin.read)
    script.cancel()
    for node in nodes:
        await node.stop()


def _now_us() -> int:
    return time.time_ns() // 1000


if __name__ == "__main__":
    from app.agent.main import fast_loop

    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        runner.run(run(json.loads(sys.stdin.readline())))
