"""10,000 row changes a second in a shown table: CPU of the longest turn of the event loop, and gaps between its turns.

Prints JSON lines {figure, value, unit, settings}. The changes come as 500 every 50 ms, to random rows of 10,000, sorted by
a column that changes. Targets: no turn over 50 ms of thread CPU, gaps p99.9 under 100 ms, for a minute.
"""

import argparse
import gc
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


class Load:
    """500 changes every 50 ms, and a beat every 10 ms that tells how long the loop was away."""

    def __init__(self, records: Any, rows: int, rng: random.Random) -> None:
        self.changes, self.gaps_ms = 0, list[float]()
        self._records, self._rows, self._rng = records, rows, rng
        self._last = time.perf_counter()

    def change(self) -> None:
        """Change 500 rows, some of them twice."""
        picked = [f"node-{self._rng.randrange(self._rows):05}" for _ in range(500)]
        found = [self._records.get(key) for key in dict.fromkeys(picked)]
        self._records.put(*(replace(row, cpu=self._rng.random(), count=row.count + 1) for row in found if row is not None))
        self.changes += len(found)

    def beat(self) -> None:
        """Note the time since the last beat."""
        now = time.perf_counter()
        self.gaps_ms.append(1000 * (now - self._last))
        self._last = now


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rows", type=int, default=10_000)
    given = parser.parse_args()
    from PySide6.QtCore import QEventLoop, Qt, QTimer
    from PySide6.QtWidgets import QApplication

    app, rng = QApplication([]), random.Random(1)
    records, _panel = table_of(given.rows, rng)
    for _ in range(20):
        app.processEvents()
    gc.collect()
    gc.freeze()  # as the console does once its window stands
    load, timers = Load(records, given.rows, rng), []
    for every_ms, work in ((50, load.change), (10, load.beat)):
        timer = QTimer(timerType=Qt.TimerType.PreciseTimer)
        timer.timeout.connect(work)
        timer.start(every_ms)
        timers.append(timer)
    turns_ms, begun = [], time.perf_counter()
    while time.perf_counter() - begun < given.seconds:
        cpu = time.thread_time()
        app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        turns_ms.append(1000 * (time.thread_time() - cpu))
    took_s, gaps = time.perf_counter() - begun, sorted(load.gaps_ms)
    settings = {
        "rows": given.rows, "seconds": round(took_s, 1), "changes_hz": round(load.changes / took_s), "platform": "offscreen",
        "turns_over_50_ms": sum(turn > 50 for turn in turns_ms), "cpu_ratio": round(sum(turns_ms) / 1000 / took_s, 2),
        "longest_gap_ms": round(gaps[-1], 1),
    }  # fmt: skip
    for figure, value in (
        ("row changes, longest callback", max(turns_ms)),
        ("row changes, gap p99.9", gaps[int(0.999 * (len(gaps) - 1))]),
    ):
        print(json.dumps({"figure": figure, "value": round(value, 1), "unit": "ms", "settings": settings}))


if __name__ == "__main__":
    main()
