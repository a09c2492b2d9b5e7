"""How well clients are served: accuracy on test data mixed as each client's own is, with the global and with its own model.

A client's mix of classes weighs the accuracy per class on the common test set, so that no test data need be held back on
clients. Told are the mean and the tenth percentile, which shows whom the mean hides.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine.learning.batched import Population
from app.engine.learning.clients import PERSONAL, kept_width
from app.engine.learning.memory import Memory
from app.engine.learning.nets import Array, Params, flatten, forward, head_of, unflatten
from app.engine.learning.records import LocalSpec

_MOST: Final = 100
_LOW: Final = 10


def served(
    params: Params, spec: LocalSpec, population: Population, memory: Memory, test: tuple[Array, NDArray[np.int64]]
) -> dict[str, float]:
    """Return mean and tenth percentile (ratios) with the global model, and with clients' own where the algorithm has such."""
    clients = np.unique(np.linspace(0, len(population.parts) - 1, _MOST).astype(np.int64))
    clients = clients[population.sizes(clients) > 0]
    classes = int(test[1].max()) + 1
    mixes = [np.bincount(population.y[population.parts[client]], minlength=classes)[:classes] for client in clients]
    common = _per_class(spec.model, params, test, classes)
    told = _figures("global", [_weighed(common, mix) for mix in mixes])
    if spec.algorithm in PERSONAL:
        flat = flatten(params, spec.model)
        width = kept_width(spec, len(flat), head_of(spec.model))
        own = [
            _weighed(_per_class(spec.model, unflatten(_own(flat, row, width), spec.model), test, classes), mix)
            for row, mix in zip(memory.take(clients), mixes, strict=True)
        ]
        told |= _figures("own", own)
    return told


def _own(flat: Array, memory: Array, width: int) -> Array:
    """Return a client's own model; the global one for a client that never took part.

    Of its memory the first `width` numbers are the end of its model; what compression left out comes after them.
    """
    if memory[-1] <= 0:
        return flat
    return np.concatenate([flat[: len(flat) - width], memory[:width]])


def _per_class(
    model: str, params: Params, test: tuple[Array, NDArray[np.int64]], classes: int
) -> NDArray[np.float64]:  # fmt: skip
    right = forward(model, params, test[0]).argmax(axis=1) == test[1]
    return np.bincount(test[1], right, classes) / np.maximum(np.bincount(test[1], minlength=classes), 1)


def _weighed(ratios: NDArray[np.float64], mix: NDArray[np.int64]) -> float:
    return float(ratios @ mix / max(int(mix.sum()), 1))


def _figures(name: str, ratios: list[float]) -> dict[str, float]:
    if not ratios:
        return {}
    return {f"{name}_mean": float(np.mean(ratios)), f"{name}_low": float(np.percentile(ratios, _LOW))}
