"""First paint: CPU from process start until the console's window, engine included, has painted once.

Starts the console in fresh processes (imports from compiled files, offscreen), several times on a home that exists, and
prints one JSON line {figure, value, unit, settings} with the median; the very first start, which makes the store, is told
beside it. CPU counts all threads of the process, the interpreter's start included. Target: under 1.0 s.
"""

import argparse
import compileall
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
CHILD = """
import json, sys, time
from pathlib import Path
began_s = time.monotonic()

def main():
    from app.commands.table import command_table
    from app.console import Session, _in_loop

    async def work(app):
        from PySide6.QtCore import QEvent, QObject

        class Eye(QObject):
            seen = None
            def eventFilter(self, _watched, event):
                if event.type() == QEvent.Type.Paint and self.seen is None:
                    self.seen = True
                return False

        import asyncio
        eye = Eye()
        session = Session(app)
        app.installEventFilter(eye)
        await session.open(Path(sys.argv[1]), command_table())
        while eye.seen is None:
            await asyncio.sleep(0)
        told = {"cpu_s": time.process_time(), "wall_s": time.monotonic() - began_s}
        await session.close()
        return told

    print(json.dumps(_in_loop(work, visible=False)))

if __name__ == "__main__":
    main()
"""


def once(home: str) -> dict[str, float]:
    """Return the CPU and wall seconds of one start on `home`."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, home], cwd=REPO, capture_output=True, text=True, check=True, timeout=120
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    compileall.compile_dir(REPO / "app", quiet=2)  # as the launcher does
    with tempfile.TemporaryDirectory() as home:
        first = once(home)
        rows = [once(home) for _ in range(runs)]
    settings = {
        "runs": runs, "platform": "offscreen", "first_start_cpu_s": round(first["cpu_s"], 3),
        "cpu_s": [round(row["cpu_s"], 3) for row in rows], "wall_s": [round(row["wall_s"], 3) for row in rows],
    }  # fmt: skip
    value = round(statistics.median(row["cpu_s"] for row in rows), 3)
    print(json.dumps({"figure": "first paint", "value": value, "unit": "s of CPU", "settings": settings}))


if __name__ == "__main__":
    main()
