"""Kill a hub and two consoles at named points of the protocol, many times; count what was lost, doubled or diverged.

Prints one JSON object {figure, value, unit, settings}, and on standard error each kill. `--kills 1000` is the long run (about a
second a kill); `logs/sync_kill.log` is what the last one said.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.engine.sync.kills import POINTS, rounds

BAD = ("lost", "doubled", "diverged", "damaged")


def main() -> None:
    """Kill and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        told = rounds(Path(folder), asked.kills, asked.seed, lambda line: print(line, file=sys.stderr, flush=True))
    settings = {"kills": asked.kills, "seed": asked.seed, "points": len(POINTS), **told}
    value = sum(told[name] for name in BAD)
    print(json.dumps({"figure": "synced writes lost, doubled or diverged by SIGKILL", "value": value, "unit": "writes",
                      "settings": settings}))  # fmt: skip


if __name__ == "__main__":
    main()
