"""What learning has worker processes do: simulate a federation, tune one, evaluate a model, write it as ONNX.

Each target takes plain JSON and gives plain JSON. Parameters and models, which may be large, are told by content id; the file
is kept where `spec.home` says.
"""

import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Report, Stop, never, silent
from app.engine.base.errors import BadInput, Conflict
from app.engine.base.ids import content_id
from app.engine.learning import nets
from app.engine.learning import tune as tuning
from app.engine.learning.aggregate import least_of
from app.engine.learning.attacks import backdoor_ratio
from app.engine.learning.batched import Population
from app.engine.learning.buffered import size_of
from app.engine.learning.data import Split
from app.engine.learning.datasets import DIGITS, load
from app.engine.learning.draws import Purpose, generator
from app.engine.learning.insight import shown
from app.engine.learning.partition import ALPHA, share_out
from app.engine.learning.personal import served
from app.engine.learning.records import OF_ROUNDS, LocalSpec, Round
from app.engine.learning.robust import aggregator
from app.engine.learning.simulate import Drill, Field, Step, rounds
from app.engine.learning.strategy import WEIGHT_MOST, Strategy
from app.engine.store import artifacts
from app.wire import tensors

MOST_BYTES = 64 << 20
_BETTER = 0.001
_HELD_BACK = 0.2


