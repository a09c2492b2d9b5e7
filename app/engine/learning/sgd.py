"""Mini-batch gradient descent of many clients at once: axis 0 is the client, every array is float32.

One client on its own node runs this very program with one row, so both give equal bits on one machine with one
linear-algebra library: every product of matrices has the same shape for a client however many stand beside it (short
batches are padded to the full width with examples of weight zero), and no sum runs across clients. Gradients are those
of softmax with cross-entropy (Goodfellow, Bengio, Courville, "Deep Learning", 2016, section 6.5).

A client's parameters are one row, layer after layer, weights (in, out) then biases (out,): so that a layer is one
matrix (in + 1, out) of which the last row meets an input that is always 1, and bias gradients come out of the product.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.learning.draws import orders
from app.engine.learning.front import FrontBench
from app.engine.learning.nets import Array, classes_of, front_of, pairs_of
from app.engine.learning.records import LocalSpec

_TINY = np.float32(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Cohort:
    """The data of some clients: examples of all, and which of them belong to whom.

    `x` float32 (n, in + 1), last column 1; `y` int64 (n,); `rows` int64 (total,) indexes both; client i owns
    rows[starts[i] : starts[i] + sizes[i]]; `clients` are their places in the run's fixed order.
    """

    x: Array
    y: NDArray[np.int64]
    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    clients: NDArray[np.int64]


@dataclass(frozen=True)
class Pull:
    """What bends every step besides the data; all of it in float32.

    The gradient of `strength` / 2 ||theta - anchor||^2 is added (`anchor` (params,)), then `drift` (clients, params). Without
    an anchor, the parameters in `frozen` stay as they are.
    """

    anchor: Array | None = None
    strength: float = 0.0
    drift: Array | None = None
    frozen: slice | None = None


PLAIN = Pull()


def with_ones(x: Array) -> Array:
    """Return inputs (n, in) with a column of ones beside them."""
    return np.concatenate([x, np.ones((len(x), 1), np.float32)], axis=1)


class Bench:
    """Working memory for `model` of up to `clients` clients and batches of `width`; used again from chunk to chunk."""

    def __init__(self, model: str, clients: int, width: int) -> None:
        self.pairs, self.clients, self.width = pairs_of(model), clients, width
        self.count = sum((fan_in + 1) * fan_out for fan_in, fan_out in self.pairs)
        front = front_of(model)
        self.front = None if front is None else FrontBench(front, clients, width)
        self.first = 0 if front is None else 1  # the first layer that is dense
        self.theta = np.empty((clients, self.count), np.float32)
        self.grad = np.empty((clients, self.count), np.float32)
        self.spare = np.empty((0, self.count), np.float32)  # made when a pull needs it
        dense = [(1 if level < self.first else fan_in + 1) for level, (fan_in, _) in enumerate(self.pairs)]
        self.seen = [np.ones((clients, width, size), np.float32) for size in dense]
        self.zeros = [np.zeros_like(seen) for seen in self.seen]  # an array: numpy is slow at max(array, 0)
        self.alive = [np.empty(seen.shape, np.bool_) for seen in self.seen]
        self.delta = [np.empty_like(seen) for seen in self.seen]
        self.out = np.empty((clients, width, classes_of(model)), np.float32)

    @property
    def inputs(self) -> Array:
        """Return where a batch is put, (clients, width, in + 1)."""
        return self.seen[0] if self.front is None else self.front.raw

    def layers(self, matrix: Array) -> list[Array]:
        """Return views (clients, in + 1, out) of the rows of `matrix`, one per layer."""
        views, at = [], 0
        for fan_in, fan_out in self.pairs:
            views.append(matrix[:, at : at + (fan_in + 1) * fan_out].reshape(len(matrix), fan_in + 1, fan_out))
            at += (fan_in + 1) * fan_out
        return views


def descend(
    bench: Bench, cohort: Cohort, order: list[NDArray[np.int64]], spec: LocalSpec, pull: Pull = PLAIN
) -> NDArray[np.float64]:
    """Train the first rows of `bench.theta` in place, an epoch per entry of `order`; return mean losses in the last one.

    Clients stand in order of falling size; `order` is as `draws.orders` gives it. Full batches
    (`spec.batch` 0) can be taken together by clients of one size only.
    """
    steps = -(-cohort.sizes // bench.width)
    losses = np.zeros(len(cohort.sizes))
    for epoch, places in enumerate(order):
        for step in range(int(steps.max(initial=0))):
            active = int(np.searchsorted(-steps, -step))
            labels, real = _load(bench, cohort, places[:active], step * bench.width)
            _forward(bench, active)
            told = _softmax_delta(bench, active, labels, real, np.float32(spec.learning_rate))
            if epoch == len(order) - 1:
                losses[:active] += told
            _backward(bench, active)
            _step(bench, active, pull, np.float32(spec.learning_rate))
    return np.asarray(losses / np.maximum(cohort.sizes, 1))


def all_orders(cohort: Cohort, spec: LocalSpec) -> list[NDArray[np.int64]]:
    """Return the order of every client's examples in every epoch of this round."""
    return [orders(spec.seed, spec.round, cohort.clients, epoch, cohort.sizes) for epoch in range(spec.epochs)]


