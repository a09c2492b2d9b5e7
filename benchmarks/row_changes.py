"""10,000 row changes a second in a shown table: CPU of the longest turn of the event loop, and gaps between its turns.

Prints JSON lines {figure, value, unit, settings}. The changes come as 500 every 50 ms, to random rows of 10,000, sorted by
a column that changes. Targets: no turn over 50 ms of thread CPU, gaps p99.9 under 100 ms, for a minute.
"""

import argparse
import json
import os
import random
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    key: str
    cpu: float
    count: int


def table_of(count: int, rng: random.Random) -> tuple[Any, Any]:
    """Return records of `count` rows and the panel that shows them, sorted by a column that changes."""
    from app.engine.base.records import Records
    from app.views.widgets.columns import Column
    from app.views.widgets.table import TablePanel

    records: Records[Row] = Records(lambda row: row.key, "row")
    columns = [
        Column("key", "Key", lambda row: row.key),
        Column("cpu", "CPU", lambda row: row.cpu, lambda value: f"{value:.2f}"),
        Column("count", "Count", lambda row: row.count),
    ]
    records.put(*(Row(f"node-{at:05}", rng.random(), 0) for at in range(count)))
    panel = TablePanel(records, columns, name="rows")
    panel.resize(1000, 800)
    panel.show()
    panel.view.sort_only(1, descending=True)
    return records, panel


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rows", type=int, default=10_000)
    given = parser.parse_args()
    from PySide6.QtWidgets import QApplication

    app, rng = QApplication([]), random.Random(1)
    records, _panel = table_of(given.rows, rng)
    turns, gaps, changes = [], [], 0
    begun = last = due = time.perf_counter()
    while last - begun < given.seconds:
        cpu = time.thread_time()
        if time.perf_counter() >= due:
            due += 0.05
            picked = [f"node-{rng.randrange(given.rows):05}" for _ in range(500)]
            found = [records.get(key) for key in dict.fromkeys(picked)]
            records.put(*(replace(row, cpu=rng.random(), count=row.count + 1) for row in found if row is not None))
            changes += len(found)
        app.processEvents()
        turns.append(1000 * (time.thread_time() - cpu))
        now = time.perf_counter()
        gaps.append(1000 * (now - last))
        last = now
    settings = {"rows": given.rows, "seconds": round(last - begun, 1), "changes_hz": round(changes / (last - begun))}
    busy = sorted(gaps)
    for figure, value in (
        ("row changes, longest callback", max(turns)),
        ("row changes, gap p99.9", busy[int(0.999 * (len(busy) - 1))]),
    ):
        told = {"figure": figure, "value": round(value, 1), "unit": "ms", "settings": {**settings, "platform": "offscreen"}}
        print(json.dumps(told))


if __name__ == "__main__":
    main()
