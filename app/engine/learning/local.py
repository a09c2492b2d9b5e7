"""What a node does in a round: gradient descent on its own data, which never leaves it. Needs numpy and nothing else.

The update equals the one a simulation computes for the same client, seed and round, to the bit on one machine;
across machines (other processors, another linear-algebra library) to float32 tolerance.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from app.engine.base.errors import BadInput
from app.engine.learning.mlp import Params, check, flatten, sizes_of, unflatten
from app.engine.learning.records import LocalSpec, LocalUpdate
from app.engine.learning.sgd import Bench, Cohort, all_orders, descend, with_ones

__all__ = ["LocalSpec", "LocalUpdate", "train"]


def train(params: Params, x: ArrayLike, y: ArrayLike, spec: Mapping[str, Any] | LocalSpec) -> LocalUpdate:
    """Train from `params` on a client's own examples and return what changed.

    `x` (n, in) holds finite numbers, `y` (n,) whole labels 0..classes-1, `spec` is a `LocalSpec` or its document.
    Raises `BadInput` on data or parameters that do not fit the model, or a spec out of range.
    """
    told = spec if isinstance(spec, LocalSpec) else LocalSpec.from_json(spec)
    old = check(told.model, params)
    cohort = _cohort(x, y, told)
    flat = flatten(old, told.model)
    bench = Bench(sizes_of(told.model), 1, told.batch or int(cohort.sizes[0]) or 1)
    bench.theta[0] = flat
    loss = descend(bench, cohort, all_orders(cohort, told), told)
    update = unflatten(bench.theta[0] - flat, told.model)
    return LocalUpdate(update, int(cohort.sizes[0]), float(loss[0]))


def _cohort(x: ArrayLike, y: ArrayLike, spec: LocalSpec) -> Cohort:
    inputs, labels = np.ascontiguousarray(x, np.float32), np.asarray(y)
    sizes = sizes_of(spec.model)
    if inputs.ndim != 2 or inputs.shape[1] != sizes[0] or labels.shape != inputs.shape[:1]:
        raise BadInput(
            "{data}: {model} needs inputs (n, {width}) and labels (n,), not {x} and {y}",
            data=spec.data, model=spec.model, width=sizes[0], x=inputs.shape, y=labels.shape,
        )  # fmt: skip
    if not (np.isfinite(inputs).all() and np.isfinite(labels).all()):
        raise BadInput("{data}: the examples hold values that are not finite numbers", data=spec.data)
    whole = labels.astype(np.int64)
    if (whole != labels).any() or (whole < 0).any() or (whole >= sizes[-1]).any():
        raise BadInput("{data}: labels must be whole numbers from 0 to {top}", data=spec.data, top=sizes[-1] - 1)
    count = len(whole)
    return Cohort(with_ones(inputs), whole, np.arange(count), np.zeros(1, np.int64), np.array([count]), np.array([spec.client]))
