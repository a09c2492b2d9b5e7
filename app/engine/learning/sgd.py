"""Mini-batch gradient descent of many clients at once: axis 0 is the client, every array is float32.

One client on its own node runs this very program with one row, so both give equal bits on one machine with one
linear-algebra library: every product of matrices has the same shape for a client however many stand beside it (short
batches are padded to the full width with examples of weight zero), and no sum runs across clients. Gradients are those
of softmax with cross-entropy (Goodfellow, Bengio, Courville, "Deep Learning", 2016, section 6.5).

A client's parameters are one row, layer after layer, weights (in, out) then biases (out,): so that a layer is one
matrix (in + 1, out) of which the last row meets an input that is always 1, and bias gradients come out of the product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.engine.learning.draws import in_place, orders
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

    The gradient of `strength` / 2 ||theta - anchor||^2 is added (`anchor` (params,)). `drift` (clients, params), which carries
    the learning rate already, is taken off at each step. Without an anchor, the parameters in `frozen` stay as they are.
    """

    anchor: Array | None = None
    strength: float = 0.0
    drift: Array | None = None
    frozen: slice | None = None


PLAIN = Pull()


@dataclass(frozen=True)
class Track:
    """One model of each client: `theta` (clients, params) is trained in place, as `pull` bends it.

    With a `start` (params,) all begin there, whatever `theta` holds; the first step writes it.
    """

    theta: Array
    start: Array | None = None
    pull: Pull = PLAIN


@dataclass(frozen=True)
class Batch:
    """Examples that lie in `Bench.inputs`: of the first `active` clients, (active, width) of them.

    `at` is where the outputs for their labels stand, class by class; `share` what each weighs in its client's mean gradient,
    times the learning rate; both (active · width,). `real` (active, width) tells which are no padding; None when all are real.
    """

    active: int
    at: NDArray[np.int64]
    share: Array
    real: NDArray[np.bool_] | None


def with_ones(x: Array) -> Array:
    """Return inputs (n, in) with a column of ones beside them."""
    return np.concatenate([x, np.ones((len(x), 1), np.float32)], axis=1)


