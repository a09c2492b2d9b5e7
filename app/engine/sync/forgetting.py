"""Which names of its consoles a hub forgets: it would take a second time what it has from whoever comes under one of them."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from app.engine.store.rows import Row

MOST_KNOWN: Final = 256  # names of one device that something was written under; more of them have only copies and liars
_SILENT: Final = 4  # times what a replica expires after


def forgettable(expired: Iterable[Row], now_us: int, expire_us: int) -> list[Row]:
    """Return replicas nobody wrote under, and of each device's others those beyond the newest that are silent for long."""
    found, written = list[Row](), defaultdict[str, list[Row]](list)
    for row in expired:
        (written[row["device"]] if row["acked"] else found).append(row)
    for rows in written.values():
        beyond = sorted(rows, key=lambda row: int(row["seen_us"]), reverse=True)[MOST_KNOWN:]
        found += [row for row in beyond if row["seen_us"] < now_us - _SILENT * expire_us]
    return found
