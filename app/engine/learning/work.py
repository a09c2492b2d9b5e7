"""What learning has worker processes do: simulate a federation, evaluate a model, write it as ONNX.

Each target takes plain JSON and gives plain JSON; parameters travel as tensor documents, in base64.
"""

import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.engine.base.contracts import Report, Stop, never, silent
from app.engine.base.errors import BadInput
from app.engine.learning import mlp
from app.engine.learning.attacks import backdoor_ratio
from app.engine.learning.batched import Population
from app.engine.learning.data import Split, load_digits
from app.engine.learning.insight import shown
from app.engine.learning.partition import ALPHA, share_out
from app.engine.learning.personal import served
from app.engine.learning.records import LocalSpec, Round
from app.engine.learning.robust import aggregator
from app.engine.learning.simulate import Drill, Field, Step, rounds
from app.engine.learning.strategy import Strategy
from app.wire import tensors

MOST_BYTES = 64 << 20
_BETTER = 0.001


def simulate(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:
    """Run `spec.rounds` rounds over `spec.clients` simulated clients; `spec` holds a plan, see `plan_of`, and a `LocalSpec`.

    The result holds rounds [{round, accuracy, loss, cpu_s, bytes, time_s}], final_accuracy, clients, how the data went round,
    who was served how well, and `params`.
    """
    plan = plan_of(spec, seed)
    test = (plan.split.test_x, plan.split.test_y)
    course = rounds(plan.start, plan.strategy, plan.population, test, time.process_time, place=plan.place)
    done: list[Round] = []
    for step in course:
        done.append(step.round)
        last = step.round.round >= spec["rounds"] or stop() or settled([row.accuracy for row in done], spec)
        _tell(report, step, spec["rounds"])
        if last:
            break
    told = {
        "rounds": [row.to_json() for row in done],
        "final_accuracy": done[-1].accuracy,
        "clients": spec["clients"],
        "spread": plan.spread,
        "served": served(step.params, plan.strategy.base, plan.population, step.memory, test),
        "model": plan.strategy.base.model,
        "params": as_text(step.params),
    }
    if plan.place.drill.attack == "backdoor":
        told["backdoor_ratio"] = backdoor_ratio(step.params, *test)
    return told


@dataclass(frozen=True)
class Plan:
    """A simulation as it was asked for: its data and who owns it, its rules, the field, and the model it starts from."""

    split: Split
    population: Population
    spread: str
    strategy: Strategy
    place: Field
    start: dict[str, mlp.Array]


def plan_of(spec: dict[str, Any], seed: int) -> Plan:
    """Return the plan in `spec`; raise `BadInput` when an argument does not fit.

    Besides those of `LocalSpec` it may hold clients, partition, alpha, sample_ratio, selection, aggregator, attack, attackers,
    deadline_s, drop_stragglers, server_rate and norm_bound.
    """
    split = load_digits()
    local = LocalSpec.from_json({**spec, "seed": seed})
    alpha = float(spec.get("alpha", ALPHA))
    parts, spread = share_out(spec.get("partition", "dirichlet"), split.train_y, spec["clients"], seed, alpha)
    hostile = int(spec.get("attackers", 0))
    rule = aggregator(spec.get("aggregator", "mean"), hostile)
    strategy = Strategy(
        local, sample_ratio=float(spec.get("sample_ratio", 1.0)), aggregator=rule,
        server_rate=float(spec.get("server_rate", 0.0)), norm_bound=float(spec.get("norm_bound", 0.0)),
        selection=spec.get("selection", "random"), deadline_s=float(spec.get("deadline_s", 0.0)),
    )  # fmt: skip
    place = Field(Drill(spec.get("attack", "none"), hostile), partial=not spec.get("drop_stragglers", False))
    population = Population.of(split.train_x, split.train_y, parts)
    return Plan(split, population, spread, strategy, place, mlp.initial(local.model, seed))


def settled(accuracies: Sequence[float], spec: Mapping[str, Any]) -> bool:
    """Tell whether a session has come to its end: at `until_accuracy`, or no better for `plateau_rounds` rounds.

    Better is by more than 0.001; either criterion holds only where it is given and positive.
    """
    until, plateau = float(spec.get("until_accuracy", 0.0)), int(spec.get("plateau_rounds", 0))
    if until > 0 and accuracies[-1] >= until:
        return True
    if plateau <= 0 or len(accuracies) <= plateau:
        return False
    return max(accuracies[-plateau:]) <= max(accuracies[:-plateau]) + _BETTER


def _tell(report: Report, step: Step, total: int) -> None:
    at_s, row = time.time(), step.round
    weights = step.updates.examples.astype(np.float64)
    report(
        row.round, total, "rounds",
        partial={
            "round": row.round, "accuracy": row.accuracy, "loss": row.loss, "bytes": row.bytes, "time_s": row.time_s,
            "updates": shown(step.clients, step.updates.matrix, weights),
        },
        samples={"accuracy_ratio": [(at_s, row.accuracy)], "loss": [(at_s, row.loss)]},
    )  # fmt: skip


def evaluate(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:  # noqa: ARG001
    """Return accuracy and loss of the parameters in the file `spec.params` of `spec.model` on the test digits."""
    split = load_digits()
    accuracy, loss = mlp.evaluate(_params(spec), split.test_x, split.test_y)
    return {"accuracy": accuracy, "loss": loss, "examples": len(split.test_y)}


def export(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:  # noqa: ARG001
    """Return the parameters in the file `spec.params` of `spec.model` as ONNX (base64), self-test and metrics."""
    from app.engine.learning.adapters.onnx_export import self_test, to_onnx

    params = _params(spec)
    data = to_onnx(spec["model"], params, spec.get("name", "digits"))
    return {
        "onnx": base64.b64encode(data).decode(),
        "self_test": self_test(spec["model"], params),
        "metrics": evaluate(spec, seed),
    }


def as_text(params: mlp.Params) -> str:
    """Return parameters as a tensor document in base64."""
    return base64.b64encode(tensors.pack(params, {})).decode()


def _params(spec: dict[str, Any]) -> dict[str, mlp.Array]:
    path = Path(spec["params"])
    try:
        found, _ = tensors.unpack(path.read_bytes(), most_bytes=MOST_BYTES)
    except FileNotFoundError:
        raise BadInput("{file}: the trained parameters are not on this machine", file=path) from None
    return mlp.check(spec["model"], found)
