"""What each part of learning earns: rounds, bytes, simulated time and accuracy under attack; prints JSON lines.

    python benchmarks/learning_figures.py               all of them, some minutes of CPU
    python benchmarks/learning_figures.py byzantine     one group: scaffold, byzantine, bytes, time, tune

Counts, ratios and accuracies on the shipped digits with fixed seeds: they do not depend on the machine's load. Times are
simulated seconds of slow and fast clients (see `app.engine.learning.pace`).
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from typing import Any

from app.engine.learning import work
from app.engine.learning.attacks import NAMES as ATTACKS

SHARDS = {"clients": 50, "partition": "shards", "sample_ratio": 0.2, "epochs": 5, "learning_rate": 0.1, "rounds": 80}
PEOPLE = {"clients": 40, "partition": "dirichlet", "alpha": 0.5, "epochs": 5, "learning_rate": 0.1, "rounds": 60}
TWENTY = {"clients": 20, "epochs": 2, "batch": 16, "learning_rate": 0.2, "rounds": 25, "attackers": 4}


def say(figure: str, value: float, unit: str, settings: dict[str, Any], **more: Any) -> None:
    """Print one figure."""
    print(json.dumps({"figure": figure, "value": round(value, 4), "unit": unit, **more, "settings": settings}), flush=True)


def run(spec: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Return the rounds of a simulation."""
    return list(work.simulate({**spec}, seed)["rounds"])


def until(rows: Sequence[dict[str, Any]], level: float) -> int:
    """Return how many rounds it took to reach `level`; all of them where it was not reached."""
    return next((row["round"] for row in rows if row["accuracy"] >= level), len(rows))


def summed(rows: Sequence[dict[str, Any]], count: int, key: str) -> float:
    """Return the sum of `key` over the first `count` rounds."""
    return float(sum(row[key] for row in rows[:count]))


def scaffold(seeds: Sequence[int]) -> None:
    """Rounds to 0.90 on shards, against federated averaging."""
    spec = {**SHARDS, "until_accuracy": 0.9}
    needed = {
        name: [until(run({**spec, "algorithm": name}, seed), 0.9) for seed in seeds]
        for name in ("fedavg", "scaffold", "fedadam")
    }
    for name in ("scaffold", "fedadam"):
        ratio = sum(needed[name]) / sum(needed["fedavg"])
        say(f"learning.{name}.rounds", ratio, "of FedAvg's rounds to 0.90", {**SHARDS, "seeds": list(seeds)}, rounds=needed)


def byzantine(seeds: Sequence[int]) -> None:
    """Accuracy with 4 hostile of 20, against the clean mean of the same data."""

    def reached(more: dict[str, Any]) -> float:
        return statistics.mean(run({**TWENTY, **more}, seed)[-1]["accuracy"] for seed in seeds)

    settings = {**TWENTY, "seeds": list(seeds)}
    say("learning.mean.sign_flip", reached({"partition": "iid", "attack": "sign-flip"}), "accuracy", settings)
    for label, data in (("iid", {"partition": "iid"}), ("dirichlet", {"partition": "dirichlet", "alpha": 0.3})):
        clean = reached({**data, "attackers": 0})
        for rule in ("mixed-trimmed", "mixed-geometric-median"):
            lost = {
                name: round(100 * (clean - reached({**data, "attack": name, "aggregator": rule})), 2)
                for name in ATTACKS
                if name != "none"
            }
            counted = {name: loss for name, loss in lost.items() if label == "iid" or name != "ipm"}
            say(f"learning.{rule}.{label}", max(counted.values()), "points lost at worst", settings, lost=lost, clean=clean)
    skewed = {"partition": "dirichlet", "alpha": 0.3}
    plain = reached({**skewed, "attackers": 0})
    told = {
        name: round(100 * (plain - reached({**skewed, "attack": "ipm", **more})), 2)
        for name, more in {
            "mean": {},
            "mixed-trimmed": {"aggregator": "mixed-trimmed"},
            "mixed-trimmed, client momentum": {"aggregator": "mixed-trimmed", "algorithm": "client-momentum"},
        }.items()
    }
    say("learning.ipm.dirichlet", told["mixed-trimmed"], "points lost", {**settings, **skewed}, lost=told, clean=plain)


