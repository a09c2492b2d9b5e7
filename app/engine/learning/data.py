"""The digits that ship with Outpost: 1,797 images of 8 × 8, split once and for all into 1,437 to train and 360 to test.

Origin, licence and the script that made the file stand beside it in `resources/data`.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput, Missing
from app.engine.learning.nets import Array
from app.engine.learning.partition import ALPHA, part
from app.wire import tensors

DIGITS = Path(__file__).resolve().parents[3] / "resources" / "data" / "digits.npz"
CLASSES = 10
_TOP = np.float32(16)


@dataclass(frozen=True)
class Split:
    """Examples to train and to test with: inputs float32 (n, in), 0 to 1; labels int64 (n,), from 0.

    `shape` is (height, width, channels) of an image, which is laid out channel after channel; (numbers, 1, 1) of other rows.
    """

    train_x: Array
    train_y: NDArray[np.int64]
    test_x: Array
    test_y: NDArray[np.int64]
    shape: tuple[int, int, int] = (8, 8, 1)
    classes: int = CLASSES


def load_digits(path: Path = DIGITS) -> Split:
    """Return the digits in `path`; raise `Missing` without the file, `BadInput` when it is malformed."""
    names = ("train_x", "train_y", "test_x", "test_y")
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            train_x, train_y, test_x, test_y = (np.asarray(file[name]) for name in names)
    except FileNotFoundError:
        raise Missing("The data file {file} is missing", file=path, hint="Install Outpost again.") from None
    except (ValueError, TypeError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise BadInput("{file}: not a file of digits: {reason}", file=path, reason=str(error)) from None
    return Split(
        _inputs(train_x, path), _labels(train_y, len(train_x), path), _inputs(test_x, path), _labels(test_y, len(test_x), path)
    )


def _inputs(x: NDArray[np.generic], path: Path) -> Array:
    if x.dtype != np.uint8 or x.ndim != 2 or x.max(initial=np.uint8(0)) > _TOP:
        raise BadInput("{file}: images must be rows of whole numbers from 0 to 16", file=path)
    return x.astype(np.float32) / _TOP


def _labels(y: NDArray[np.generic], count: int, path: Path) -> NDArray[np.int64]:
    if y.dtype != np.uint8 or y.shape != (count,) or y.max(initial=np.uint8(0)) >= CLASSES:
        raise BadInput("{file}: every image needs a label from 0 to 9", file=path)
    return y.astype(np.int64)


def shards(count: int, seed: int) -> list[bytes]:
    """Return, for each of `count` nodes, the file of its own data: a skewed part of the digits to train with."""
    split = load_digits()
    parts = part("dirichlet", split.train_y, count, seed, ALPHA)
    meta = {"name": "digits", "licence": "CC BY 4.0", "source": "https://doi.org/10.24432/C50P49"}
    return [tensors.pack({"x": split.train_x[own], "y": split.train_y[own]}, meta) for own in parts]
