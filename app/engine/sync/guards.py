"""Which states may follow which, for columns that are decided in one place; other guarded columns take any."""

from collections.abc import Mapping
from typing import Any, Final

from app.engine.fleet.rollout.states import ROLLOUT
from app.engine.store.shelf import Shelf
from app.engine.sync.ops import Op

GUARDED: Final = "guarded"  # the reason of a refusal
_MODEL: Final = frozenset({("draft", "active"), ("draft", "retired"), ("active", "retired"), ("retired", "active")})
STEPS: Final[Mapping[tuple[str, str], frozenset[tuple[str, str]]]] = {
    ("edge_deployments", "status"): frozenset((before, after) for before, _, after in ROLLOUT.rows),
    ("model_versions", "state"): _MODEL,
}


def undecided_in(shelf: Shelf, most: int = 1000) -> list[dict[str, Any]]:
    """Return the states written here that a joined hub has not decided on yet: {table, row, column, to}, the oldest first."""
    acked = [int(peer["acked"]) for peer in shelf.all("sync_peers") if peer["kind"] == "hub"]
    if not acked:
        return []
    waiting = [Op.from_text(text, "") for text in shelf.own_texts(min(acked), most)]
    told = [(op.table, op.row, op.fields, op.new) for op in waiting]
    told += [(row["table_name"], row["row_id"], row["fields"], bool(row["is_new"])) for row in shelf.outbox(most)]
    found = {}
    for table, row_id, fields, new in told:
        for column, kind in (shelf.kinds(table) or {}).items():
            if kind == GUARDED and column in fields and not new:
                value = fields[column]
                to = value["to"] if isinstance(value, dict) else value
                found[table, row_id, column] = {"table": table, "row": row_id, "column": column, "to": to}
    return list(found.values())


def refusal(table: str, column: str, now: Any, before: Any, after: Any) -> str:
    """Return the reason why a guarded column that is `now` cannot go from `before` to `after`; nothing when it can."""
    if now in (before, after) or (now, after) in STEPS.get((table, column), frozenset()):
        return ""
    return GUARDED
