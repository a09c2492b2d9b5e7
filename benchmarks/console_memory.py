"""Memory of the console process after every page was visited, with six live demo agents and a run in every domain.

Prints one JSON line {figure, value, unit, settings}: the resident set of the console process alone (not of its agents and
workers), on a home that exists, as on every day but the first; with --first on a new one, where the library of the
migrations is loaded too. Target: under 260 MiB.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil


def resident_mib() -> float:
    return psutil.Process().memory_info().rss / 2**20


async def measure(app: Any, *, lively: bool, first: bool) -> dict[str, Any]:
    from app.console import Session
    from app.views.shell.page import PAGES

    with tempfile.TemporaryDirectory() as home:
        if not first:
            made = [sys.executable, "-m", "app", "--home", home, "settings", "list"]
            await asyncio.to_thread(subprocess.run, made, check=True, stdout=subprocess.DEVNULL)
        session = Session(app)
        await session.open(Path(home))
        engine, window = session.engine, session.window
        assert window is not None
        steps = {"first page": round(resident_mib(), 1)}
        try:
            if lively:
                await engine.run("fleet.demo", nodes=6)
                await engine.run("qubo.solve", file=engine.qubo.sample_path(), seconds=1.0)
                await engine.run("circuit.run", file=Path(engine.circuits.samples()[0].file))
                await engine.run("learning.simulate", clients=20, rounds=3)
                await engine.run("control.run", resource="threadpool", seconds=2.0)
                steps["a run in every domain"] = round(resident_mib(), 1)
            for spec in (*PAGES, *PAGES):
                window.open_page(spec.name)
                window.settle()
                await asyncio.sleep(0.3)
                window.grab()
            value = round(resident_mib(), 1)
        finally:
            await session.close()
    return {
        "figure": "console process after visiting every page", "value": value, "unit": "MiB",
        "settings": {
            "platform": "offscreen", "agents": 6 if lively else 0, "home": "new" if first else "exists", "steps": steps,
        },
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--empty", action="store_true", help="no agents and no runs")
    parser.add_argument("--first", action="store_true", help="on a new home")
    given = parser.parse_args()
    from app.console import _in_loop

    print(json.dumps(_in_loop(lambda app: measure(app, lively=not given.empty, first=given.first), visible=False)))


if __name__ == "__main__":
    main()