class Bench:
    """Working memory for `model` of up to `clients` clients and batches of `width`; used again from chunk to chunk."""

    def __init__(self, model: str, clients: int, width: int) -> None:
        self.model, self.clients, self.width = model, clients, width
        self.pairs = pairs_of(model)
        self.count = sum((fan_in + 1) * fan_out for fan_in, fan_out in self.pairs)
        front = front_of(model)
        self.front = None if front is None else FrontBench(front, clients, width)
        self.first = 0 if front is None else 1  # the first layer that is dense
        self.grad = np.empty((clients, self.count), np.float32)
        dense = [(1 if level < self.first else fan_in + 1) for level, (fan_in, _) in enumerate(self.pairs)]
        self.seen = [np.ones((clients, width, size), np.float32) for size in dense]
        self.zeros = [np.zeros(width * size, np.float32) for size in dense]  # arrays: numpy is slow at max(array, 0)
        self.alive = [np.empty(seen.shape, np.int32) for seen in self.seen]
        self.delta = [np.empty_like(seen) for seen in self.seen]
        self.out = np.empty((clients, width, classes_of(model)), np.float32)
        self.turned = np.empty(self.out.size, np.float32)  # outputs class by class

    @cached_property
    def theta(self) -> Array:
        """Return room for one model of each client, (clients, params)."""
        return np.empty_like(self.grad)

    @cached_property
    def spare(self) -> Array:
        """Return room for what bends each client's steps, (clients, params)."""
        return np.empty_like(self.grad)

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
    bench: Bench, cohort: Cohort, order: list[NDArray[np.int64]], spec: LocalSpec, tracks: Sequence[Track]
) -> NDArray[np.float64]:
    """Train `tracks` side by side on the same batches, an epoch per entry of `order`; return the first's last mean losses.

    Clients stand in order of falling size; `order` is as `all_orders` gives it, so that where every client's examples fit one
    batch it is the same in all epochs, and loaded once. Full batches (`spec.batch` 0) can be taken together by clients of one
    size only.
    """
    steps = -(-cohort.sizes // bench.width)
    most, rate = int(steps.max(initial=0)), np.float32(spec.learning_rate)
    losses = np.zeros(len(cohort.sizes))
    for track in tracks:
        if track.start is not None:
            track.theta[int(np.searchsorted(-steps, 0)) :] = track.start
    batch: Batch | None = None
    for epoch, places in enumerate(order):
        for step in range(most):
            if batch is None or most > 1:
                active = int(np.searchsorted(-steps, -step))
                batch = _load(bench, cohort, places[:active], step * bench.width, rate)
            for track in tracks:
                tell = track is tracks[0] and epoch == len(order) - 1
                told = _walk(bench, batch, track, rate, first=epoch == step == 0, tell=tell)
                if told is not None:
                    losses[: batch.active] += told
    return np.asarray(losses / np.maximum(cohort.sizes, 1))


def all_orders(cohort: Cohort, spec: LocalSpec) -> list[NDArray[np.int64]]:
    """Return the order of every client's examples in every epoch of this round."""
    if not spec.batch or int(cohort.sizes.max(initial=0)) <= spec.batch:
        return [in_place(cohort.sizes)] * spec.epochs
    return [
        orders(spec.seed, spec.round, cohort.clients, epoch, cohort.sizes, batch=spec.batch) for epoch in range(spec.epochs)
    ]


def _load(bench: Bench, cohort: Cohort, order: NDArray[np.int64], start: int, rate: np.float32) -> Batch:
    """Gather the batch at position `start` of each client, of which every one has examples left."""
    active, width = len(order), bench.width
    left = np.minimum(cohort.sizes[:active] - start, width)
    place = order[:, start : start + width]
    if place.shape[1] < width:
        place = np.pad(place, ((0, 0), (0, width - place.shape[1])))
    real = None
    if int(left[-1]) < width:
        real = np.arange(width) < left[:, None]
        place = np.where(real, place, 0)
    rows = np.take(cohort.rows, place + cohort.starts[:active, None])
    np.take(cohort.x, rows, axis=0, out=bench.inputs[:active], mode="clip")
    share = np.repeat(rate / left.astype(np.float32), width)
    if real is not None:
        share *= real.reshape(-1)
    at = np.take(cohort.y, rows.reshape(-1)) * rows.size
    at += np.arange(rows.size)
    return Batch(active, at, share, real)


def _walk(
    bench: Bench, batch: Batch, track: Track, rate: np.float32, *, first: bool, tell: bool
) -> NDArray[np.float64] | None:  # fmt: skip
    """Take one step of a track; return each batch's summed loss when it is to `tell`."""
    fresh = track.start if first else None
    theta = track.theta[: batch.active] if fresh is None else fresh[None]
    layers = bench.layers(theta)
    _forward(bench, batch.active, layers)
    told = _softmax_delta(bench, batch, tell=tell)
    _backward(bench, batch.active, layers)
    _step(bench, batch.active, track, rate, fresh)
    return told


def _forward(bench: Bench, active: int, layers: list[Array]) -> None:
    """Fill the inputs of every layer, and the last one's outputs."""
    if bench.front is not None:
        bench.front.forward(layers[0], bench.seen[1][:active], active)
    for level in range(bench.first, len(layers) - 1):
        above = bench.seen[level + 1][:active]
        np.matmul(bench.seen[level][:active], layers[level], out=above[:, :, :-1])
        flat = above.reshape(active, -1)
        np.maximum(flat, bench.zeros[level + 1], out=flat)
    np.matmul(bench.seen[-1][:active], layers[-1], out=bench.out[:active])


def _softmax_delta(bench: Bench, batch: Batch, *, tell: bool) -> NDArray[np.float64] | None:
    """Turn outputs into the gradient of each client's mean loss times the rate; return each batch's summed loss or None.

    It is done class by class: an order of summation that is fixed, over rows that are long.
    """
    out = bench.out[: batch.active].reshape(-1, bench.out.shape[2])
    flat = bench.turned[: out.size]
    z = flat.reshape(out.shape[1], len(out))
    np.copyto(z, out.T)
    z -= np.maximum.reduce(z, axis=0)
    np.exp(z, out=z)
    total = z[0].copy()
    for row in z[1:]:
        total += row
    likely = np.take(flat, batch.at)
    told = _losses(likely / total, batch) if tell else None
    share = batch.share / total
    z *= share
    likely *= share
    likely -= batch.share
    flat[batch.at] = likely
    np.copyto(out, z.T)
    return told


def _losses(likely: Array, batch: Batch) -> NDArray[np.float64]:
    """Return each client's summed cross-entropy, given how likely its labels were held."""
    each = -np.log(np.maximum(likely, _TINY)).reshape(batch.active, -1)
    if batch.real is not None:
        each *= batch.real
    return np.asarray(each.sum(axis=1, dtype=np.float64))


def _backward(bench: Bench, active: int, layers: list[Array]) -> None:
    """Carry the gradient down through the layers."""
    grads = bench.layers(bench.grad[:active])
    delta = bench.out[:active]
    for level in range(len(layers) - 1, bench.first - 1, -1):
        seen = bench.seen[level][:active]
        np.matmul(seen.swapaxes(1, 2), delta, out=grads[level])
        if level > bench.first:
            below = np.matmul(delta, layers[level].swapaxes(1, 2), out=bench.delta[level][:active])
            # All bits set where a unit, which is never negative, is above zero: its slope; as a number, a multiplication.
            alive = np.negative(seen.view(np.int32), out=bench.alive[level][:active])
            np.right_shift(alive, 31, out=alive)
            bits = below.view(np.int32)
            np.bitwise_and(bits, alive, out=bits)
            delta = below[:, :, :-1]
    if bench.front is not None:
        below = np.matmul(delta, layers[1].swapaxes(1, 2), out=bench.delta[1][:active])
        bench.front.backward(below, grads[0], active)


def _step(bench: Bench, active: int, track: Track, rate: np.float32, fresh: Array | None) -> None:
    """Take the step against the gradient, bent by the track's pull; gradients in `bench` carry the rate already."""
    theta, grad, pull = track.theta[:active], bench.grad[:active], track.pull
    old = theta if fresh is None else fresh
    if pull.drift is not None:
        grad += pull.drift[:active]
    if pull.frozen is not None:
        grad[:, pull.frozen] = 0
    if pull.anchor is not None and pull.strength:
        # theta - grad - c (theta - anchor), in fewer passes over the memory.
        share = rate * np.float32(pull.strength)
        old = np.multiply(old, np.float32(1) - share, out=theta if fresh is None else None)
        old += share * pull.anchor
    np.subtract(old, grad, out=theta)
