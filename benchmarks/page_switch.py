"""Switching to a page after its first visit: CPU and wall time until it is laid out and drawn, the worst of all pages.

Shows the window on the stub engine of the views' tests (six nodes, runs in every domain) and goes round all pages several
times after a first visit to each. Prints one JSON line {figure, value, unit, settings}; the settings tell each page's median
and worst. Target: under 100 ms.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=12)
    rounds = parser.parse_args().rounds
    from PySide6.QtWidgets import QApplication

    from benchmarks.contact_sheet import answers, stub_module

    app = QApplication([])
    from app.views.shell.page import PAGES
    from app.views.shell.window import MainWindow

    stub = stub_module()
    with tempfile.TemporaryDirectory() as home:
        engine = stub.StubEngine(Path(home))
        stub.fill(engine)
        window = MainWindow(engine, stub.Started(answers(stub)))
        window.show()

        def visit(name: str) -> tuple[float, float]:
            cpu, wall = time.process_time(), time.perf_counter()
            window.open_page(name)
            app.processEvents()
            window.settle()
            window.repaint()
            app.processEvents()
            return 1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - wall)

        for spec in PAGES:
            visit(spec.name)
        taken: dict[str, list[tuple[float, float]]] = {spec.name: [] for spec in PAGES}
        for _ in range(rounds):
            for spec in PAGES:
                taken[spec.name].append(visit(spec.name))
        window.close()
    cpu = {name: [one for one, _ in told] for name, told in taken.items()}
    worst = max(statistics.median(told) for told in cpu.values())
    settings = {
        "platform": "offscreen", "rounds": rounds, "size": "1360x860",
        "median_cpu_ms": {name: round(statistics.median(told), 1) for name, told in cpu.items()},
        "worst_wall_ms": {name: round(max(wall for _, wall in told), 1) for name, told in taken.items()},
    }  # fmt: skip
    print(json.dumps({"figure": "page switch", "value": round(worst, 1), "unit": "ms of CPU", "settings": settings}))


if __name__ == "__main__":
    main()
