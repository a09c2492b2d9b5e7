"""Idle console: CPU of the console process with six live agents asked every 5 s, over 60 s, window shown offscreen.

Prints one JSON line {figure, value, unit, settings}. Target: under 1.5 % of a core. The agents' own CPU is not counted.
"""

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any


async def measure(app: Any, seconds: float) -> dict[str, Any]:
    from app.console import Session

    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "settings.toml").write_text("[fleet]\ncadence_s = 5.0\nsuspect_s = 8.0\noffline_s = 12.0\n")
        session = Session(app)
        await session.open(Path(home))
        try:
            await session.engine.run("fleet.demo", nodes=6)
            while sum(node.state == "online" for node in session.engine.fleet.records) < 6:
                await asyncio.sleep(0.5)
            await asyncio.sleep(10)
            cpu_s, wall_s = time.process_time(), time.monotonic()
            await asyncio.sleep(seconds)
            cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - wall_s
            rows = len(session.engine.samples.ring(next(iter(session.engine.fleet.records)).id, "cpu_ratio"))
        finally:
            await session.close()
    return {
        "figure": "idle console, 6 agents at 5 s", "value": round(100 * cpu_s / wall_s, 3), "unit": "% of a core",
        "settings": {"seconds": round(wall_s, 1), "platform": "offscreen", "page": "first", "samples": rows},
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    from app.console import _in_loop

    print(json.dumps(_in_loop(lambda app: measure(app, seconds), visible=False)))


if __name__ == "__main__":
    main()
