"""The networks that learning trains: their names, layout, initial values, forward pass, loss and accuracy.

mlp-64-32-10 is a perceptron: 64 inputs, 32 hidden units, 10 classes; with no hidden layer it is logistic regression.
conv-8x8x1-8-10 has a convolution in front (see `front`): images of 8 × 8 in one channel, 8 filters, 10 classes.

Parameters are a mapping of float32 arrays: w1 (in, out), b1 (out,), w2, b2 and so on; hidden layers are rectified (ReLU), the
last feeds a softmax. Initial weights follow He et al., "Delving deep into rectifiers", 2015, eq. 10: normal with variance
2 / fan-in; biases are zero.
"""

import itertools
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.learning.draws import Purpose, generator
from app.engine.learning.front import Front
from app.wire.limits import TENSOR_BYTES

Array = NDArray[np.float32]
Params = Mapping[str, NDArray[np.float32]]

DIGITS_MODEL = "mlp-64-32-10"
KINDS: Final = ("mlp", "logistic", "conv")
MOST_COUNT: Final = (TENSOR_BYTES - (1 << 20)) // 4  # a message's header may take a MiB
_MLP = re.compile(r"mlp(-[1-9][0-9]{0,4}){2,9}")
_CONV = re.compile(r"conv-([1-9][0-9]{0,2})x([1-9][0-9]{0,2})x([1-9])(-[1-9][0-9]{0,4}){2,8}")
_TINY = np.float32(np.finfo(np.float32).tiny)
_ROWS_AT_ONCE = 256  # of a convolution, whose patches take room
_HIDDEN, _FILTERS = 32, 8


def named(kind: str, shape: tuple[int, int, int], classes: int) -> str:
    """Return the model that `kind` of `KINDS` stands for, for inputs of (height, width, channels); other names as they are.

    Raises `BadInput` for a convolution over inputs that are no images.
    """
    height, width, channels = shape
    inputs = height * width * channels
    if kind == "logistic":
        return f"mlp-{inputs}-{classes}"
    if kind == "mlp":
        return f"mlp-{inputs}-{_HIDDEN}-{classes}"
    if kind != "conv":
        return kind
    if min(height, width) < Front.LEAST:
        raise BadInput("A convolution needs images; these examples are rows of {count} numbers", count=inputs, field="model")
    return f"conv-{height}x{width}x{channels}-{_FILTERS}-{classes}"


@lru_cache
def front_of(model: str) -> Front | None:
    """Return the convolution in front of `model`, or None for a perceptron; raise `BadInput` on no model."""
    found = _CONV.fullmatch(model)
    if found:
        height, width, channels = (int(found[at]) for at in (1, 2, 3))
        front = Front(height, width, channels, int(model.split("-")[2]))
        if min(height, width) >= Front.LEAST:
            return front
    elif _MLP.fullmatch(model):
        return None
    raise BadInput(
        "{model} is no model that can be trained here",
        field="model", model=model, hint="Name mlp, logistic or conv, or the layers, like mlp-64-32-10 or conv-8x8x1-8-10.",
    )  # fmt: skip


def inputs_of(model: str) -> int:
    """Return how many numbers one example has."""
    front = front_of(model)
    return int(model.split("-")[1]) if front is None else front.inputs


def classes_of(model: str) -> int:
    """Return how many classes `model` tells apart."""
    front_of(model)
    return int(model.rsplit("-", 1)[1])


@lru_cache
def pairs_of(model: str) -> tuple[tuple[int, int], ...]:
    """Return (fan-in, fan-out) of every layer; that of a convolution is one filter's patch and the filters."""
    front = front_of(model)
    if front is None:
        return tuple(itertools.pairwise(int(size) for size in model.split("-")[1:]))
    dense = [front.outputs, *(int(size) for size in model.split("-")[3:])]
    return ((front.patch, front.filters), *itertools.pairwise(dense))


@lru_cache
def shapes_of(model: str) -> Mapping[str, tuple[int, ...]]:
    """Return the shape of every parameter of `model`, in the order in which they are laid out flat."""
    shapes: dict[str, tuple[int, ...]] = {}
    for number, (fan_in, fan_out) in enumerate(pairs_of(model), 1):
        shapes[f"w{number}"], shapes[f"b{number}"] = (fan_in, fan_out), (fan_out,)
    return MappingProxyType(shapes)


def count_of(model: str) -> int:
    """Return how many parameters `model` has."""
    return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairs_of(model))


def check_size(model: str, copies: int = 1) -> None:
    """Raise `BadInput` when `copies` of the parameters of `model` are more than one message to a node may hold."""
    count, most = count_of(model), MOST_COUNT // copies
    if count > most:
        raise BadInput(
            "{model} has {count} parameters; {most} are the most", model=model, count=count, most=most, field="model"
        )