def simulate(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:
    """Run `spec.rounds` rounds over `spec.clients` simulated clients; `spec` holds a plan, see `plan_of`, and a `LocalSpec`.

    The result holds rounds [{round, accuracy, loss, cpu_s, bytes, time_s}], final_accuracy, clients, how the data went round,
    who was served how well, how often whose update was `rejected`, in how many rounds too few were sound (`idle_rounds`), the
    `backdoor_ratio` where that is the attack, and `params`.
    """
    plan = plan_of(spec, seed)
    test = plan.judged
    course = rounds(plan.start, plan.strategy, plan.population, test, time.process_time, place=plan.place)
    done: list[Round] = []
    rejected, idle = Counter[int](), 0
    for step in course:
        began_s = time.process_time()
        updates = _shown(step)
        cpu_s = step.round.cpu_s + time.process_time() - began_s
        rejected.update(step.rejected.tolist())
        idle += not step.stood
        done.append(replace(step.round, cpu_s=cpu_s, drift=updates["drift"]))
        last = step.round.round >= spec["rounds"] or stop() or settled([row.accuracy for row in done], spec)
        _tell(report, step, spec["rounds"], updates)
        if last:
            break
    told = {
        "rounds": [row.to_json() for row in done],
        "final_accuracy": done[-1].accuracy,
        "clients": spec["clients"],
        "spread": plan.spread,
        "served": served(step.params, plan.strategy.base, plan.population, step.memory, test),
        "model": plan.strategy.base.model,
        "updates": updates,
        "rejected": [{"client": client, "rounds": count} for client, count in sorted(rejected.items())],
        "idle_rounds": idle,
        "params": _keep(spec, tensors.pack(step.params, {})),
    }
    if plan.place.drill.attack == "backdoor":
        told["backdoor_ratio"] = backdoor_ratio(plan.strategy.base.model, step.params, *test)
    return told


@dataclass(frozen=True)
class Plan:
    """A simulation as it was asked for: its data and who owns it, its rules, the field, and the model it starts from."""

    split: Split
    population: Population
    spread: str
    strategy: Strategy
    place: Field
    start: dict[str, nets.Array]
    judged: tuple[nets.Array, NDArray[np.int64]]


def tune(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:
    """Try `spec.choices` {name: values} of a simulation by successive halving, see `tune`; the rest of `spec` is as there.

    The result holds best, trials [{…, rounds, accuracy, loss}] from the best on, stages, rounds_held, rounds_whole (what trying
    everything to the end would take) and final_accuracy of the best on the test data.
    """
    tuning.check_judged(str(spec.get("algorithm", "")))
    settings = tuning.settings_of(spec["choices"])
    rounds_asked = int(spec["rounds"])
    plans = [plan_of({**spec, **setting}, seed, held_back=_HELD_BACK) for setting in settings]
    best: dict[str, Any] = {}

    def told(done: int, total: int) -> bool:
        report(done, total, "rounds", partial=best)
        return stop()

    ends: list[dict[str, nets.Array]] = [{} for _ in plans]
    trials = [tuning.Trial(setting, _tried(plan, end, stop)) for setting, plan, end in zip(settings, plans, ends, strict=True)]
    ranked, stages = tuning.halve(trials, rounds_asked, int(spec.get("keep", 3)), told)
    first = ranked[0]
    end = ends[next(at for at, trial in enumerate(trials) if trial is first)]
    if not end:
        raise Conflict("None of the settings makes a model that is finite", hint="Try smaller step sizes.")
    split = plans[0].split
    return {
        "best": dict(first.setting), "trials": [trial.to_json() for trial in ranked], "stages": stages,
        "rounds_held": sum(len(trial.told) for trial in trials), "rounds_whole": rounds_asked * len(trials),
        "final_accuracy": nets.accuracy(plans[0].strategy.base.model, end, split.test_x, split.test_y),
    }  # fmt: skip


def _tried(plan: "Plan", end: dict[str, nets.Array], stop: Stop) -> Iterator[tuple[float, float]]:
    """Yield (accuracy, loss) on the data held back after each round; `end` holds the newest parameters.

    A setting whose model ceases to be finite is worse than any other, and ends.
    """
    try:
        for step in rounds(plan.start, plan.strategy, plan.population, plan.judged, time.process_time, place=plan.place):
            end.update(step.params)
            yield step.round.accuracy, step.round.loss
            if stop():
                return
    except Conflict:
        end.clear()
        yield 0.0, math.inf


def plan_of(spec: dict[str, Any], seed: int, held_back: float = 0.0) -> Plan:
    """Return the plan in `spec`; raise `BadInput` when an argument does not fit.

    Besides those of `LocalSpec` it may hold dataset, clients, partition, alpha, sample_ratio, selection, aggregator, attack,
    attackers, drill_round, dropout_rate, deadline_s, drop_stragglers, server_rate, norm_bound and weight_most. That ratio of
    the training data which is `held_back` goes to no client; it is what rounds are judged on, else the test data.
    """
    split = load(str(spec.get("dataset") or DIGITS))
    judged = (split.test_x, split.test_y)
    if held_back > 0:
        split, judged = _apart(split, held_back)
    model = nets.named(str(spec.get("model") or "mlp"), split.shape, split.classes)
    if (nets.inputs_of(model), nets.classes_of(model)) != (split.train_x.shape[1], split.classes):
        raise BadInput(
            "{model} does not fit examples of {inputs} numbers in {classes} classes",
            model=model, inputs=split.train_x.shape[1], classes=split.classes, field="model",
        )  # fmt: skip
    local = LocalSpec.from_json({**spec, "model": model, "seed": seed})
    alpha = float(spec.get("alpha", ALPHA))
    parts, spread = share_out(
        spec.get("partition", "dirichlet"), split.train_y, spec["clients"], seed, alpha, x=split.train_x
    )  # fmt: skip
    hostile = int(spec.get("attackers", 0))
    rule = aggregator(spec.get("aggregator", "mean"), hostile)
    strategy = Strategy(
        local, sample_ratio=float(spec.get("sample_ratio", 1.0)), aggregator=rule,
        server_rate=float(spec.get("server_rate", 0.0)), norm_bound=float(spec.get("norm_bound", 0.0)),
        selection=spec.get("selection", "random"), deadline_s=float(spec.get("deadline_s", 0.0)),
        weight_most=float(spec.get("weight_most", WEIGHT_MOST)),
    )  # fmt: skip
    drill = Drill(spec.get("attack", "none"), hostile, int(spec.get("drill_round", 1)), float(spec.get("dropout_rate", 0.0)))
    _check_fit(strategy, spec)
    place = Field(drill, partial=not spec.get("drop_stragglers", False))
    population = Population.of(split.train_x, split.train_y, parts)
    return Plan(split, population, spread, strategy, place, nets.initial(local.model, seed), judged)


def _check_fit(strategy: Strategy, spec: Mapping[str, Any]) -> None:
    """Raise `BadInput` when settings do not fit each other, rather than leave one without effect."""
    buffered = strategy.base.algorithm == "fedbuff"
    hostile, clients = int(spec.get("attackers", 0)), int(spec["clients"])
    if spec.get("attack", "none") != "none" and not 1 <= hostile <= clients:
        raise BadInput("An attack needs 1 to {clients} attackers, not {hostile}",
                       clients=clients, hostile=hostile, field="attackers")  # fmt: skip
    for name, value in OF_ROUNDS.items():
        if buffered and spec.get(name, value) != value:
            raise BadInput("Fedbuff asks whoever is idle and waits for nobody: {setting} has no meaning there",
                           setting=name, field=name)  # fmt: skip
        needs_end = name == "drop_stragglers" or (name == "selection" and spec.get(name) == "capable")
        if needs_end and spec.get(name, value) != value and strategy.deadline_s <= 0:
            raise BadInput("{setting} goes by a deadline, and there is none", setting=name, field="deadline_s")
    ratio = strategy.sample_ratio
    asked = size_of(clients, ratio) if buffered else min(clients, max(1, round(clients * ratio)))
    if asked < (least := least_of(strategy.aggregator)):
        raise BadInput(
            "{rule} bears {hostile} hostile clients only among {least} or more; {clients} take part",
            rule=strategy.aggregator.name, hostile=hostile, least=least, clients=asked,
            field="aggregator",
        )  # fmt: skip


def _apart(split: Split, ratio: float) -> tuple[Split, tuple[nets.Array, NDArray[np.int64]]]:
    """Return the data without `ratio` of what is there to train with, and those examples."""
    order = generator(0, Purpose.DATA, 1).permutation(len(split.train_y))
    cut = max(1, round(ratio * len(order)))
    back, left = np.sort(order[:cut]), np.sort(order[cut:])
    less = replace(split, train_x=split.train_x[left], train_y=split.train_y[left])
    return less, (split.train_x[back], split.train_y[back])


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


def _shown(step: Step) -> dict[str, Any]:
    return shown(step.clients, step.updates.matrix, step.updates.examples.astype(np.float64))


def _tell(report: Report, step: Step, total: int, updates: dict[str, Any]) -> None:
    at_s, row = time.time(), step.round
    report(
        row.round, total, "rounds",
        partial={
            "round": row.round, "accuracy": row.accuracy, "loss": row.loss, "bytes": row.bytes, "time_s": row.time_s,
            "updates": updates, "missing": int((step.updates.examples == 0).sum()), "rejected": step.rejected.tolist(),
        },
        samples={
            "accuracy_ratio": [(at_s, row.accuracy)], "loss": [(at_s, row.loss)], "drift_ratio": [(at_s, updates["drift"])],
            "round_bytes": [(at_s, float(row.bytes))],
        },
    )  # fmt: skip


def evaluate(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:  # noqa: ARG001
    """Return accuracy and loss of the parameters in the file `spec.params` of `spec.model` on the test part of `dataset`."""
    split = load(str(spec.get("dataset") or DIGITS))
    accuracy, loss = nets.evaluate(spec["model"], _params(spec), split.test_x, split.test_y)
    return {"accuracy": accuracy, "loss": loss, "examples": len(split.test_y)}


def export(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:  # noqa: ARG001
    """Return the parameters in the file `spec.params` of `spec.model` as ONNX (by content id), self-test and metrics."""
    from app.engine.learning.adapters.onnx_export import self_test, to_onnx

    params = _params(spec)
    data = to_onnx(spec["model"], params, spec.get("name", "digits"))
    return {
        "onnx": _keep(spec, data),
        "self_test": self_test(spec["model"], params),
        "metrics": evaluate(spec, seed),
    }


def _keep(spec: Mapping[str, Any], data: bytes) -> str:
    """Return the content id of `data`, kept under `spec.home` where that is given."""
    return artifacts.keep(Path(spec["home"]), data) if "home" in spec else content_id(data)


def _params(spec: dict[str, Any]) -> dict[str, nets.Array]:
    path = Path(spec["params"])
    try:
        found, _ = tensors.unpack(path.read_bytes(), most_bytes=MOST_BYTES)
    except FileNotFoundError:
        raise BadInput("{file}: the trained parameters are not on this machine", file=path) from None
    return nets.check(spec["model"], found)
