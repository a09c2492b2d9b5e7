"""How many nodes one console follows: 500 virtual nodes pulled every 2 s through the link process; prints JSON.

Target: none lost, a row visible within the period and 0.5 s at p99, and no callback of the console's loop over 50 ms of its
thread's CPU. The nodes are simulated, in one child process whose CPU is told apart; the fleet, its links, its store and its
records are the real ones. `--direct` pulls in the engine's own loop instead.
"""

import argparse
import asyncio
import json
import time
from asyncio import events
from typing import Any, Self

from app.engine.flows.swarm import run

_RUN = "_run"


class Heed:
    """Notes the thread CPU of every callback that asyncio runs in this process, from `begin` on."""

    def __init__(self) -> None:
        self.spent_s: list[float] = []
        self._on = False
        self._run = getattr(events.Handle, _RUN)

    def __enter__(self) -> Self:
        heed, run_it = self, self._run

        def told(handle: Any) -> None:
            began_s = time.thread_time()
            run_it(handle)
            if heed._on:
                heed.spent_s.append(time.thread_time() - began_s)

        setattr(events.Handle, _RUN, told)  # every handle of this process is run by it
        return self

    def __exit__(self, *_what: object) -> None:
        setattr(events.Handle, _RUN, self._run)

    def begin(self) -> None:
        """Note from now on."""
        self._on = True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--direct", action="store_true")
    options = parser.parse_args()
    with Heed() as heed:
        told = asyncio.run(run(nodes=options.nodes, seconds=options.seconds, direct=options.direct, begun=heed.begin))
    told["callback_max_s"] = max(heed.spent_s)
    for part in ("engine", "link", "swarm"):
        told[f"{part}_per_pull_s"] = told[f"{part}_cpu_s"] / max(1, told["pulls"])
    settings = {key: told[key] for key in ("nodes", "mode", "seconds", "cadence_s", "period_s", "pulls", "failed", "kind")}
    for figure, key, unit in (
        ("swarm.lost", "lost", "measurements"), ("swarm.lag_p99", "status_lag_p99_s", "s"),
        ("swarm.lag_p50", "status_lag_p50_s", "s"), ("swarm.cpu", "cpu_s", "CPU s"),
        ("swarm.engine_cpu", "engine_cpu_s", "CPU s"), ("swarm.link_cpu", "link_cpu_s", "CPU s"),
        ("swarm.nodes_cpu", "swarm_cpu_s", "CPU s"), ("swarm.engine_per_pull", "engine_per_pull_s", "CPU s"),
        ("swarm.link_per_pull", "link_per_pull_s", "CPU s"), ("swarm.callback_max", "callback_max_s", "CPU s"),
    ):  # fmt: skip
        print(json.dumps({"figure": figure, "value": told[key], "unit": unit, "settings": settings}))


if __name__ == "__main__":
    main()