def flops_of(model: str) -> int:
    """Return the multiply-adds, times two, of one example's forward pass."""
    front = front_of(model)
    places = [1 if front is None else 4 * front.pooled, *([1] * 9)]
    return sum(2 * at * fan_in * fan_out for at, (fan_in, fan_out) in zip(places, pairs_of(model), strict=False))


def head_of(model: str) -> int:
    """Return how many parameters, at the end of a flat row, make the last layer."""
    fan_in, fan_out = pairs_of(model)[-1]
    return (fan_in + 1) * fan_out


def initial(model: str, seed: int) -> dict[str, Array]:
    """Return starting parameters of `model`; equal seeds give equal bits."""
    rng = generator(seed, Purpose.INIT)
    return {
        name: (rng.standard_normal(shape) * np.sqrt(2 / shape[0])).astype(np.float32)
        if len(shape) == 2
        else np.zeros(shape, np.float32)
        for name, shape in shapes_of(model).items()
    }


def check(model: str, params: Params, *, values: bool = True) -> dict[str, Array]:
    """Return `params` as contiguous float32 in layout order; raise `BadInput` on a wrong name, shape or, if asked, value."""
    shapes = shapes_of(model)
    if set(params) != set(shapes):
        raise BadInput(
            "{model} has the parameters {expected}, not {given}",
            model=model, expected=", ".join(shapes), given=", ".join(sorted(params)),
        )  # fmt: skip
    checked: dict[str, Array] = {}
    for name, shape in shapes.items():
        array = np.ascontiguousarray(params[name], np.float32)
        if array.shape != shape:
            raise BadInput(
                "{name} of {model} has the shape {given}, not {expected}",
                name=name, model=model, given=array.shape, expected=shape,
            )  # fmt: skip
        if values and not np.isfinite(array).all():
            raise BadInput("{name} holds values that are not finite numbers", name=name)
        checked[name] = array
    return checked


def flatten(params: Params, model: str) -> Array:
    """Return all parameters as one float32 row (params,), in layout order."""
    return np.concatenate([np.asarray(params[name], np.float32).ravel() for name in shapes_of(model)])


def unflatten(flat: NDArray[np.floating], model: str) -> dict[str, Array]:
    """Return the parameters in a flat row, the inverse of `flatten`: of one in float32 they are views."""
    params: dict[str, Array] = {}
    at = 0
    for name, shape in shapes_of(model).items():
        size = int(np.prod(shape))
        params[name] = flat[at : at + size].reshape(shape).astype(np.float32, copy=False)
        at += size
    return params


def length_of(row: Array) -> float:
    """Return the Euclidean length of a row, summed in float64; without the threads that a product of vectors would start."""
    return float(np.sqrt(np.einsum("i,i->", row, row, dtype=np.float64)))


def lengths_of(rows: Array) -> NDArray[np.float64]:
    """Return the Euclidean lengths (n,) of rows (n, params), each as `length_of` sums it."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64)))


def depth_of(params: Params) -> int:
    """Return the number of layers with weights."""
    return len(params) // 2


def forward(model: str, params: Params, x: Array) -> Array:
    """Return class probabilities, float32 (n, classes), for inputs (n, in)."""
    front = front_of(model)
    if front is None:
        return _dense(params, x, 1)
    blocks = [x[at : at + _ROWS_AT_ONCE] for at in range(0, len(x), _ROWS_AT_ONCE)] or [x]
    return np.concatenate([_dense(params, front.seen(some, params["w1"], params["b1"]), 2) for some in blocks])


def _dense(params: Params, x: Array, first: int) -> Array:
    last = depth_of(params)
    for number in range(first, last + 1):
        x = x @ params[f"w{number}"]
        x += params[f"b{number}"]
        if number < last:
            np.maximum(x, np.float32(0), out=x)
    x = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(x / x.sum(axis=1, keepdims=True), np.float32)


def loss(model: str, params: Params, x: Array, y: NDArray[np.integer]) -> float:
    """Return the mean cross-entropy (nats) of labels `y` (n,)."""
    return evaluate(model, params, x, y)[1]


def accuracy(model: str, params: Params, x: Array, y: NDArray[np.integer]) -> float:
    """Return the ratio of inputs whose most likely class is their label."""
    return evaluate(model, params, x, y)[0]


def evaluate(model: str, params: Params, x: Array, y: NDArray[np.integer]) -> tuple[float, float]:
    """Return (accuracy, loss) from one forward pass; the loss of a model whose numbers run over is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        likely = forward(model, params, x)
    mean = -np.log(np.maximum(likely[np.arange(len(y)), y], _TINY)).mean(dtype=np.float64)
    return float((likely.argmax(axis=1) == y).mean()), float(mean)
