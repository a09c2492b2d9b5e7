"""Plots, map and heatmap: CPU per frame, painted into the window's raster as a person's screen would be.

Prints a JSON line {figure, value, unit, peer, settings} per figure:
- 20 live plots of 1,000 points at 30 frames a second, as a share of one core (target: under 70 %)
- frames a second that one core gives while panning through 1,000,000 points (target: 60); peer: pyqtgraph given all points
- first paint of a QUBO of 10,000 variables as a heatmap, blocks included (target: 0.3 s)
- a map of 10,000 nodes, moved by keys (the groups stay) and zoomed (they are made anew)
CPU is that of the process (time.process_time), so that a busy machine changes it less than it changes the clock on the wall.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
POINTS = 1_000_000


def told(figure: str, value: float, unit: str, peer: Any = None, **settings: Any) -> None:
    print(json.dumps({"figure": figure, "value": round(value, 3), "unit": unit, "peer": peer, "settings": settings}))


def cpu_ms(act: Callable[[int], None], frames: int) -> float:
    """Return the median CPU of one call in milliseconds."""
    act(0)
    spent = []
    for frame in range(1, frames + 1):
        began = time.process_time()
        act(frame)
        spent.append(1000 * (time.process_time() - began))
    return statistics.median(spent)


def live_wall(app: Any, frames: int) -> None:
    from PySide6.QtWidgets import QGridLayout, QWidget

    from app.engine.base.rings import Ring
    from app.views.widgets.plot import LivePlot

    wall = QWidget()
    grid = QGridLayout(wall)
    wall.resize(1600, 900)
    plots = []
    rng = np.random.default_rng(1)
    for at in range(20):
        ring = Ring(1008)
        ring.extend(np.arange(1008.0), rng.normal(size=1008).cumsum())
        plot = LivePlot("Load", fixed_y=(-120, 120))
        plot.add("load", lambda ring=ring: ring)
        grid.addWidget(plot, at // 5, at % 5)
        plots.append((plot, ring))
    wall.show()
    for plot, _ in plots:
        plot.draw(wait=True)
    app.processEvents()

    def frame(number: int) -> None:
        for plot, ring in plots:
            ring.push(1008.0 + number, float(rng.normal()))
            plot.draw()
        app.processEvents()

    each = cpu_ms(frame, frames)
    told("20 live plots", 30 * each / 10, "% of a core", ms_a_frame=round(each, 2), points=1000, frames_hz=30)
    wall.close()


def history(app: Any, frames: int) -> None:
    from app.engine.base.rings import Ring
    from app.views.widgets.plot import LivePlot, graphs

    ring = Ring(1 << 20)
    t = np.arange(POINTS) / 10
    values = np.random.default_rng(2).normal(size=POINTS).cumsum()
    ring.extend(t, values)
    plot = LivePlot("History", fixed_y=(float(values.min()), float(values.max())))
    plot.add("load", lambda: ring)
    plot.resize(1200, 600)
    plot.show()
    plot.draw(wait=True)
    app.processEvents()
    result = {}
    for share in (0.9, 0.1, 0.01):
        width = share * t[-1]

        def pan(frame: int, width: float = width) -> None:
            first = (t[-1] - width) * frame / frames
            plot.axis.zoom((first, first + width))
            app.processEvents()

        result[f"{share:g} in view"] = round(cpu_ms(pan, frames), 2)
    peer = graphs().PlotWidget()
    peer.resize(1200, 600)
    curve = peer.plot(t, values)
    curve.setDownsampling(auto=True, method="peak")
    curve.setClipToView(True)
    peer.show()

    def peer_pan(frame: int) -> None:
        peer.setXRange(0.1 * t[-1] * frame / frames, 0.9 * t[-1] + 0.1 * t[-1] * frame / frames, padding=0)
        app.processEvents()

    peer_ms = cpu_ms(peer_pan, max(5, frames // 6))
    worst = max(result.values())
    known = {"name": "pyqtgraph, automatic peak downsampling, clipped to view", "value": round(1000 / peer_ms, 1)}
    told("pan 1,000,000 points", 1000 / worst, "frames a second of one core", known, ms=result)


def matrix(n: int, couplings: int) -> None:
    from app.engine.qubo.picture import SIDE, blocks
    from app.engine.qubo.problem import build
    from app.views.widgets.heatmap import Heatmap

    rng = np.random.default_rng(3)
    ends = rng.integers(0, n, (2, couplings))
    problem = build(rng.normal(size=n), (ends[0], ends[1], rng.normal(size=couplings)))
    began = time.process_time()
    shown = blocks(problem, SIDE)
    blocked = time.process_time() - began
    chart = Heatmap("Matrix")
    chart.resize(600, 520)
    chart.show_blocks(shown, n)
    chart.grab()
    told(
        f"first paint of a matrix, {couplings} couplings", time.process_time() - began, "s of CPU", n=n,
        couplings=problem.couplings, blocks_s=round(blocked, 3),
    )  # fmt: skip


def map_of_nodes(app: Any, nodes: int, frames: int) -> None:
    from PySide6.QtCore import QPointF, Qt
    from PySide6.QtTest import QTest

    from app.views.widgets.map import NodeMap, Place

    rng = np.random.default_rng(4)
    states = ("online", "online", "online", "suspect", "offline")
    places = [
        Place(f"n{k}", f"node-{k}", float(rng.uniform(-50, 65)), float(rng.uniform(-120, 140)), states[k % 5], f"s{k % 300}")
        for k in range(nodes)
    ]
    chart = NodeMap()
    chart.resize(900, 600)
    chart.show()
    chart.show_places(places, "")
    chart.zoom(3.0, QPointF(450, 300))

    def show() -> None:
        chart.repaint()
        app.processEvents()

    def pan(frame: int) -> None:
        QTest.keyClick(chart, Qt.Key.Key_Left if frame % 2 else Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
        show()

    def zoom(_frame: int) -> None:
        chart.zoom(1.001)
        show()

    for said, act in (("moved", pan), ("zoomed", zoom)):
        each = cpu_ms(act, frames)
        told(f"a map of nodes, {said}", each, "ms of CPU a frame", nodes=nodes, marks=len(chart.marks()))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=int, default=60)
    frames = parser.parse_args().frames
    from PySide6.QtWidgets import QApplication

    from app.views.shell import theme

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme.apply(app, "dark")
    live_wall(app, frames)
    history(app, frames)
    matrix(10_000, 50_000)
    matrix(10_000, 1_000_000)
    map_of_nodes(app, 10_000, frames)


if __name__ == "__main__":
    main()
