"""Modules of PyTorch trained by simulated clients, all of a chunk at once; where torch is installed, which nothing requires.

Any `torch.nn.Module` that gives class scores (n, classes) for inputs (n, in) and keeps no state but its parameters. Gradients
come from `torch.func` (`vmap` over clients of `grad`), batches and their order from the same draws as for networks in numpy, so
that both come to the same model but for rounding; bits may differ from chunk to chunk. Modules are code, so they come from a
program and not from a command: there is no name of a model by which a node or a worker would run them.
"""

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput, Missing
from app.engine.learning.batched import Population, Updates
from app.engine.learning.clients import steps_of
from app.engine.learning.nets import Array, Params
from app.engine.learning.records import LocalSpec
from app.engine.learning.sgd import Cohort, all_orders
from app.engine.learning.strategy import Strategy

TRAINED: Final = ("fedavg", "fedprox")  # what clients do by their parameters alone
SELECTED: Final = ("random", "poisson")
CHUNK: Final = 64


def installed() -> bool:
    """Tell whether torch is installed, without loading it."""
    return importlib.util.find_spec("torch") is not None


def parameters_of(module: Any) -> dict[str, Array]:
    """Return the parameters of `module`, float32 by name."""
    return {name: value.detach().cpu().numpy().astype(np.float32) for name, value in module.named_parameters()}


def train(
    module: Any, params: Params, population: Population, clients: NDArray[np.int64], spec: LocalSpec, *, chunk: int = CHUNK
) -> Updates:
    """Train `module` from `params` on the data of each of `clients`; `spec.model` is not looked at.

    Raises `Missing` without torch, `BadInput` for algorithms that need more than a model of each client.
    """
    if spec.algorithm not in TRAINED or spec.compress != "none":
        raise BadInput(
            "Modules of torch are trained with {algorithms} and whole updates", algorithms=", ".join(TRAINED), field="algorithm"
        )
    parts = [_chunk(module, params, population.cohort(clients[at : at + chunk]), spec) for at in range(0, len(clients), chunk)]
    sizes = population.sizes(clients)
    rows, losses = (np.concatenate([part[at] for part in parts]) for at in (0, 1))
    return Updates(rows, sizes, losses, steps_of(spec, sizes))


def rounds(
    module: Any, strategy: Strategy, population: Population, test: tuple[Array, NDArray[np.int64]]
) -> Iterator[tuple[dict[str, Array], float]]:
    """Yield the parameters and the accuracy on `test` after each round, without end.

    Nothing is known here of how long clients take, so a `strategy` that goes by that, or by norms, is refused.
    """
    if strategy.selection not in SELECTED or strategy.deadline_s > 0 or strategy.norm_bound > 0:
        raise BadInput(
            "Modules of torch are trained by clients asked by chance ({kinds}), without a deadline or a norm bound",
            kinds=", ".join(SELECTED), field="selection",
        )  # fmt: skip
    params, number = parameters_of(module), 0
    while True:
        number += 1
        clients = strategy.select(number, len(population.parts))
        updates = train(module, params, population, clients, strategy.configure(number, 0))
        told = strategy.weigh(updates.matrix, updates.examples, updates.steps)
        move = strategy.aggregator.combine(told.updates, told.weights)
        at, rate = 0, strategy.server_rate or 1.0
        for name, value in params.items():
            step = move[at : at + value.size].reshape(value.shape)
            params[name], at = (value.astype(np.float64) + rate * step).astype(np.float32), at + value.size
        yield dict(params), float((scores(module, params, test[0]).argmax(axis=1) == test[1]).mean())


def scores(module: Any, params: Params, x: Array) -> Array:
    """Return the scores (n, classes) that `module` gives with `params` for inputs (n, in)."""
    torch = torch_here()
    with torch.no_grad():
        given = torch.func.functional_call(module, _tensors(torch, params), (torch.from_numpy(x),))
    return np.asarray(given.numpy(), np.float32)


def _chunk(module: Any, params: Params, cohort: Cohort, spec: LocalSpec) -> tuple[Array, NDArray[np.float64]]:
    """Return updates (clients, params) and mean losses in the last epoch (clients,) of some clients, trained together."""
    torch = torch_here()
    start, count = _tensors(torch, params), len(cohort.sizes)
    theta = {name: value.expand(count, *value.shape).clone() for name, value in start.items()}

    def mean_loss(theta: Any, x: Any, y: Any, share: Any) -> Any:
        given = torch.func.functional_call(module, theta, (x,))
        return (torch.nn.functional.cross_entropy(given, y, reduction="none") * share).sum()

    slope = torch.func.vmap(torch.func.grad_and_value(mean_loss))
    width = spec.batch or max(int(cohort.sizes.max(initial=1)), 1)
    losses = np.zeros(count)
    for epoch, order in enumerate(all_orders(cohort, spec)):
        for at in range(0, int(cohort.sizes.max(initial=0)), width):
            left = np.clip(cohort.sizes - at, 0, width)
            rows, share = _batch(cohort, order[:, at : at + width], left)
            x, y = torch.from_numpy(cohort.x[rows][:, :, :-1]), torch.from_numpy(cohort.y[rows])
            grads, told = slope(theta, x, y, torch.from_numpy(share))
            for name, value in theta.items():
                slopes = grads[name] + (spec.mu * (value - start[name]) if spec.algorithm == "fedprox" else 0)
                active = torch.from_numpy((left > 0).astype(np.float32)).reshape(-1, *[1] * start[name].ndim)
                theta[name] = value - spec.learning_rate * active * slopes
            if epoch == spec.epochs - 1:
                losses += told.detach().numpy().astype(np.float64) * left
    rows_of = [(theta[name] - start[name]).reshape(count, -1) for name in theta]
    return np.asarray(torch.cat(rows_of, dim=1).detach().numpy(), np.float32), losses / np.maximum(cohort.sizes, 1)


def _batch(cohort: Cohort, place: NDArray[np.int64], left: NDArray[np.int64]) -> tuple[NDArray[np.int64], Array]:
    """Return the examples of a batch and what each weighs in its client's mean, (clients, width); padding weighs nothing."""
    real = np.arange(place.shape[1]) < left[:, None]
    share = (real / np.maximum(left, 1)[:, None]).astype(np.float32)
    return cohort.rows[np.where(real, place, 0) + np.minimum(cohort.starts, len(cohort.rows) - 1)[:, None]], share


def _tensors(torch: Any, params: Mapping[str, Array]) -> dict[str, Any]:
    return {name: torch.from_numpy(np.array(value, np.float32)) for name, value in params.items()}


def torch_here() -> Any:
    """Return torch; raise `Missing` without it."""
    if not installed():
        raise Missing("PyTorch is not installed here", hint="Networks in numpy need nothing: mlp, logistic, conv.")
    return importlib.import_module("torch")
