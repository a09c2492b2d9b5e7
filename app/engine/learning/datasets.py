"""Data sets from files in their usual formats: MNIST, CIFAR-10, and tables as CSV; each read whole, with a part kept to test.

MNIST: IDX files, big-endian (LeCun, Cortes, Burges, "The MNIST database", file formats), plain or gzip. CIFAR-10: the binary
version, records of one label and 3,072 bytes (Krizhevsky, 2009). CSV: a header, one example a line, the class in the column
`label` or else the last; a fifth of the lines is kept to test with, and every column is scaled to 0..1 over the others.
"""

import csv
import gzip
import math
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput, Missing
from app.engine.learning.data import Split, load_digits
from app.engine.learning.draws import Purpose, generator
from app.engine.learning.nets import Array

DIGITS: Final = "digits"
_MOST_BYTES: Final = 1 << 30
_MNIST: Final[Mapping[str, tuple[str, ...]]] = {
    "train_x": ("train-images-idx3-ubyte", "train-images.idx3-ubyte"),
    "train_y": ("train-labels-idx1-ubyte", "train-labels.idx1-ubyte"),
    "test_x": ("t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"),
    "test_y": ("t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"),
}
_CIFAR_TEST: Final = "test_batch.bin"
_CIFAR_SHAPE: Final = (32, 32, 3)
_KEPT: Final = 5  # one line in so many is kept to test with
_IMAGES, _LABELS = 0x0803, 0x0801


def load(name: str) -> Split:
    """Return the data set `name`: digits, a folder with MNIST's or CIFAR-10's files, or a CSV file.

    Raises `Missing` when there is none, `BadInput` with file, place and reason when one cannot be read.
    """
    if name in ("", DIGITS):
        return load_digits()
    path = Path(name)
    if path.is_dir():
        if all(_found(path, names) for names in _MNIST.values()):
            return _mnist(path)
        if (path / _CIFAR_TEST).is_file():
            return _cifar(path)
        raise BadInput(
            "{folder} holds neither MNIST nor CIFAR-10", folder=path, field="dataset",
            hint="MNIST: train-images-idx3-ubyte and its three companions. CIFAR-10: data_batch_1.bin to 5, test_batch.bin.",
        )  # fmt: skip
    if not path.is_file():
        raise Missing("There is no data set {name}", name=name, field="dataset", hint="Name a folder, a CSV file, or digits.")
    return _table(path)


