"""Rules per table: whether its rows leave this machine (residency), and how long they are kept (retention).

The schema says what may be asked of a table: one that is `lasting` is never let go of by age. What was asked is kept in `meta`.
"""

from dataclasses import dataclass
from typing import Any, Final

from app.engine.base.errors import BadInput
from app.engine.base.ids import new_id
from app.engine.store import rows
from app.engine.store.rows import Conn
from app.engine.store.shelf import Shelf
from app.engine.sync.hlc import tick

META: Final = "sync.rules"
DAY_US: Final = 86_400_000_000
_SLICE: Final = 500
_BY: Final = "retention"


@dataclass(frozen=True)
class Rule:
    """What holds for one table that travels; `keep_days` 0: for ever."""

    id: str
    stays: bool
    keep_days: int
    lasting: bool
    rows_count: int
    oldest_us: int

    def to_json(self) -> dict[str, Any]:
        """Return the rule as plain JSON."""
        return dict(vars(self))


def told(conn: Conn) -> list[Rule]:
    """Return the rules of every table that travels, with how much it holds and since when."""
    asked = _asked(Shelf(conn))
    found = []
    for table in Shelf(conn).tables():
        oldest = rows.select(conn, table, order="updated_us", limit=1)
        found.append(Rule(
            table, bool(asked.get(table, {}).get("stays")), int(asked.get(table, {}).get("keep_days", 0)),
            bool(rows.table_of(table).info["lasting"]), rows.count(conn, table), int(oldest[0]["updated_us"]) if oldest else 0,
        ))  # fmt: skip
    return found


def ask(conn: Conn, table: str, *, stays: bool | None, keep_days: int | None, now_us: int) -> None:
    """Change what holds for a table; raise `BadInput` for one that does not travel, or is never let go of."""
    shelf = Shelf(conn)
    if table not in shelf.tables():
        raise BadInput("{table} is no table that travels", table=table, field="table", hint="See: outpost sync rules")
    if keep_days and rows.table_of(table).info["lasting"]:
        raise BadInput("Rows of {table} are never let go of by age", table=table, field="keep_days")
    asked = _asked(shelf)
    before = asked.get(table, {})
    now = {"stays": before.get("stays", False) if stays is None else stays,
           "keep_days": before.get("keep_days", 0) if keep_days is None else keep_days}  # fmt: skip
    shelf.put("meta", {"id": META, "value": {**asked, table: now}})
    if before.get("stays") and not now["stays"]:
        _hand_over(shelf, table, now_us)


def staying(shelf: Shelf) -> frozenset[str]:
    """Return the tables whose rows do not leave this machine."""
    return frozenset(table for table, rule in _asked(shelf).items() if rule.get("stays"))


def retain(conn: Conn, now_us: int) -> dict[str, int]:
    """Delete what is older than its table's rule allows; return how many rows that were, by table."""
    gone = {}
    for table, rule in sorted(_asked(Shelf(conn)).items()):
        if rule.get("keep_days"):
            old = rows.select(conn, table, where={"updated_us <": now_us - rule["keep_days"] * DAY_US}, limit=_SLICE)
            for row in old:
                rows.delete(conn, table, row["id"], actor=_BY, cause="", now_us=now_us)
            gone[table] = len(old)
    return {table: count for table, count in gone.items() if count}


def _asked(shelf: Shelf) -> dict[str, Any]:
    found = shelf.get("meta", META)
    return dict(found["value"]) if found else {}


def _hand_over(shelf: Shelf, table: str, now_us: int) -> None:
    """Put rows that have stayed so far into the outbox, as they stand."""
    kinds, found = shelf.kinds(table) or {}, rows.select(shelf.conn, table)
    states = shelf.load((table, row["id"]) for row in found)
    for row in found:
        if states[table, row["id"]][1]:
            continue
        hlc = tick(int(shelf.here()["hlc"]), now_us)
        shelf.set_here(hlc=hlc)
        fields = {name: row[name] for name, kind in kinds.items() if kind != "local"}
        rows.put_plain(shelf.conn, "outbox", {
            "txn": new_id(), "table_name": table, "row_id": row["id"], "action": "put", "is_new": 1, "base_version": 0,
            "fields": fields, "before": {}, "at_us": now_us, "actor": row["author"], "cause": "", "intent": "sync.rule",
            "hlc": hlc,
        })  # fmt: skip
