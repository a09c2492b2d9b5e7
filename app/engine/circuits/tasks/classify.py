"""Learning from tables with a quantum kernel or network, against a classical one with the same inputs, splits and trials.

Both sides see the same principal components of the training part, tune over as many settings on the same folds (or train for as
many steps), and are compared split by split. The interval of the mean difference is the corrected resampled t interval (Nadeau
and Bengio, 2003), as the splits share samples. Anomalies are told by the mean kernel to normal samples, and rated by the area
under the receiver operating characteristic.
"""

import csv
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.engine.base.contracts import Report, Stop
from app.engine.base.errors import Cancelled
from app.engine.circuits.tasks import learners
from app.engine.circuits.tasks.base import NO, UNDECIDED, Finding, Param, Task
from app.engine.circuits.tasks.learners import Kernel, Real

FOLDER: Final = Path(__file__).resolve().parents[4] / "resources" / "data"
DATA: Final = ("breast_cancer", "wine")
_COSTS: Final = (0.3, 3.0, 30.0)
_QUANTUM_WIDTHS: Final = (0.05, 0.1, 0.2, 0.4)
_GAUSSIAN_WIDTHS: Final = (0.05, 0.2, 0.8, 3.2)
_FOLDS: Final = 3
# Two-sided 97.5 % points of Student's t by degrees of freedom.
_T: Final = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
             2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045)  # fmt: skip


@dataclass(frozen=True)
class Split:
    """Training and test samples in 0..pi, with labels -1 or 1."""

    x: Real
    y: Real
    test_x: Real
    test_y: Real