def fewer_bytes(seeds: Sequence[int]) -> None:
    """Bytes sent up by clients until 0.90, compressed and not."""
    count = 2410 * 4 * PEOPLE["clients"]

    def up(more: dict[str, Any], seed: int) -> tuple[float, float]:
        rows = run({**PEOPLE, **more}, seed)
        held = until(rows, 0.9)
        return summed(rows, held, "bytes") - held * count, rows[-1]["accuracy"]

    whole = [up({}, seed) for seed in seeds]
    for kind, ratio in (("top-k", 0.05), ("quantise", 1.0), ("sketch", 0.2)):
        few = [up({"compress": kind, "keep_ratio": ratio}, seed) for seed in seeds]
        say(
            f"learning.{kind}.bytes", sum(one[0] for one in few) / sum(one[0] for one in whole), "of the bytes sent to 0.90",
            {**PEOPLE, "keep_ratio": ratio, "seeds": list(seeds)},
            points_lost=round(100 * statistics.mean(w[1] - f[1] for w, f in zip(whole, few, strict=True)), 2),
        )  # fmt: skip


def less_time(seeds: Sequence[int]) -> None:
    """Simulated time until 0.90 with who is asked and how long a round lasts chosen well."""
    plain = {**PEOPLE, "sample_ratio": 0.25}

    def took(more: dict[str, Any], seed: int) -> tuple[float, int]:
        rows = run({**plain, **more}, seed)
        held = until(rows, 0.9)
        return summed(rows, held, "time_s"), held

    whole = [took({}, seed) for seed in seeds]
    shards = [took({**SHARDS}, seed) for seed in seeds]
    tried: dict[str, dict[str, Any]] = {
        "deadline, partial work kept": {"deadline_s": 0.15},
        "deadline, partial work dropped": {"deadline_s": 0.15, "drop_stragglers": True},
        "adaptive": {"selection": "adaptive"},
        "adaptive on shards": {**SHARDS, "selection": "adaptive"},
        "capable": {"selection": "capable", "deadline_s": 0.15},
        "capable, dropped": {"selection": "capable", "deadline_s": 0.15, "drop_stragglers": True},
        "fedbuff": {"algorithm": "fedbuff", "rounds": 400},
    }
    for name, more in tried.items():
        held, beside = [took(more, seed) for seed in seeds], shards if "shards" in name else whole
        missed = sum(one[1] == more.get("rounds", PEOPLE["rounds"]) for one in held)
        if missed:  # a time to a level that was not reached is no time
            print(f"{name}: 0.90 was not reached by {missed} of {len(held)} seeds", file=sys.stderr)
            continue
        say(
            f"learning.{name.replace(', ', '.').replace(' ', '_')}.time",
            sum(one[0] for one in held) / sum(one[0] for one in beside),
            "of the simulated time to 0.90", {**plain, **more, "seeds": list(seeds)},
            rounds=[one[1] for one in held], plain_rounds=[one[1] for one in beside],
        )  # fmt: skip


def tune(seeds: Sequence[int]) -> None:
    """Rounds that successive halving holds, and how far its choice is from the best of all."""
    choices = {"learning_rate": [0.01, 0.03, 0.1, 0.2, 0.5, 1.0], "epochs": [1, 2, 5]}
    spec = {"clients": 40, "partition": "dirichlet", "alpha": 0.5, "rounds": 27, "choices": choices}
    held, lost = [], []
    for seed in seeds:
        told = work.tune({**spec}, seed)
        whole = work.tune({**spec, "keep": 1000}, seed)  # one stage: every setting to the end
        best = max(trial["accuracy"] for trial in whole["trials"])
        held.append(told["rounds_held"] / told["rounds_whole"])
        lost.append(100 * (best - told["trials"][0]["accuracy"]))
    say("learning.tune.rounds", statistics.mean(held), "of the rounds of trying all", {**spec, "seeds": list(seeds)},
        points_lost=round(max(lost), 2))  # fmt: skip


GROUPS: dict[str, Callable[[Sequence[int]], None]] = {
    "scaffold": scaffold, "byzantine": byzantine, "bytes": fewer_bytes, "time": less_time, "tune": tune,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    for name in asked.groups or GROUPS:
        GROUPS[name](range(asked.seeds))


if __name__ == "__main__":
    main()
