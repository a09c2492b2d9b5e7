"""What hostile clients do in drills: some spoil their data, some what they send, knowing the updates of all. Simulations only.

ALIE ("a little is enough"): Baruch et al., 2019. IPM (inner-product manipulation): Xie et al., 2020. The backdoor, a patch of
pixels that stands for one class, with a boosted update: Bagdasaryan et al., 2020.
"""

import dataclasses
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine.learning.batched import Population
from app.engine.learning.draws import Purpose, generator
from app.engine.learning.nets import Array, Params, forward

NAMES: Final = ("none", "sign-flip", "gaussian", "label-flip", "alie", "ipm", "backdoor")
_FLIP, _ALIE, _IPM, _BOOST = np.float32(-4), np.float32(1.5), np.float32(-0.6), np.float32(3)
_PATCH: Final = 4  # inputs, at the end, that the backdoor sets to 1
BACKDOOR_CLASS: Final = 0


def poison(name: str, population: Population, hostile: int, classes: int) -> Population:
    """Return the population with the data of its first `hostile` clients spoilt; what others own stays as it is.

    label-flip: class c becomes the last one minus c. backdoor: half of the examples carry the patch and its class.
    """
    if name not in ("label-flip", "backdoor") or not hostile:
        return population
    x, y, parts = [population.x], [population.y], list(population.parts)
    at = len(population.y)
    for client in range(min(hostile, len(parts))):
        own_x, own_y = population.x[parts[client]].copy(), population.y[parts[client]].copy()
        if name == "label-flip":
            own_y = classes - 1 - own_y
        else:
            own_x[::2, -1 - _PATCH : -1] = 1
            own_y[::2] = BACKDOOR_CLASS
        x.append(own_x)
        y.append(own_y)
        parts[client] = np.arange(at, at + len(own_y))
        at += len(own_y)
    return dataclasses.replace(population, x=np.concatenate(x), y=np.concatenate(y), parts=tuple(parts))


def tamper(name: str, updates: Array, hostile: NDArray[np.bool_], seed: int = 0, round_number: int = 0) -> None:
    """Change the rows of `hostile` clients (clients,) of `updates` in place; sign-flip where nobody is honest."""
    if name in ("none", "label-flip") or not hostile.any():
        return
    honest = updates[~hostile]
    if name == "backdoor":
        updates[hostile] *= _BOOST
    elif name == "gaussian":
        rng = generator(seed, Purpose.ATTACK, round_number)
        size = np.linalg.norm(updates, axis=1).mean() / np.sqrt(updates.shape[1])
        updates[hostile] = rng.standard_normal(updates[hostile].shape, np.float32) * np.float32(4 * size)
    elif name == "sign-flip" or not len(honest):
        updates[hostile] *= _FLIP
    elif name == "alie":
        updates[hostile] = honest.mean(axis=0) - _ALIE * honest.std(axis=0)
    else:
        updates[hostile] = _IPM * honest.mean(axis=0)


def backdoor_ratio(model: str, params: Params, x: Array, y: NDArray[np.integer]) -> float:
    """Return the ratio of inputs (n, in) of other classes that the patch turns into the backdoor's class."""
    others = x[y != BACKDOOR_CLASS].copy()
    others[:, -_PATCH:] = 1
    return float((forward(model, params, others).argmax(axis=1) == BACKDOOR_CLASS).mean())
