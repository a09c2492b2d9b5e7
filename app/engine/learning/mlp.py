"""The multilayer perceptron that learning trains: its layout, initial values, forward pass, loss and accuracy.

Parameters are a mapping of float32 arrays: w1 (in, hidden), b1 (hidden,), w2, b2 and so on; hidden layers are
rectified (ReLU), the last feeds a softmax. Initial weights follow He et al., "Delving deep into rectifiers", 2015,
eq. 10: normal with variance 2 / fan-in; biases are zero.
"""

import itertools
import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.learning.draws import Purpose, generator

Array = NDArray[np.float32]
Params = Mapping[str, NDArray[np.float32]]

DIGITS_MODEL = "mlp-64-32-10"
_NAME = re.compile(r"mlp(-[1-9][0-9]{0,4}){2,9}")
_TINY = np.float32(np.finfo(np.float32).tiny)


def sizes_of(model: str) -> tuple[int, ...]:
    """Return the layer sizes in a model's name: mlp-64-32-10 is 64 inputs, 32 hidden units, 10 classes."""
    if not _NAME.fullmatch(model):
        raise BadInput(
            "{model} is no model that can be trained here",
            field="model", model=model, hint="Name the layer sizes, like mlp-64-32-10.",
        )  # fmt: skip
    return tuple(int(size) for size in model.split("-")[1:])


def shapes_of(model: str) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter of `model`, in the order in which they are laid out flat."""
    sizes = sizes_of(model)
    shapes: dict[str, tuple[int, ...]] = {}
    for number, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes), 1):
        shapes[f"w{number}"], shapes[f"b{number}"] = (fan_in, fan_out), (fan_out,)
    return shapes


def head_of(model: str) -> int:
    """Return how many parameters, at the end of a flat row, make the last layer."""
    *_, fan_in, fan_out = sizes_of(model)
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


def check(model: str, params: Params) -> dict[str, Array]:
    """Return `params` as contiguous float32 in layout order; raise `BadInput` on a wrong name, shape or value."""
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
        if not np.isfinite(array).all():
            raise BadInput("{name} holds values that are not finite numbers", name=name)
        checked[name] = array
    return checked


def flatten(params: Params, model: str) -> Array:
    """Return all parameters as one float32 row (params,), in layout order."""
    return np.concatenate([np.asarray(params[name], np.float32).ravel() for name in shapes_of(model)])


def unflatten(flat: NDArray[np.floating], model: str) -> dict[str, Array]:
    """Return the parameters in a flat row; the inverse of `flatten`."""
    params: dict[str, Array] = {}
    at = 0
    for name, shape in shapes_of(model).items():
        size = int(np.prod(shape))
        params[name] = flat[at : at + size].reshape(shape).astype(np.float32)
        at += size
    return params


def depth_of(params: Params) -> int:
    """Return the number of layers with weights."""
    return len(params) // 2


def forward(params: Params, x: Array) -> Array:
    """Return class probabilities, float32 (n, classes), for inputs (n, in)."""
    last = depth_of(params)
    for number in range(1, last + 1):
        x = x @ params[f"w{number}"] + params[f"b{number}"]
        if number < last:
            x = np.maximum(x, np.float32(0))
    x = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(x / x.sum(axis=1, keepdims=True), np.float32)


def loss(params: Params, x: Array, y: NDArray[np.integer]) -> float:
    """Return the mean cross-entropy (nats) of labels `y` (n,)."""
    likely = forward(params, x)[np.arange(len(y)), y]
    return float(-np.log(np.maximum(likely, _TINY)).mean(dtype=np.float64))


def accuracy(params: Params, x: Array, y: NDArray[np.integer]) -> float:
    """Return the ratio of inputs whose most likely class is their label."""
    return float((forward(params, x).argmax(axis=1) == y).mean())


def evaluate(params: Params, x: Array, y: NDArray[np.integer]) -> tuple[float, float]:
    """Return (accuracy, loss) from one forward pass."""
    likely = forward(params, x)
    mean = -np.log(np.maximum(likely[np.arange(len(y)), y], _TINY)).mean(dtype=np.float64)
    return float((likely.argmax(axis=1) == y).mean()), float(mean)
