"""What a controller costs and gains: the law per tick, sensing and acting included, and a real pool against its static peer.

Prints one JSON object; every figure is measured here unless its name says otherwise.
"""

import argparse
import json
import math
import time
from collections.abc import Callable

from app.engine.base.contracts import ResourceState
from app.engine.control import queueing, work
from app.engine.control.adapters.threadpool import ElasticThreadPool, ThreadPoolResource
from app.engine.control.controller import Aim, Controller
from app.engine.control.envelope import Envelope
from app.engine.control.laws import LAWS


def per_call_us(call: Callable[[], object], count: int = 20_000) -> float:
    begin_s = time.process_time()
    for _ in range(count):
        call()
    return 1e6 * (time.process_time() - begin_s) / count


def laws_us() -> dict[str, float]:
    state = ResourceState(0.0, 12.0, 0.0, 0.0, 12.0, 0.0, 0.0)
    return {name: per_call_us(lambda law=law: law.step(law.begin(), 14.0, state, 0.1)) for name, law in LAWS.items()}


def tick_us() -> float:
    """A whole turn on an idle pool: measure, aim, law, guard, apply."""
    with ElasticThreadPool(4) as pool:
        envelope = Envelope(2, 64, 4, stale_s=0.3, lost_s=math.inf)
        controller = Controller(ThreadPoolResource(pool), LAWS["pid"], envelope, Aim(), 4.0)
        return per_call_us(lambda: controller.tick(time.monotonic()))


def pool_pairs(seconds: float, seeds: int) -> list[dict[str, float]]:
    """The same load met by the law and by a real static pool of the same mean size (rounded up: the peer's favour)."""
    pairs = []
    for seed in range(seeds):
        steered = work.run({"seconds": seconds}, seed)
        size = math.ceil(steered["mean_size"])
        fixed = work.run({"seconds": seconds, "law": "static", "low": size, "high": size}, seed)
        pairs.append(
            {
                "seed": seed,
                "mean_size": steered["mean_size"],
                "p99_wait_s": steered["p99_wait_s"],
                "overhead_ratio": steered["overhead_ratio"],
                "static_size": size,
                "static_p99_wait_s": fixed["p99_wait_s"],
                "static_p99_wait_simulated_s": fixed["static"]["p99_wait_s"],
            }
        )
    return pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    figures = {
        "law_us": laws_us(),
        "tick_us": tick_us(),
        "erlang_c_64_us": per_call_us(lambda: queueing.erlang_c(64, 50.0), 5000),
        "pairs": pool_pairs(given.seconds, given.seeds),
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
