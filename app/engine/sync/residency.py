"""Tables whose rows do not leave this machine, as the rules in `meta` say."""

from typing import Any, Final

from app.engine.store.shelf import Shelf

META: Final = "sync.rules"


def asked(shelf: Shelf) -> dict[str, Any]:
    """Return what was asked of each table: {table: {"stays", "keep_days"}}."""
    found = shelf.get("meta", META)
    return dict(found["value"]) if found else {}


def staying(shelf: Shelf) -> frozenset[str]:
    """Return the tables whose rows do not leave this machine."""
    return frozenset(table for table, rule in asked(shelf).items() if rule.get("stays"))
