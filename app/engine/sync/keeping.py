"""What is kept of each table, where, and for how long: rules, retention by age, and erasure, on the store of one home."""

from functools import partial
from typing import Any, Final

from app.engine.base.records import Records
from app.engine.jobs.base import Base
from app.engine.store.care import holding
from app.engine.store.shelf import Shelf
from app.engine.store.threads import in_thread
from app.engine.sync import rules
from app.engine.sync.conflicts import TABLE as CONFLICTS
from app.engine.sync.erase import erase
from app.engine.sync.followers import Followers
from app.engine.sync.rewriting import numbered, settled
from app.engine.sync.rules import Rule

_RETAIN_US: Final = 3_600_000_000


class Keeping:
    """The rules of one home."""

    def __init__(self, base: Base, followers: Followers) -> None:
        self._base, self._followers = base, followers
        self.rules: Records[Rule] = Records(lambda rule: rule.id, "rule")
        self._retained_us = 0
        self.as_of_us = 0  # when the rules were read

    async def look(self) -> list[Rule]:
        """Return what holds for each table that travels, with how much it holds."""
        self.rules.replace_all(await self._base.store.read(rules.told))
        self.as_of_us = self._base.clock.now_us()
        return list(self.rules)

    async def ask(self, table: str, *, stays: bool | None, keep_days: int | None) -> dict[str, Any]:
        """Change what holds for a table: whether its rows stay on this machine, how long they are kept (0: for ever)."""
        now_us = self._base.clock.now_us()
        await numbered(self._base.store)
        await settled(self._base.store, lambda conn: rules.ask(conn, table, stays=stays, keep_days=keep_days, now_us=now_us))
        await self.look()
        return self.rules.need(table).to_json()

    async def retain(self) -> dict[str, int]:
        """Let go of what is older than its table's rule allows; return how many rows, by table."""
        now_us, gone = self._base.clock.now_us(), dict[str, int]()
        while some := await self._base.store.write(lambda conn: rules.retain(conn, now_us)):
            gone = {table: gone.get(table, 0) + some.get(table, 0) for table in gone | some}
        self._retained_us = now_us
        self._followers.changed(gone)
        await self._followers.settled()
        return gone

    @property
    def due(self) -> bool:
        """Tell whether retention was last applied an hour ago or more."""
        return self._base.clock.now_us() - self._retained_us >= _RETAIN_US

    async def erase(self, table: str, row: str, *, actor: str) -> dict[str, Any]:
        """Have a row forgotten here and, with the next exchange, everywhere; return the backups that still hold it."""
        now_us = self._base.clock.now_us()
        await numbered(self._base.store)
        await settled(self._base.store, lambda conn: erase(Shelf(conn), (table, row), actor=actor, now_us=now_us))
        self._followers.changed((CONFLICTS, table))
        await self._followers.settled()
        kept = await in_thread(partial(holding, self._base.home, self._base.store.path, table, row), "backups")
        return {"table": table, "row": row, "backups": [{"file": str(path), "at_us": at_us} for path, at_us in kept]}
