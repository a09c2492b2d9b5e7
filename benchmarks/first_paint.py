"""First paint: CPU from process start until the console's window has painted once; and until it is filled and drawn.

Starts the console as `outpost --home DIR` does, in fresh processes (imports from compiled files, offscreen), several times
on a home that exists. The first paint shows the window, its rail and what is being opened; a usable window has the
engine open behind it and the overview drawn. Prints a JSON line {figure, value, unit, settings} for each, with the
median; the very first start, which makes the store, is told beside it. CPU counts all threads of the process, the
interpreter's start included. Target of the first paint: under 1.0 s.
"""

import argparse
import compileall
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
CHILD = """
import json, sys, time
began_s = time.monotonic()

def main():
    from app import cli, console

    async def session(app, place):
        import asyncio
        from PySide6.QtCore import QEvent, QObject

        class Eye(QObject):
            painted = None
            def eventFilter(self, watched, event):
                if event.type() == QEvent.Type.Paint and self.painted is None:
                    self.painted = {"cpu_s": time.process_time(), "wall_s": time.monotonic() - began_s}
                return False

        eye = Eye()
        app.installEventFilter(eye)
        one = console.Session(app)
        await one.open(place.folder, place)
        assert eye.painted is not None
        while "Overview" not in str(one.window.page.accessibleName()):
            await asyncio.sleep(0)
        one.window.settle()
        one.window.grab()
        used = {"cpu_s": time.process_time(), "wall_s": time.monotonic() - began_s}
        await one.close()
        print(json.dumps({"painted": eye.painted, "usable": used}))
        return 0

    console._session = session
    cli.run(["--home", sys.argv[1]])

if __name__ == "__main__":
    main()
"""


def once(home: str) -> dict[str, dict[str, float]]:
    """Return the CPU and wall seconds of one start on `home`, to the first paint and to a usable window."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, home], cwd=REPO, capture_output=True, text=True, check=True, timeout=120,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    told: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return told


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    compileall.compile_dir(REPO / "app", quiet=2)  # as the launcher does
    with tempfile.TemporaryDirectory() as home:
        first = once(home)
        rows = [once(home) for _ in range(runs)]
    for what, figure in (("painted", "first paint"), ("usable", "usable window")):
        settings = {
            "runs": runs, "platform": "offscreen", "first_start_cpu_s": round(first[what]["cpu_s"], 3),
            "cpu_s": [round(row[what]["cpu_s"], 3) for row in rows], "wall_s": [round(row[what]["wall_s"], 3) for row in rows],
        }  # fmt: skip
        value = round(statistics.median(row[what]["cpu_s"] for row in rows), 3)
        print(json.dumps({"figure": figure, "value": value, "unit": "s of CPU", "settings": settings}))


if __name__ == "__main__":
    main()