def _load(bench: Bench, cohort: Cohort, order: NDArray[np.int64], at: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Gather the batch at position `at` of each client; return labels and which examples are real, (active, width)."""
    active = len(order)
    place = order[:, at : at + bench.width]
    if place.shape[1] < bench.width:
        place = np.pad(place, ((0, 0), (0, bench.width - place.shape[1])), constant_values=np.iinfo(np.int64).max)
    real = place < cohort.sizes[:active, None]
    rows = cohort.rows[cohort.starts[:active, None] + np.where(real, place, 0)]
    np.take(cohort.x, rows, axis=0, out=bench.inputs[:active], mode="clip")
    return cohort.y[rows], real


def _forward(bench: Bench, active: int) -> None:
    """Fill the inputs of every layer, and the last one's outputs."""
    layers = bench.layers(bench.theta[:active])
    if bench.front is not None:
        bench.front.forward(layers[0], bench.seen[1][:active], active)
    for level in range(bench.first, len(layers) - 1):
        above = bench.seen[level + 1][:active]
        np.matmul(bench.seen[level][:active], layers[level], out=above[:, :, :-1])
        np.maximum(above, bench.zeros[level + 1][:active], out=above)
    np.matmul(bench.seen[-1][:active], layers[-1], out=bench.out[:active])


def _softmax_delta(
    bench: Bench, active: int, labels: NDArray[np.int64], real: NDArray[np.bool_], rate: np.float32
) -> NDArray[np.float64]:
    """Turn outputs into the gradient of each client's mean loss times `rate`; return each batch's summed loss.

    Classes are walked one by one: an order of summation that is fixed, and faster than reducing a short axis.
    """
    z = bench.out[:active].reshape(-1, bench.out.shape[2])
    top = z[:, 0].copy()
    for column in z.T[1:]:
        np.maximum(top, column, out=top)
    z -= top[:, None]
    np.exp(z, out=z)
    total = z[:, 0].copy()
    for column in z.T[1:]:
        total += column
    at = np.arange(len(z)) * z.shape[1] + labels.ravel()
    flat = z.reshape(-1)
    likely = flat[at] / total
    share = (real * (rate / real.sum(axis=1, keepdims=True, dtype=np.float32))).ravel()
    z *= (share / total)[:, None]
    flat[at] -= share
    told = -np.log(np.maximum(likely, _TINY)).reshape(real.shape)
    return np.asarray((told * real).sum(axis=1, dtype=np.float64))


def _backward(bench: Bench, active: int) -> None:
    """Carry the gradient down through the layers."""
    layers, grads = bench.layers(bench.theta[:active]), bench.layers(bench.grad[:active])
    delta = bench.out[:active]
    for level in range(len(layers) - 1, bench.first - 1, -1):
        np.matmul(bench.seen[level][:active].swapaxes(1, 2), delta, out=grads[level])
        if level > bench.first:
            below = np.matmul(delta, layers[level].swapaxes(1, 2), out=bench.delta[level][:active])
            below *= np.greater(bench.seen[level][:active], 0, out=bench.alive[level][:active])
            delta = below[:, :, :-1]
    if bench.front is not None:
        below = np.matmul(delta, layers[1].swapaxes(1, 2), out=bench.delta[1][:active])
        bench.front.backward(below, grads[0], active)


def _step(bench: Bench, active: int, pull: Pull, rate: np.float32) -> None:
    """Take the step against the gradient, bent by `pull`; gradients in `bench` carry the rate already."""
    theta, grad = bench.theta[:active], bench.grad[:active]
    if pull.drift is not None:
        if not len(bench.spare):
            bench.spare = np.empty_like(bench.theta)
        grad += np.multiply(pull.drift[:active], rate, out=bench.spare[:active])
    if pull.frozen is not None:
        grad[:, pull.frozen] = 0
    if pull.anchor is not None and pull.strength:
        # theta - grad - c (theta - anchor), in fewer passes over the memory.
        share = rate * np.float32(pull.strength)
        theta *= np.float32(1) - share
        theta += share * pull.anchor
    theta -= grad
