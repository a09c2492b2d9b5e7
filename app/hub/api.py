"""What a hub answers: `/sync/hello|push|pull|snapshot|announce|nodes`, `/health/live|ready`, `/metrics` and pairing."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from starlette.responses import Response

from app.agent.desk import Desk
from app.agent.gate import Asked, Rule, json_response
from app.engine.base.errors import BadInput, OutpostError, Refused
from app.engine.base.garbage import uncollected
from app.engine.engine import Engine
from app.engine.store import capture
from app.engine.store.rows import Conn
from app.engine.store.shelf import Shelf
from app.engine.store.threads import in_thread
from app.engine.sync.batch import MOST_BYTES, Batch, decode, pack
from app.engine.sync.conflicts import TABLE as CONFLICTS
from app.engine.sync.hlc import DRIFT_US
from app.engine.sync.hub import PAGE, Hub
from app.engine.sync.pages import Pages
from app.hub.callers import Callers
from app.wire.documents import parse_object, text_of, whole_of
from app.wire.identity import PublicIdentity
from app.wire.limits import PAIRING_BYTES

T = TypeVar("T")
log = logging.getLogger(__name__)
_OCTETS: Final = "application/octet-stream"
_SMALL: Final = 64 << 10


class Api:
    """The answers of one hub; `rules` is the table that the gate reads."""

    def __init__(self, engine: Engine, desk: Desk, metrics: Callable[[], str]) -> None:
        self._engine, self._desk, self._metrics = engine, desk, metrics
        self.ready = False
        self.callers = Callers(engine.link.device_id, engine.fleet.identity)
        self.term: int | None = None
        self._pages = Pages()
        self.ahead_us = 0  # how far this hub goes by a later time than its clock shows
        self.counts: dict[str, int] = {"pushed": 0, "pulled": 0, "refused": 0, "received_bytes": 0, "sent_bytes": 0}

    def rules(self) -> tuple[Rule, ...]:
        """Return every route, with what it demands."""
        return (
            Rule("POST", "/v1/pair", self._pair, PAIRING_BYTES, unpaired=True, told=True),
            Rule("POST", "/sync/hello", self._hello, _SMALL, told=True),
            Rule("POST", "/sync/push", self._push, MOST_BYTES, told=True),
            Rule("GET", "/sync/pull", self._pull, told=True),
            Rule("GET", "/sync/snapshot", self._snapshot, told=True),
            Rule("POST", "/sync/announce", self._announce, PAIRING_BYTES, unpaired=True, told=True),
            Rule("GET", "/sync/nodes", self._nodes, told=True),
            Rule("GET", "/health/live", self._live, unpaired=True),
            Rule("GET", "/health/ready", self._is_ready, unpaired=True),
            Rule("GET", "/metrics", self._told_metrics),
        )

    async def _pair(self, asked: Asked) -> Response:
        return json_response(await self._desk.answer(parse_object(asked.body)))

    async def _hello(self, asked: Asked) -> Response:
        document, device = parse_object(asked.body), _device(asked)
        replica, name = text_of(document, "replica"), text_of(document, "name", "")[:64]
        schema = whole_of(document, "data_schema", 0)
        return json_response(await self.at_hub(lambda hub: hub.hello(replica, device.device_id, name, schema)))

    async def _push(self, asked: Asked) -> Response:
        device = _device(asked)
        try:
            batch = await in_thread(partial(_decoded, asked.body), "hub-decode")
            answer = await self.at_hub(lambda hub: hub.receive(batch, device.device_id))
        except OutpostError:
            self.counts["refused"] += 1
            raise
        self.counts["pushed"] += int(answer["taken"])
        self.counts["received_bytes"] += len(asked.body)
        self._engine.sync.heard(device.device_id, received=len(asked.body))
        self._engine.sync.followers.changed({CONFLICTS, *(op.table for op in batch.ops)})
        return json_response(answer)

    async def _pull(self, asked: Asked) -> Response:
        device, query = _device(asked), asked.request.query_params
        after, most = _whole(asked, "after"), _whole(asked, "limit", PAGE)
        seen = _whole(asked, "seen", after)
        replica, epoch = query.get("replica", ""), query.get("epoch", "")
        page, read = await self.at_hub(
            lambda hub: (hub.page(replica, device.device_id, after, epoch, most, seen=seen), hub.read)
        )
        if read is not None:
            self._pages.keep(*read)
        self.counts["pulled"] += len(page["ops"])
        return await self._packed(page, device)

    async def _snapshot(self, asked: Asked) -> Response:
        device, query = _device(asked), asked.request.query_params
        after = (query.get("table", ""), query.get("row", ""))
        most = _whole(asked, "limit", PAGE)
        return await self._packed(await self.at_hub(lambda hub: hub.snapshot(after, most)), device)

    async def _packed(self, document: dict[str, Any], device: PublicIdentity) -> Response:
        body = await in_thread(partial(pack, document), "hub-encode")
        self.counts["sent_bytes"] += len(body)
        self._engine.sync.heard(device.device_id, sent=len(body))
        return Response(body, media_type=_OCTETS)

    async def _announce(self, asked: Asked) -> Response:
        client, document = asked.request.client, parse_object(asked.body)
        seen_from, now_us = client.host if client is not None else "", self._engine.clock.now_us()
        self.callers.take(document, seen_from, now_us)
        return json_response({"schema": 1, "now_us": now_us})

    async def _nodes(self, _asked: Asked) -> Response:
        return json_response({"schema": 1, "now_us": self._engine.clock.now_us(), "nodes": self.callers.told()})

    async def _live(self, _asked: Asked) -> Response:
        return json_response({"schema": 1, "live": True})

    async def _is_ready(self, _asked: Asked) -> Response:
        ready = self.ready and await self._reads()
        return json_response({"schema": 1, "ready": ready}, 200 if ready else 503)

    async def _reads(self) -> bool:
        """Tell whether the store answers."""
        try:
            await self._engine.store.read(lambda conn: Shelf(conn).here())
        except OutpostError as error:
            log.warning("the store does not answer: %s", error)
            return False
        return True

    async def _told_metrics(self, _asked: Asked) -> Response:
        return Response(self._metrics(), media_type="text/plain; version=0.0.4")

    async def at_hub(self, step: Callable[[Hub], T]) -> T:
        """Run one step of the protocol in a transaction of its own."""
        now_us = self._engine.clock.now_us()

        def work(conn: Conn) -> tuple[T, int]:
            with uncollected(), capture.quiet(conn):
                hub = Hub(Shelf(conn), now_us, self.term, self._pages)
                return step(hub), hub.ahead_us

        told, ahead_us = await self._engine.store.write(work)
        self._tell_time(ahead_us)
        return told

    def _tell_time(self, ahead_us: int) -> None:
        """Log once that this clock was ahead, and once that it has caught up."""
        was, self.ahead_us = self.ahead_us > DRIFT_US, ahead_us
        if self.ahead_us > DRIFT_US and not was:
            log.warning(
                "this hub's clock showed a time %s s ahead of now before; the hub goes on from there", ahead_us // 1_000_000
            )
        elif was and self.ahead_us <= DRIFT_US:
            log.warning("this hub's clock has caught up with the time that it showed before")

    async def lead(self) -> None:
        """Take the lead of the store: a hub that served it before is refused from now on."""
        self.term = await self.at_hub(lambda hub: hub.lead())


def _decoded(body: bytes) -> Batch:
    with uncollected():
        return decode(body)


def _device(asked: Asked) -> PublicIdentity:
    if asked.console is None:
        raise Refused("You are not paired with this hub")
    return asked.console


def _whole(asked: Asked, name: str, default: int = 0) -> int:
    told = asked.request.query_params.get(name, str(default))
    if not (told.isascii() and told.isdigit() and len(told) < 19):
        raise BadInput("{name} must be a whole number", name=name, field=name)
    return int(told)
