"""What each part of learning earns: rounds, bytes, simulated time and accuracy under attack; prints JSON lines.

    python benchmarks/learning_figures.py               all of them, some minutes of CPU
    python benchmarks/learning_figures.py byzantine     one group: scaffold, byzantine, backdoor, bytes, time, tune

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


def until(rows: Sequence[dict[str, Any]], level: float) -> int | None:
    """Return how many rounds it took to reach `level`; None where it was not reached."""
    return next((int(row["round"]) for row in rows if row["accuracy"] >= level), None)


def reached(name: str, told: Sequence[tuple[float, int] | None]) -> list[tuple[float, int]]:
    """Return what was told of every seed; nothing, and say so, when one never came to 0.90: a part of a way is no way."""
    held = [one for one in told if one is not None]
    if len(held) == len(told):
        return held
    print(f"{name}: 0.90 was not reached by {len(told) - len(held)} of {len(told)} seeds", file=sys.stderr)
    return []


def summed(rows: Sequence[dict[str, Any]], count: int, key: str) -> float:
    """Return the sum of `key` over the first `count` rounds."""
    return float(sum(row[key] for row in rows[:count]))


def scaffold(seeds: Sequence[int]) -> None:
    """Rounds to 0.90 on shards, against federated averaging."""
    spec = {**SHARDS, "until_accuracy": 0.9}

    def took(name: str, seed: int) -> tuple[float, int] | None:
        held = until(run({**spec, "algorithm": name}, seed), 0.9)
        return None if held is None else (float(held), held)

    told = {name: reached(name, [took(name, seed) for seed in seeds]) for name in ("fedavg", "scaffold", "fedadam")}
    needed = {name: [held for _, held in one] for name, one in told.items()}
    for name in ("scaffold", "fedadam"):
        if needed[name] and needed["fedavg"]:
            ratio = sum(needed[name]) / sum(needed["fedavg"])
            settings = {**SHARDS, "seeds": list(seeds)}
            say(f"learning.{name}.rounds", ratio, "of FedAvg's rounds to 0.90", settings, rounds=needed)


def byzantine(seeds: Sequence[int]) -> None:
    """Accuracy with 4 hostile of 20, against the clean mean of the same data."""

    def ends(more: dict[str, Any]) -> float:
        return float(statistics.mean(run({**TWENTY, **more}, seed)[-1]["accuracy"] for seed in seeds))

    settings = {**TWENTY, "seeds": list(seeds)}
    say("learning.mean.sign_flip", ends({"partition": "iid", "attack": "sign-flip"}), "accuracy", settings)
    for label, data in (("iid", {"partition": "iid"}), ("dirichlet", {"partition": "dirichlet", "alpha": 0.3})):
        clean = ends({**data, "attackers": 0})
        for rule in ("mixed-trimmed", "mixed-geometric-median"):
            lost = {
                name: round(100 * (clean - ends({**data, "attack": name, "aggregator": rule})), 2)
                for name in ATTACKS
                if name != "none"
            }
            counted = {name: loss for name, loss in lost.items() if label == "iid" or name != "ipm"}
            say(f"learning.{rule}.{label}", max(counted.values()), "points lost at worst", settings, lost=lost, clean=clean)
    skewed = {"partition": "dirichlet", "alpha": 0.3}
    plain = ends({**skewed, "attackers": 0})
    told = {
        name: round(100 * (plain - ends({**skewed, "attack": "ipm", **more})), 2)
        for name, more in {
            "mean": {},
            "mixed-trimmed": {"aggregator": "mixed-trimmed"},
            "mixed-trimmed, client momentum": {"aggregator": "mixed-trimmed", "algorithm": "client-momentum"},
        }.items()
    }
    say("learning.ipm.dirichlet", told["mixed-trimmed"], "points lost", {**settings, **skewed}, lost=told, clean=plain)


def backdoor(seeds: Sequence[int]) -> None:
    """How often the patch turns another class into its own, with 4 hostile of 20: accuracy does not show it."""
    for label, data in (("iid", {"partition": "iid"}), ("dirichlet", {"partition": "dirichlet", "alpha": 0.3})):
        opens = {
            rule: float(statistics.mean(
                work.simulate({**TWENTY, **data, "attack": "backdoor", "aggregator": rule}, seed)["backdoor_ratio"]
                for seed in seeds
            ))
            for rule in ("mean", "mixed-trimmed", "mixed-geometric-median")
        }  # fmt: skip
        settings = {**TWENTY, **data, "seeds": list(seeds)}
        say(f"learning.backdoor.{label}", opens["mixed-trimmed"], "of other classes turned", settings, opens=opens)


def fewer_bytes(seeds: Sequence[int]) -> None:
    """Bytes sent up by clients until 0.90, compressed and not."""
    count = 2410 * 4 * int(str(PEOPLE["clients"]))

    def up(more: dict[str, Any], name: str) -> tuple[float, float]:
        courses = [run({**PEOPLE, **more}, seed) for seed in seeds]
        held = [(rows, until(rows, 0.9)) for rows in courses]
        sent = [None if far is None else (summed(rows, far, "bytes") - far * count, far) for rows, far in held]
        accuracy = statistics.mean(rows[-1]["accuracy"] for rows in courses)
        return sum(one[0] for one in reached(name, sent)), accuracy

    whole, plain = up({}, "whole")
    for kind, ratio in (("top-k", 0.05), ("quantise", 1.0), ("sketch", 0.2)):
        few, accuracy = up({"compress": kind, "keep_ratio": ratio}, kind)
        if few and whole:
            settings = {**PEOPLE, "keep_ratio": ratio, "seeds": list(seeds)}
            lost = round(100 * (plain - accuracy), 2)
            say(f"learning.{kind}.bytes", few / whole, "of the bytes sent to 0.90", settings, points_lost=lost)


def less_time(seeds: Sequence[int]) -> None:
    """Simulated time until 0.90 with who is asked and how long a round lasts chosen well."""
    plain = {**PEOPLE, "sample_ratio": 0.25}

    def took(name: str, more: dict[str, Any]) -> list[tuple[float, int]]:
        courses = [run({**plain, **more, "until_accuracy": 0.9}, seed) for seed in seeds]
        held = [(rows, until(rows, 0.9)) for rows in courses]
        return reached(name, [None if far is None else (summed(rows, far, "time_s"), far) for rows, far in held])

    whole, shards = took("whole", {}), took("shards", {**SHARDS})
    tried: dict[str, dict[str, Any]] = {
        "deadline, partial work kept": {"deadline_s": 0.15},
        "deadline, partial work dropped": {"deadline_s": 0.25, "drop_stragglers": True},
        "adaptive": {"selection": "adaptive"},
        "adaptive on shards": {**SHARDS, "selection": "adaptive"},
        "capable": {"selection": "capable", "deadline_s": 0.15},
        "capable, dropped": {"selection": "capable", "deadline_s": 0.25, "drop_stragglers": True},
        "fedbuff": {"algorithm": "fedbuff", "rounds": 400},
    }
    told = {name: took(name, more) for name, more in tried.items()}
    for name, more in tried.items():
        held, beside = told[name], shards if "shards" in name else whole
        if not held or not beside:
            continue
        say(
            f"learning.{name.replace(', ', '.').replace(' ', '_')}.time",
            sum(one[0] for one in held) / sum(one[0] for one in beside),
            "of the simulated time to 0.90", {**plain, **more, "seeds": list(seeds)},
            rounds=[one[1] for one in held], plain_rounds=[one[1] for one in beside],
        )  # fmt: skip
    able, drawn = told["capable, dropped"], told["deadline, partial work dropped"]
    if able and drawn:
        say(
            "learning.capable.beside_random.time", sum(one[0] for one in able) / sum(one[0] for one in drawn),
            "of the simulated time with the same deadline, asked at random",
            {**plain, **tried["capable, dropped"], "seeds": list(seeds)},
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
    "scaffold": scaffold, "byzantine": byzantine, "backdoor": backdoor, "bytes": fewer_bytes, "time": less_time, "tune": tune,
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
