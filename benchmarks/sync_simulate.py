"""Play many seeded histories of consoles and a hub with everything going wrong; print how many broke an invariant.

Prints one JSON object {figure, value, unit, settings}; on standard error how far it is, and each seed that broke with what did.
`python benchmarks/sync_simulate.py --seeds 100000 --processes 2` is the long run, `--first` goes on where another ended;
`logs/sync_simulate.log` is what the last one said.
"""

import argparse
import json
import multiprocessing
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.engine.sync.checks import Broken
from tests.engine.sync.simulator import run

_SOME = 250  # histories that a process plays before it tells
_TOLD = 5000


def play(first: int, count: int, steps: int) -> tuple[list[tuple[int, str]], float]:
    """Play the histories of `count` seeds; return those that broke, each with what it said, and the processor's seconds."""
    broken, began_s = [], time.process_time()
    for seed in range(first, first + count):
        try:
            run(seed, steps)
        except Exception as error:  # noqa: BLE001 - a long run goes on, whatever one history does
            broken.append((seed, str(error) if isinstance(error, Broken) else f"{type(error).__name__}: {error} (seed {seed})"))
    return broken, time.process_time() - began_s


def _part(task: tuple[int, int], steps: int) -> tuple[int, list[tuple[int, str]], float]:
    return (task[1], *play(*task, steps))


def main() -> None:
    """Play and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    end, broken, done, cpu_s = asked.first + asked.seeds, list[int](), 0, 0.0
    tell(f"histories of {asked.steps} steps, seeds {asked.first} to {end - 1}, {asked.processes} processes")
    tasks = [(at, min(_SOME, end - at)) for at in range(asked.first, end, _SOME)]
    with multiprocessing.get_context("spawn").Pool(asked.processes) as pool:
        for count, told, took_s in pool.imap(partial(_part, steps=asked.steps), tasks):
            for seed, said in told:
                broken.append(seed)
                tell(said)
            before, done, cpu_s = done, done + count, cpu_s + took_s
            if done // _TOLD > before // _TOLD or done == asked.seeds:
                tell(f"{done} of {asked.seeds} played, {len(broken)} broken, {cpu_s:.0f} s of a processor")
    settings = {
        "seeds": asked.seeds, "first": asked.first, "steps": asked.steps, "processes": asked.processes,
        "cpu_s": round(cpu_s, 1), "broken": broken[:20],
    }  # fmt: skip
    figure = {"figure": "sync histories that broke an invariant", "value": len(broken), "unit": "histories"}
    print(json.dumps({**figure, "settings": settings}))


def tell(line: str) -> None:
    """Write a line on standard error."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
