"""Play many seeded histories of consoles and a hub with everything going wrong; print how many broke an invariant.

Prints one JSON object {figure, value, unit, settings}; on standard error the first seed of each kind that broke.
`python benchmarks/sync_simulate.py --seeds 100000` is the long run, `--first` goes on where another
ended; how far it is stands on standard error.
"""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.engine.sync.checks import Broken
from tests.engine.sync.simulator import run

_TOLD = 5000


def main() -> None:
    """Play and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--steps", type=int, default=40)
    asked = parser.parse_args()
    broken, began_s = [], time.process_time()
    for seed in range(asked.first, asked.first + asked.seeds):
        try:
            run(seed, asked.steps)
        except Exception as error:  # noqa: BLE001 - a long run goes on, whatever one history does
            broken.append(seed)
            sys.stderr.write(f"{error}\n" if isinstance(error, Broken) else f"{type(error).__name__}: {error} (seed {seed})\n")
        if (seed - asked.first + 1) % _TOLD == 0:
            sys.stderr.write(f"{seed - asked.first + 1} of {asked.seeds}, {len(broken)} broken\n")
            sys.stderr.flush()
    settings = {
        "seeds": asked.seeds, "first": asked.first, "steps": asked.steps, "cpu_s": round(time.process_time() - began_s, 1),
        "broken": broken[:20],
    }  # fmt: skip
    figure = {"figure": "sync histories that broke an invariant", "value": len(broken), "unit": "histories"}
    print(json.dumps({**figure, "settings": settings}))


if __name__ == "__main__":
    main()
