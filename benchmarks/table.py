"""A table of 100,000 rows and 8 columns: CPU of a sort and of a filter, each as the person at the window has it.

Prints a JSON line {figure, value, unit, settings} per figure: the median of several, first sort of a column, sort of a
column sorted before, and filter once its texts are prepared (which happens while the person begins to type).
"""

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    key: str
    site: str
    cpu: float
    size: int


def rows(count: int) -> list[Row]:
    rng = random.Random(1)
    return [Row(f"node-{at:06}", f"site {rng.randrange(40)}", rng.random(), rng.randrange(10**9)) for at in range(count)]


def cpu_ms(act: Callable[[], Any]) -> float:
    begun = time.process_time()
    act()
    return 1000 * (time.process_time() - begun)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=9)
    given = parser.parse_args()
    from PySide6.QtWidgets import QApplication

    app = QApplication([])
    from app.engine.base.records import Records
    from app.views.widgets.columns import Column
    from app.views.widgets.table import TablePanel

    records: Records[Row] = Records(lambda row: row.key, "row")
    columns = [
        Column("key", "Key", lambda row: row.key), Column("site", "Site", lambda row: row.site),
        Column("cpu", "CPU", lambda row: row.cpu, lambda value: f"{value:.2f}"),
        Column("size", "Size", lambda row: row.size),
        *(Column(f"c{at}", f"C{at}", lambda row: row.cpu) for at in range(4)),
    ]  # fmt: skip
    panel = TablePanel(records, columns, name="rows")
    panel.resize(1200, 800)
    panel.show()
    records.put(*rows(given.rows))
    panel.model.flush()
    app.processEvents()

    def sort(column: int, *, descending: bool) -> None:
        panel.view.sort_only(column, descending=descending)
        app.processEvents()

    def search(text: str) -> None:
        panel.model.set_filter(text)
        app.processEvents()

    settings = {"rows": given.rows, "columns": len(columns), "platform": "offscreen", "repaint": True}
    first = {name: cpu_ms(lambda at=at: sort(at, descending=False)) for at, name in ((2, "number"), (1, "text"), (0, "key"))}
    again = [cpu_ms(lambda at=at: sort(at % 3, descending=bool(at % 2))) for at in range(given.times)]
    panel.model.warm()
    found = [cpu_ms(lambda at=at: search(f"site {at} node")) for at in range(given.times)]
    for figure, value in (
        *((f"table of 100,000: first sort by a {name}", ms) for name, ms in first.items()),
        ("table of 100,000: sort by a column sorted before", statistics.median(again)),
        ("table of 100,000: filter", statistics.median(found)),
    ):
        print(json.dumps({"figure": figure, "value": round(value, 1), "unit": "ms of CPU", "settings": settings}))


if __name__ == "__main__":
    main()
