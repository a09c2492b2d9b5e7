"""A table of 100,000 rows and 8 columns: CPU of a sort and of a filter, each as the person at the window has it.

Prints a JSON line {figure, value, unit, settings} per figure, repaint included. "table sort" is the worst first sort by a
column that was prepared while the pointer came to its header, as it is for a person; its settings tell what preparing takes,
in pieces of 4,000 rows, and a sort without it. "table filter" is the median of searches once the texts are read, which happens
while the person begins to type.
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


def panel_of(count: int) -> Any:
    """Return a table of `count` rows and eight columns, shown."""
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
    records.put(*rows(count))
    panel.model.flush()
    return panel


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=9)
    given = parser.parse_args()
    from PySide6.QtWidgets import QApplication

    app = QApplication([])
    panel = panel_of(given.rows)
    app.processEvents()

    def sort(column: int, *, descending: bool) -> None:
        panel.view.sort_only(column, descending=descending)
        app.processEvents()

    def search(text: str) -> None:
        panel.model.set_filter(text)
        app.processEvents()

    def prepare(column: int) -> None:
        while panel.model.warm_key(column, 4000):
            pass

    settings = {"rows": given.rows, "columns": len(panel.view.columns), "platform": "offscreen", "repaint": True}
    panel.view.setFocus()  # nothing else is prepared meanwhile
    panel.model.warm()
    kinds = ((2, "number"), (1, "text"), (0, "key"))
    first = {name: cpu_ms(lambda at=at: sort(at, descending=False)) for at, name in kinds}
    again = [cpu_ms(lambda at=at: sort(at % 3, descending=bool(at % 2))) for at in range(given.times)]
    ready, prepared = {}, {}
    for at, name in kinds:
        panel.model._keys.forget()
        panel.model.sort_by(())
        app.processEvents()
        prepared[name] = cpu_ms(lambda at=at: prepare(at))
        ready[name] = cpu_ms(lambda at=at: sort(at, descending=False))
    found = [cpu_ms(lambda at=at: search(f"site {at} node")) for at in range(given.times)]
    settings |= {"first_ms": rounded(ready), "preparing_ms": rounded(prepared), "not_prepared_ms": rounded(first)}
    settings["again_ms"] = round(statistics.median(again), 1)
    for figure, value in (("table sort", max(ready.values())), ("table filter", statistics.median(found))):
        print(json.dumps({"figure": figure, "value": round(value, 1), "unit": "ms of CPU", "settings": settings}))


def rounded(figures: dict[str, float]) -> str:
    return " · ".join(f"{name} {ms:.1f}" for name, ms in figures.items())


if __name__ == "__main__":
    main()