def _found(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((path for name in names for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _bytes(path: Path) -> bytes:
    if path.stat().st_size > _MOST_BYTES:
        raise BadInput("{file}: larger than 1 GiB", file=path)
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput("{file}: cannot be read: {reason}", file=path, reason=str(error)) from None


def _mnist(folder: Path) -> Split:
    told = {part: _idx(_need(folder, names), _IMAGES if part.endswith("x") else _LABELS) for part, names in _MNIST.items()}
    height, width = told["train_x"].shape[1:]
    if told["test_x"].shape[1:] != (height, width):
        raise BadInput("{folder}: images to train and to test with differ in size", folder=folder)
    for part in ("train", "test"):
        if not told[f"{part}_x"].size:
            raise BadInput("{folder}: no images to {part} with", folder=folder, part=part)
        if len(told[f"{part}_x"]) != len(told[f"{part}_y"]):
            raise BadInput(
                "{folder}: {images} images and {labels} labels to {part} with",
                folder=folder, images=len(told[f"{part}_x"]), labels=len(told[f"{part}_y"]), part=part,
            )  # fmt: skip
    labels = (told["train_y"].astype(np.int64), told["test_y"].astype(np.int64))
    rows = [_ratios(told[part].reshape(len(told[part]), -1)) for part in ("train_x", "test_x")]
    classes = max(10, int(max(part.max(initial=0) for part in labels)) + 1)
    return Split(rows[0], labels[0], rows[1], labels[1], (height, width, 1), classes)


def _need(folder: Path, names: tuple[str, ...]) -> Path:
    found = _found(folder, names)
    if found is None:
        raise Missing("There is no data set {name}", name=folder / names[0])
    return found


def _idx(path: Path, magic: int) -> NDArray[np.uint8]:
    """Return the array in an IDX file of unsigned bytes whose first four bytes are `magic`."""
    data = _bytes(path)
    dims = magic & 0xFF
    if len(data) < 4 + 4 * dims or int.from_bytes(data[:4], "big") != magic:
        raise BadInput("{file}, byte 0: not an IDX file of bytes in {dims} dimensions", file=path, dims=dims)
    shape = [int.from_bytes(data[4 + 4 * at : 8 + 4 * at], "big") for at in range(dims)]
    if len(data) - 4 - 4 * dims != math.prod(shape):
        raise BadInput(
            "{file}, byte {at}: {shape} says {expected} bytes follow, not {given}",
            file=path, at=4 + 4 * dims, shape=shape, expected=math.prod(shape), given=len(data) - 4 - 4 * dims,
        )  # fmt: skip
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dims).reshape(shape)


def _cifar(folder: Path) -> Split:
    batches = sorted(folder.glob("data_batch_*.bin"))
    if not batches:
        raise BadInput("{folder} holds no data_batch_1.bin", folder=folder, field="dataset")
    parts = [_records(path) for path in batches]
    train_x, train_y = (np.concatenate([part[at] for part in parts]) for at in (0, 1))
    test_x, test_y = _records(folder / _CIFAR_TEST)
    return Split(_ratios(train_x), train_y.astype(np.int64), _ratios(test_x), test_y.astype(np.int64), _CIFAR_SHAPE, 10)


def _records(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    wide = 1 + math.prod(_CIFAR_SHAPE)
    data = _bytes(path)
    if not data or len(data) % wide:
        raise BadInput("{file}: {given} bytes are no records of {wide}", file=path, given=len(data), wide=wide)
    rows = np.frombuffer(data, np.uint8).reshape(-1, wide)
    wrong = np.flatnonzero(rows[:, 0] > 9)
    if len(wrong):
        raise BadInput("{file}, byte {at}: the label {label} is not 0 to 9", file=path, at=int(wrong[0]) * wide,
                       label=int(rows[wrong[0], 0]))  # fmt: skip
    return rows[:, 1:], rows[:, 0]


def _ratios(rows: NDArray[np.uint8]) -> Array:
    return np.asarray(rows.astype(np.float32) / np.float32(255), np.float32)


def _table(path: Path) -> Split:
    values, names, columns = _cells(path)
    classes = _classes(path, names)
    place = {name: at for at, name in enumerate(classes)}
    labels = np.array([place[name] for name in names], np.int64)
    order = generator(0, Purpose.DATA).permutation(len(labels))
    test, train = np.sort(order[: max(1, len(order) // _KEPT)]), np.sort(order[max(1, len(order) // _KEPT) :])
    low, high = values[train].min(axis=0), values[train].max(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = ((values - low) / np.where(high > low, high - low, 1)).astype(np.float32)
    wild = np.flatnonzero(~np.isfinite(scaled).all(axis=0))
    if len(wild):
        raise BadInput("{file}: the numbers of column {column} lie too far apart", file=path, column=columns[wild[0]])
    return Split(scaled[train], labels[train], scaled[test], labels[test], (values.shape[1], 1, 1), len(classes))


def _classes(path: Path, names: list[str]) -> list[str]:
    """Return the classes of lines in order; raise `BadInput` where there is one, or where they are no classes."""
    counts = Counter(names)
    if len(counts) < 2:
        raise BadInput("{file}: every line has the same class", file=path)
    alone = sum(count == 1 for count in counts.values())
    if 2 * alone > len(names):
        raise BadInput(
            "{file}: {alone} of {lines} lines have a class of their own", file=path, alone=alone, lines=len(names),
            hint="The class stands in the column label, or else in the last one.",
        )  # fmt: skip
    return sorted(counts, key=_as_number)


def _cells(path: Path) -> tuple[NDArray[np.float64], list[str], list[str]]:
    """Return the numbers (n, columns) of a CSV file, each line's class, and the names of the columns."""
    values: list[list[float]] = []
    names: list[str] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as opened:
            lines = csv.reader(opened)
            header = next(lines, [])
            if len(header) < 2:
                raise BadInput("{file}, line 1: a header of two or more columns is needed", file=path)
            at = header.index("label") if "label" in header else len(header) - 1
            for line in lines:
                if line:
                    names.append(_class_in(path, lines.line_num, line, len(header), at))
                    values.append(_numbers(path, lines.line_num, [cell for place, cell in enumerate(line) if place != at]))
    except UnicodeDecodeError:
        raise BadInput("{file}: not text in UTF-8", file=path) from None
    except csv.Error as error:
        raise BadInput("{file}: cannot be read: {reason}", file=path, reason=str(error)) from None
    if len(values) < 2 * _KEPT:
        raise BadInput("{file}: {count} examples are too few", file=path, count=len(values))
    return np.array(values, np.float64), names, [*header[:at], *header[at + 1 :]]


def _class_in(path: Path, line: int, cells: list[str], wide: int, at: int) -> str:
    if len(cells) != wide:
        raise BadInput(
            "{file}, line {line}: {given} cells where the header has {wide}", file=path, line=line, given=len(cells), wide=wide
        )
    return cells[at].strip()


def _numbers(path: Path, line: int, cells: list[str]) -> list[float]:
    told: list[float] = []
    for cell in cells:
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise BadInput("{file}, line {line}: {cell} is no number", file=path, line=line, cell=repr(cell[:40]))
        told.append(value)
    return told


def _as_number(name: str) -> tuple[int, float, str]:
    """Return what sorts classes: numbers by size, then words."""
    try:
        return 0, float(name), name
    except ValueError:
        return 1, 0.0, name
