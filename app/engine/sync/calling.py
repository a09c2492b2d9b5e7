"""Nodes that called a hub, as hub and consoles know them: kept in the store, so that whoever is started anew still does."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from app.engine.base.records import Records
from app.engine.jobs.base import Base
from app.engine.store import rows
from app.engine.store.shelf import Shelf
from app.engine.sync.records import Caller

MOST_KEPT: Final = 2000  # of all hubs: those paired with before strangers, then those heard of last
_EVERY_US: Final = 600_000_000  # ages alone are written down that seldom
_META: Final = "sync.callers"


class Calling:
    """The nodes that called: `records` as they were heard of last."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self.records: Records[Caller] = Records(lambda caller: caller.id, "caller")
        self._is_kept, self._changed, self._kept_us = True, False, 0

    async def load(self) -> None:
        """Read what was kept."""
        found = await self._base.store.read(lambda conn: Shelf(conn).get("meta", _META))
        self.records.replace_all([Caller(**one) for one in (found["value"]["nodes"] if found else ())])

    def take(self, hub: str, heard: Iterable[Caller]) -> None:
        """Take over which nodes called a hub."""
        heard = list(heard)
        before = {_known(caller) for caller in self.records if caller.hub == hub}
        self.records.replace_all([*(caller for caller in self.records if caller.hub != hub), *heard])
        self._changed |= {_known(caller) for caller in heard} != before
        self._is_kept = False

    async def keep(self, *, at_once: bool = False) -> None:
        """Write down who called, where these are others than before, or `at_once`; new ages alone now and then."""
        now_us = self._base.clock.now_us()
        if self._is_kept or not (at_once or self._changed or now_us - self._kept_us > _EVERY_US):
            return
        found = sorted(self.records, key=lambda caller: (not caller.known, -caller.heard_us))[:MOST_KEPT]
        row = {"id": _META, "value": {"nodes": [caller.to_json() for caller in found]}}

        def work(conn: rows.Conn) -> None:
            Shelf(conn).put("meta", row)

        await self._base.store.write(work)
        self._is_kept, self._changed, self._kept_us = True, False, now_us

    def of(self, hub: str) -> list[dict[str, Any]]:
        """Return those that called one hub, as plain JSON."""
        return [caller.to_json() for caller in self.records if caller.hub == hub]


def _known(caller: Caller) -> Caller:
    return replace(caller, heard_us=0)
