"""Rules per table: whether its rows leave this machine (residency), and how long they are kept (retention).

The schema says what may be asked of a table: one that is `lasting` is never let go of by age. What was asked is kept in `meta`.
"""

from dataclasses import dataclass
from typing import Any, Final

from app.engine.base.errors import BadInput
from app.engine.store import rows
from app.engine.store.rows import Conn
from app.engine.store.schema import metadata
from app.engine.store.shelf import Shelf
from app.engine.sync.covered import RETENTION
from app.engine.sync.erase import taken_along
from app.engine.sync.residency import META, asked
from app.engine.sync.sealing import seal, time_at_hub
from app.engine.sync.whole import release

DAY_US: Final = 86_400_000_000
_SLICE: Final = 500


@dataclass(frozen=True)
class Rule:
    """What holds for one table that travels; `keep_days` 0: for ever; `takes`: tables with rows erased along with one of it."""

    id: str
    stays: bool
    keep_days: int
    lasting: bool
    rows_count: int
    oldest_us: int
    takes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the rule as plain JSON."""
        return {**vars(self), "takes": list(self.takes)}


def told(conn: Conn) -> list[Rule]:
    """Return the rules of every table that travels, with how much it holds and since when."""
    rules, found = asked(Shelf(conn)), []
    for table in Shelf(conn).tables():
        oldest = rows.select(conn, table, order="updated_us", limit=1)
        found.append(Rule(
            table, bool(rules.get(table, {}).get("stays")), int(rules.get(table, {}).get("keep_days", 0)),
            bool(rows.table_of(table).info["lasting"]), rows.count(conn, table), int(oldest[0]["updated_us"]) if oldest else 0,
            tuple(taken_along(table)),
        ))  # fmt: skip
    return found


def here_alone() -> list[str]:
    """Return the tables that leave no machine, whatever is asked, by name."""
    return sorted(name for name, made in metadata.tables.items() if not made.info["synced"])


def ask(conn: Conn, table: str, *, stays: bool | None, keep_days: int | None, now_us: int) -> None:
    """Change what holds for a table; raise `BadInput` for one that does not travel, or is never let go of."""
    if keep_days and table in Shelf(conn).tables() and rows.table_of(table).info["lasting"]:
        raise BadInput("Rows of {table} are never let go of by age", table=table, field="keep_days")
    change(Shelf(conn), table, stays=stays, keep_days=keep_days, now_us=now_us)


def change(shelf: Shelf, table: str, *, stays: bool | None, keep_days: int | None, now_us: int) -> None:
    """Change what holds for a table, and hand over what stayed where it may travel again; raise `BadInput`."""
    if table not in shelf.tables():
        raise BadInput("{table} is no table that travels", table=table, field="table", hint="See: outpost sync rules")
    while seal(shelf):  # what was written so far goes by the rule so far
        pass
    rules = asked(shelf)
    before = rules.get(table, {})
    now = {"stays": before.get("stays", False) if stays is None else stays,
           "keep_days": before.get("keep_days", 0) if keep_days is None else keep_days}  # fmt: skip
    shelf.put("meta", {"id": META, "value": {**rules, table: now}})
    if before.get("stays") and not now["stays"]:
        release(shelf, table, now_us)


def retain(conn: Conn, now_us: int) -> dict[str, int]:
    """Delete what is older than its table's rule allows; return how many rows that were, by table."""
    gone, now_us = {}, time_at_hub(Shelf(conn), now_us)
    for table, rule in sorted(asked(Shelf(conn)).items()):
        if rule.get("keep_days"):
            old = rows.select(conn, table, where={"updated_us <": now_us - rule["keep_days"] * DAY_US}, limit=_SLICE)
            for row in old:
                rows.delete(conn, table, row["id"], actor=RETENTION, cause="", now_us=now_us)
            gone[table] = len(old)
    return {table: count for table, count in gone.items() if count}
