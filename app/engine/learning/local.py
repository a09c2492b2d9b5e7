"""What a node does in a round: gradient descent on its own data, which never leaves it. Needs numpy and nothing else.

The update equals the one a simulation computes for the same client, seed and round, to the bit on one machine;
across machines (other processors, another linear-algebra library) to float32 tolerance.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from app.engine.base.errors import BadInput
from app.engine.learning.clients import Turn, memory_widths, steps_of, work
from app.engine.learning.compress import squeeze
from app.engine.learning.nets import Array, Params, check, classes_of, flatten, head_of, inputs_of, unflatten
from app.engine.learning.records import LocalSpec, LocalUpdate
from app.engine.learning.sgd import Bench, Cohort, all_orders, with_ones

__all__ = ["LocalSpec", "LocalUpdate", "train"]
CONTROL: Final = "control"


def train(
    params: Params, x: ArrayLike, y: ArrayLike, spec: Mapping[str, Any] | LocalSpec, memory: ArrayLike | None = None
) -> LocalUpdate:
    """Train from `params` on a client's own examples and return what changed.

    `params` holds the model and, where the algorithm has one, the flat `control` variate. `x` (n, in) holds finite numbers,
    `y` (n,) whole labels 0..classes-1, `spec` is a `LocalSpec` or its document, `memory` what the last round left to remember.
    Raises `BadInput` on data or parameters that do not fit the model, or a spec out of range.
    """
    told = spec if isinstance(spec, LocalSpec) else LocalSpec.from_json(spec)
    old = check(told.model, {name: value for name, value in params.items() if name != CONTROL})
    cohort = _cohort(x, y, told)
    flat = flatten(old, told.model)
    control = params.get(CONTROL)
    if control is not None and (control.shape != flat.shape or not np.isfinite(control).all()):
        raise BadInput("The control variate does not fit {model}", model=told.model)
    bench = Bench(told.model, 1, told.batch or int(cohort.sizes[0]) or 1)
    held = _held(memory, memory_widths(told, len(flat), head_of(told.model)))
    turn = Turn(bench, bench.theta, cohort, all_orders(cohort, told), told, flat, control, *held)
    loss = work(turn)
    update = unflatten(turn.theta[0], told.model)
    kept = np.concatenate([part[0] for part in held]) if held[2].size else None
    sent = None
    if turn.whole is not None:
        sent = squeeze(told.compress, turn.theta[0], turn.whole[0], told.keep_ratio, seed=told.seed, round_number=told.round)
    return LocalUpdate(update, int(cohort.sizes[0]), float(loss[0]), int(steps_of(told, cohort.sizes)[0]), kept, sent)


def _held(memory: ArrayLike | None, widths: tuple[int, ...]) -> list[Array]:
    """Return the memory as rows of `widths`; one of another width belongs to another model and is forgotten."""
    if not any(widths):
        return [np.zeros((1, 0), np.float32) for _ in widths]
    row = np.zeros(sum(widths), np.float32)
    if memory is not None and np.shape(memory) == row.shape:
        row[:] = memory
    return np.split(row[None], np.cumsum(widths)[:-1], axis=1)


def _cohort(x: ArrayLike, y: ArrayLike, spec: LocalSpec) -> Cohort:
    inputs, labels = np.ascontiguousarray(x, np.float32), np.asarray(y)
    wide, classes = inputs_of(spec.model), classes_of(spec.model)
    if inputs.ndim != 2 or inputs.shape[1] != wide or labels.shape != inputs.shape[:1]:
        raise BadInput(
            "{data}: {model} needs inputs (n, {width}) and labels (n,), not {x} and {y}",
            data=spec.data, model=spec.model, width=wide, x=inputs.shape, y=labels.shape,
        )  # fmt: skip
    if not (np.isfinite(inputs).all() and np.isfinite(labels).all()):
        raise BadInput("{data}: the examples hold values that are not finite numbers", data=spec.data)
    whole = labels.astype(np.int64)
    if (whole != labels).any() or (whole < 0).any() or (whole >= classes).any():
        raise BadInput("{data}: labels must be whole numbers from 0 to {top}", data=spec.data, top=classes - 1)
    count = len(whole)
    return Cohort(with_ones(inputs), whole, np.arange(count), np.zeros(1, np.int64), np.array([count]), np.array([spec.client]))