@cache
def table(name: str) -> tuple[Real, Real]:
    """Return (samples, features) and labels -1 or 1; the first class of the file is 1, all others -1."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = [[float(cell) for cell in row] for row in csv.reader(file) if row and not row[0].startswith(("#", "class"))]
    values = np.array(rows)
    return values[:, 1:], np.where(values[:, 0] == values[:, 0].min(), 1.0, -1.0)


def split(x: Real, y: Real, training: int, features: int, rng: np.random.Generator) -> Split:
    """Return a random split; components and their range are those of the training part, what lies outside is cut to it."""
    order = rng.permutation(len(y))
    first, rest = order[:training], order[training:]
    middle, scale = x[first].mean(0), x[first].std(0)
    scale[scale == 0] = 1
    plain = (x - middle) / scale
    _, _, axes = np.linalg.svd(plain[first], full_matrices=False)
    seen = plain @ axes[:features].T
    low, high = seen[first].min(0), seen[first].max(0)
    ready = np.clip((seen - low) / (high - low), 0, 1) * math.pi
    return Split(ready[first], y[first], ready[rest], y[rest])


def tuned(kernels: list[Kernel], one: Split, rng: np.random.Generator, stop: Stop) -> float:
    """Return the test accuracy of the machine whose kernel and cost did best over folds of the training part."""
    folds = rng.permutation(len(one.y)) % _FOLDS
    best, chosen = -1.0, (kernels[0], _COSTS[0])
    for kernel in kernels:
        whole = kernel(one.x, one.x)
        for cost in _COSTS:
            if stop():
                raise Cancelled("Cancelled")
            right = 0
            for fold in range(_FOLDS):
                inside, outside = folds != fold, folds == fold
                made = learners.machine(whole[np.ix_(inside, inside)], one.y[inside], cost)
                right += int((np.sign(made.score(whole[np.ix_(outside, inside)])) == one.y[outside]).sum())
            if right > best:
                best, chosen = right, (kernel, cost)
    kernel, cost = chosen
    made = learners.machine(kernel(one.x, one.x), one.y, cost)
    return float((np.sign(made.score(kernel(one.test_x, one.x))) == one.test_y).mean())


def by_kernels(one: Split, _values: dict[str, Any], rng: np.random.Generator, stop: Stop) -> tuple[float, float]:
    """Return the accuracies of a quantum and of a Gaussian kernel."""
    word = int(rng.integers(1 << 62))
    sides = ([learners.quantum_kernel(w) for w in _QUANTUM_WIDTHS], [learners.gaussian_kernel(w) for w in _GAUSSIAN_WIDTHS])
    found = [tuned(side, one, np.random.default_rng(word), stop) for side in sides]
    return found[0], found[1]


def by_networks(one: Split, values: dict[str, Any], rng: np.random.Generator, stop: Stop) -> tuple[float, float]:
    """Return the accuracies of a quantum and of a classical network with about as many weights and the same steps."""
    quantum = learners.QuantumNet(one.x.shape[1], values["layers"])
    classical = learners.ClassicalNet(one.x.shape[1], max(1, round((quantum.size - 1) / (one.x.shape[1] + 2))))
    found = []
    for net in (quantum, classical):
        weights = learners.trained(net, one.x, one.y, values["rounds"], rng, stop)
        found.append(float((np.sign(net.score(weights, one.test_x)) == one.test_y).mean()))
    return found[0], found[1]


def by_likeness(one: Split, _values: dict[str, Any], _rng: np.random.Generator, _stop: Stop) -> tuple[float, float]:
    """Return how well the mean kernel to normal samples (label 1) tells the others apart, as areas under the curve."""
    normal = one.x[one.y > 0]
    found = []
    for side in (
        [learners.quantum_kernel(w) for w in _QUANTUM_WIDTHS],
        [learners.gaussian_kernel(w) for w in _GAUSSIAN_WIDTHS],
    ):
        # No anomaly is known while it learns: the width whose normal samples are about half alike is taken.
        kernel = min(side, key=lambda made: abs(float(np.median(made(normal, normal))) - 0.5))
        found.append(area(-kernel(one.test_x, normal).mean(1), one.test_y < 0))
    return found[0], found[1]


def area(scores: Real, positive: Any) -> float:
    """Return the chance that a positive sample scores higher than another, ties counting half."""
    difference = scores[positive][:, None] - scores[~positive][None]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def interval(differences: Real, training: int, testing: int) -> tuple[float, float]:
    """Return the 95 % interval of the mean difference over splits that share samples."""
    count = len(differences)
    if count < 2:
        return -1.0, 1.0
    error = math.sqrt((1 / count + testing / training) * float(differences.var(ddof=1)))
    middle, t = float(differences.mean()), _T[count - 2] if count - 2 < len(_T) else 1.96 * (1 + 0.6 / count)
    return middle - t * error, middle + t * error


_WAYS: Final = {"kernel": by_kernels, "network": by_networks, "anomaly": by_likeness}


def work(values: dict[str, Any], rng: np.random.Generator, report: Report, stop: Stop) -> Finding:
    """Learn one table over repeated splits."""
    x, y = table(values["data"])
    training = min(values["training"], len(y) * 2 // 3)
    rows = []
    for number in range(values["splits"]):
        one = split(x, y, training, values["features"], rng)
        rows.append(_WAYS[values["model"]](one, values, rng, stop))
        report(float(number + 1), float(values["splits"]), "splits", {"quantum": rows[-1][0], "classical": rows[-1][1]})
    quantum, classical = np.array(rows).T
    low, high = interval(quantum - classical, training, len(y) - training)
    worse = float(quantum.mean()) <= float(classical.mean())
    why = (
        "the classical model is at least as good with the same inputs and trials" if worse
        else "more often right here, but the difference is within its interval" if low <= 0
        else "more often right here; a simulation cannot show that a device would be"
    )  # fmt: skip
    rated = "area_under_curve" if values["model"] == "anomaly" else "accuracy"
    return Finding(
        {rated: float(quantum.mean()), "spread": float(quantum.std()), "difference": float((quantum - classical).mean()),
         "difference_low": low, "difference_high": high, "splits": values["splits"], "training_samples": training},
        {"method": {"kernel": "Gaussian kernel", "network": "network of tanh", "anomaly": "Gaussian kernel"}[values["model"]],
         rated: float(classical.mean()), "spread": float(classical.std()), "test_samples": len(y) - training},
        NO if worse else UNDECIDED, why, 1 - float(quantum.mean()), 0.95,
        learners.feature_circuit(one.x[0], _QUANTUM_WIDTHS[1]) if values["model"] != "network" else None,
        series={"quantum": quantum.tolist(), "classical": classical.tolist()},
    )  # fmt: skip


TASK = Task(
    "classify", "Classifying (kernels and networks)",
    "Learns a table of measurements with a quantum kernel or network, and with a classical one under the same conditions.",
    (
        "Samples are split at random; principal components of the training part become angles.",
        "A quantum kernel is the overlap of two samples' states; a network turns qubits layer by layer.",
        "Both sides tune over as many settings, or train for as many steps.",
        "Accuracy on the other samples is compared split by split, with an interval for the difference.",
    ),
    (
        Param("data", "Which table.", "breast_cancer", choices=DATA),
        Param("model", "What learns: kernel and network classify, anomaly finds what is not normal.", "kernel",
              choices=tuple(_WAYS)),
        Param("splits", "Random splits.", 8, 2, 30),
        Param("features", "Principal components, a qubit each.", 4, 2, 6),
        Param("training", "Training samples.", 100, 20, 300),
        Param("layers", "Layers of the quantum network.", 3, 1, 6),
        Param("rounds", "Training steps of the networks.", 60, 5, 500),
    ),
    work,
    "1 less the mean accuracy (or area under the curve) over the splits.",
    "Level of the interval told of the difference from the classical model.",
)  # fmt: skip
