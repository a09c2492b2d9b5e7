"""What learning has worker processes do: simulate a federation, evaluate a model, write it as ONNX.

Each target takes plain JSON and gives plain JSON; parameters travel as tensor documents, in base64.
"""

import base64
import time
from pathlib import Path
from typing import Any

from app.engine.base.contracts import Report, Stop, never, silent
from app.engine.base.errors import BadInput
from app.engine.learning import mlp
from app.engine.learning.batched import Population
from app.engine.learning.data import load_digits
from app.engine.learning.partition import ALPHA, share_out
from app.engine.learning.records import LocalSpec, Round
from app.engine.learning.robust import aggregator
from app.engine.learning.simulate import rounds
from app.engine.learning.strategy import FedAvg
from app.wire import tensors

MOST_BYTES = 64 << 20


def simulate(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:
    """Run `spec.rounds` rounds of federated averaging over `spec.clients` simulated clients of the digits.

    `spec` may also hold partition, alpha, sample_ratio, epochs, batch, learning_rate, model,
    aggregator, attack and attackers. The result holds
    rounds [{round, accuracy, loss, cpu_s}], final_accuracy, clients, how the data went round, and `params`.
    """
    split = load_digits()
    local = LocalSpec.from_json({**spec, "seed": seed})
    alpha = float(spec.get("alpha", ALPHA))
    parts, spread = share_out(spec.get("partition", "dirichlet"), split.train_y, spec["clients"], seed, alpha)
    population = Population.of(split.train_x, split.train_y, parts)
    hostile = int(spec.get("attackers", 0))
    rule = aggregator(spec.get("aggregator", "mean"), hostile)
    strategy = FedAvg(local, sample_ratio=float(spec.get("sample_ratio", 1.0)), aggregator=rule)
    test = (split.test_x, split.test_y)
    course = rounds(
        mlp.initial(local.model, seed), strategy, population, test, time.process_time,
        attack=spec.get("attack", "none"), attackers=hostile,
    )  # fmt: skip
    params: mlp.Params = {}
    done: list[Round] = []
    for step in course:
        params = step.params
        done.append(step.round)
        _tell(report, step.round, spec["rounds"])
        if step.round.round >= spec["rounds"] or stop():
            break
    return {
        "rounds": [row.to_json() for row in done],
        "final_accuracy": done[-1].accuracy,
        "clients": spec["clients"],
        "spread": spread,
        "model": local.model,
        "params": as_text(params),
    }


def _tell(report: Report, row: Round, total: int) -> None:
    at_s = time.time()
    report(
        row.round, total, "rounds",
        partial={"round": row.round, "accuracy": row.accuracy, "loss": row.loss},
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
