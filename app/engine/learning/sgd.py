"""Mini-batch gradient descent of many clients at once: axis 0 is the client, every array is float32.

One client on its own node runs this very program with one row, so both give equal bits on one machine with one
linear-algebra library: every product of matrices has the same shape for a client however many stand beside it (short
batches are padded to the full width with examples of weight zero), and no sum runs across clients. Gradients are those
of softmax with cross-entropy (Goodfellow, Bengio, Courville, "Deep Learning", 2016, section 6.5).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.learning.draws import orders
from app.engine.learning.mlp import Array, Params, depth_of
from app.engine.learning.records import LocalSpec

_TINY = np.float32(np.finfo(np.float32).tiny)
_ZERO, _ONE = np.float32(0), np.float32(1)


@dataclass(frozen=True)
class Cohort:
    """The data of some clients: examples of all, and which of them belong to whom.

    `x` float32 (n, in); `y` int64 (n,); `rows` int64 (total,) indexes both; client i owns
    rows[starts[i] : starts[i] + sizes[i]]; `clients` are their places in the run's fixed order.
    """

    x: Array
    y: NDArray[np.int64]
    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    clients: NDArray[np.int64]


@dataclass(frozen=True)
class Stack:
    """The parameters of many clients: per layer, weights (clients, in, out) and biases (clients, 1, out)."""

    weights: list[Array]
    biases: list[Array]

    @classmethod
    def of(cls, params: Params, clients: int) -> "Stack":
        """Return `clients` copies of one client's parameters."""
        levels = range(1, depth_of(params) + 1)
        return cls(
            [np.repeat(params[f"w{level}"][None], clients, axis=0) for level in levels],
            [np.repeat(params[f"b{level}"][None, None], clients, axis=0) for level in levels],
        )

    def first(self, clients: int) -> "Stack":
        """Return a view of the first `clients`."""
        return Stack([w[:clients] for w in self.weights], [b[:clients] for b in self.biases])

    def rows(self) -> Array:
        """Return every client's parameters as one row in layout order, float32 (clients, params)."""
        count = len(self.weights[0])
        both = zip(self.weights, self.biases, strict=True)
        return np.concatenate([part.reshape(count, -1) for pair in both for part in pair], axis=1)


def descend(stack: Stack, cohort: Cohort, spec: LocalSpec) -> NDArray[np.float64]:
    """Train the stacked parameters in place and return each client's mean loss in its last epoch, float64 (clients,).

    Clients stand in order of falling size. `spec.batch` 0 asks for full batches, which only clients of one size can
    take together.
    """
    width = spec.batch or int(cohort.sizes.max(initial=1))
    steps = -(-cohort.sizes // width)
    rate = np.float32(spec.learning_rate)
    losses = np.zeros(len(cohort.sizes))
    for epoch in range(spec.epochs):
        order = orders(spec.seed, spec.round, cohort.clients, epoch, cohort.sizes)
        for step in range(int(steps.max(initial=0))):
            active = int(np.searchsorted(-steps, -step))
            x, y, share = _batch(cohort, order, active, step * width, width)
            told = _step(stack.first(active), x, y, share, rate)
            if epoch == spec.epochs - 1:
                losses[:active] += told
    return np.asarray(losses / np.maximum(cohort.sizes, 1))


def _batch(
    cohort: Cohort, order: NDArray[np.int64], active: int, at: int, width: int
) -> tuple[Array, NDArray[np.int64], Array]:
    """Return inputs (active, width, in), labels (active, width) and the weight of each example, padding 0."""
    place = order[:active, at : at + width]
    if place.shape[1] < width:
        place = np.pad(place, ((0, 0), (0, width - place.shape[1])), constant_values=np.iinfo(np.int64).max)
    sizes = cohort.sizes[:active, None]
    real = place < sizes
    rows = cohort.rows[cohort.starts[:active, None] + np.where(real, place, 0)]
    share = real / real.sum(axis=1, keepdims=True).astype(np.float32)
    return cohort.x[rows], cohort.y[rows], share.astype(np.float32, copy=False)


def _step(stack: Stack, x: Array, y: NDArray[np.int64], share: Array, rate: np.float32) -> NDArray[np.float64]:
    """Take one step in place and return the summed loss of each client's batch before it."""
    weights, biases = stack.weights, stack.biases
    seen = [x]
    for number, (w, b) in enumerate(zip(weights, biases, strict=True), 1):
        z = seen[-1] @ w
        z += b
        if number < len(weights):
            np.maximum(z, _ZERO, out=z)
        seen.append(z)
    delta = _softmax(seen.pop())
    flat = delta.reshape(-1, delta.shape[2])
    picked = np.arange(len(flat)), y.ravel()
    likely = flat[picked].reshape(y.shape)
    flat[picked] -= _ONE
    delta *= share[:, :, None]
    for level in range(len(weights) - 1, -1, -1):
        below = seen[level]
        grad_w = below.swapaxes(1, 2) @ delta
        grad_b = delta.sum(axis=1, keepdims=True)
        if level:
            delta = delta @ weights[level].swapaxes(1, 2)
            delta *= below > _ZERO
        grad_w *= rate
        grad_b *= rate
        weights[level] -= grad_w
        biases[level] -= grad_b
    told = -np.log(np.maximum(likely, _TINY)) * (share > _ZERO)
    return np.asarray(told.sum(axis=1, dtype=np.float64))


def _softmax(z: Array) -> Array:
    """Return the softmax over the last axis, in place."""
    z -= z.max(axis=2, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=2, keepdims=True)
    return z
