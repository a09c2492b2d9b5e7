"""How fast the circuit editor pans: 156 qubits and 5,000 gates, 40 pixels across and 16 down per frame, off screen.

`python benchmarks/circuit_pan.py` prints the frames per second of the median frame, as a JSON line; beside it in the settings
the CPU milliseconds of a frame, which other programs move less than its wall time.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

QUBITS, GATES, FRAMES = 156, 5000, 300


def main() -> None:
    """Pan to the right and down, and print what a frame took."""
    from PySide6.QtWidgets import QApplication

    from app.engine.circuits.document import blank, made
    from app.engine.circuits.records import Circuit
    from app.views.shell import theme
    from app.views.widgets.circuit_grid import CircuitGrid

    application = QApplication([])
    theme.apply(application, "dark")
    rng = np.random.default_rng(1)
    ops = []
    for _ in range(GATES):
        first = int(rng.integers(QUBITS - 1))
        ops.append(made("cx", [first, first + 1]) if rng.random() < 0.4 else made("rx", [first], [float(rng.normal())]))
    start = blank(QUBITS)
    grid = CircuitGrid()
    grid.resize(1600, 1000)
    grid.show_circuit(Circuit("wide", start.qubits, (), tuple(ops)))
    grid.show()
    application.processEvents()
    spans, worked = [], []
    for frame in range(FRAMES):
        across, down = grid.horizontalScrollBar(), grid.verticalScrollBar()
        begin, begin_cpu = time.perf_counter(), time.process_time()
        across.setValue(_sweep(40 * frame, across.maximum()))
        down.setValue(_sweep(16 * frame, down.maximum()))
        application.processEvents()
        spans.append(time.perf_counter() - begin)
        worked.append(time.process_time() - begin_cpu)
    median, slow = np.median(spans), np.percentile(spans, 99)
    settings = {"qubits": QUBITS, "gates": GATES, "median_ms": round(1e3 * median, 2), "p99_ms": round(1e3 * slow, 2),
                "median_cpu_ms": round(1e3 * np.median(worked), 2)}  # fmt: skip
    line = {"figure": "circuit.pan_frames_hz", "value": round(1 / median), "unit": "frames/s", "settings": settings}
    print(json.dumps(line))


def _sweep(way: int, most: int) -> int:
    """Return where a hand is that goes to and fro over `most` pixels."""
    at = way % max(1, 2 * most)
    return min(at, 2 * most - at)


if __name__ == "__main__":
    main()
