"""How many nodes one console follows: 500 virtual nodes pulled every 2 s through the link process; prints JSON.

Target: none lost, and a row visible within the period and 0.5 s at p99. The nodes are simulated, in one child process; the
fleet, its links, its store and its records are the real ones.
"""

import argparse
import asyncio
import json

from app.engine.flows.swarm import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--direct", action="store_true")
    options = parser.parse_args()
    told = asyncio.run(run(nodes=options.nodes, seconds=options.seconds, direct=options.direct))
    settings = {key: told[key] for key in ("nodes", "mode", "seconds", "cadence_s", "period_s", "pulls", "failed", "kind")}
    for figure, key, unit in (
        ("swarm.lost", "lost", "measurements"), ("swarm.lag_p99", "status_lag_p99_s", "s"),
        ("swarm.lag_p50", "status_lag_p50_s", "s"), ("swarm.cpu", "cpu_s", "CPU s"),
        ("swarm.engine_cpu", "engine_cpu_s", "CPU s"),
    ):  # fmt: skip
        print(json.dumps({"figure": figure, "value": told[key], "unit": unit, "settings": settings}))


if __name__ == "__main__":
    main()
