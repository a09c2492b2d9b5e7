"""Fewer bytes for an update: top-k, stochastic quantisation, count sketch; what top-k and sketch leave out is sent later.

Error feedback: Karimireddy et al., "Error feedback fixes SignSGD", 2019, algorithm 2: sent + residual = true update, always.
Stochastic rounding to 127 levels a sign, unbiased: Alistarh et al., "QSGD", 2017. Count sketch: Charikar et al., 2002, drawn
anew each round. What is read out of t tables of c cells is unbiased with at most (d - 1) / (t c) times the update's own
square as variance; shrunk by one more than that it is a contraction, which error feedback needs to converge.

A simulation keeps the dense rows that a server would read; `squeeze` and `expand` are what travels instead of one of them, and
back to the same bits.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.learning.draws import Purpose, generator, uniform
from app.engine.learning.nets import Array

KINDS: Final = ("none", "top-k", "quantise", "sketch")
FEEDBACK: Final = ("top-k", "sketch")
_LEVELS = np.float32(127)
_TABLES: Final = 5
_LEAST_CELLS: Final = 4
_MOST_INDEX: Final = 1 << 24  # whole numbers that float32 holds exactly


def dense(
    kind: str, rows: Array, ratio: float, *, seed: int, round_number: int, clients: NDArray[np.int64]
) -> Array:  # fmt: skip
    """Return what a server reads of `rows` (clients, params) after compression to about `ratio` of the numbers."""
    if kind == "top-k":
        return _heaviest(rows, kept(rows.shape[1], ratio))
    if kind == "quantise":
        return _rounded(rows, uniform(seed, Purpose.ROUNDING, round_number, clients, rows.shape[1]))
    if kind == "sketch":
        table = _Table(rows.shape[1], ratio, seed, round_number)
        return table.read(table.write(rows))
    return rows


def kept(count: int, ratio: float) -> int:
    """Return how many of `count` numbers top-k keeps."""
    return min(count, max(1, round(count * ratio)))


def bytes_of(kind: str, count: int, ratio: float) -> int:
    """Return how many bytes of numbers an update of `count` parameters takes on its way."""
    if kind == "top-k":
        return 8 * kept(count, ratio)
    if kind == "quantise":
        return 4 + 4 * -(-count // 4)
    return 4 * _TABLES * _cells(count, ratio) if kind == "sketch" else 4 * count


def squeeze(kind: str, row: Array, told: Array, ratio: float, *, seed: int, round_number: int) -> dict[str, Array]:
    """Return what travels: of `row` (params,), the dense one, or for a sketch of `told`, the update before it was sketched."""
    if len(row) > _MOST_INDEX:
        raise BadInput("{count} parameters are too many to compress", count=len(row))
    if kind == "top-k":
        at = np.flatnonzero(row)
        return {"at": at.astype(np.float32), "values": np.asarray(row[at])}
    if kind == "quantise":
        scale = _scale(row[None])
        codes = np.rint(row / scale[0]).astype(np.int8)
        padded = np.concatenate([codes, np.zeros(-len(codes) % 4, np.int8)])
        return {"scale": scale[0], "codes": padded.view("<f4")}
    return {"table": np.asarray(_Table(len(row), ratio, seed, round_number).write(told[None])[0])}


def expand(kind: str, sent: Mapping[str, Array], count: int, ratio: float, *, seed: int, round_number: int) -> Array:
    """Return the dense row (params,) of what travelled; raise `BadInput` when it makes no sense."""
    wanted = {"top-k": {"at", "values"}, "quantise": {"scale", "codes"}, "sketch": {"table"}}[kind]
    if set(sent) != wanted:
        raise BadInput("the update holds {given}, not {expected}", given=sorted(sent), expected=sorted(wanted))
    if kind == "top-k":
        return _spread(sent["at"], sent["values"], count)
    if kind == "quantise":
        codes = np.ascontiguousarray(sent["codes"]).view(np.int8)
        if sent["scale"].shape != (1,) or len(codes) != count + -count % 4 or not np.isfinite(sent["scale"]).all():
            raise BadInput("the quantised update does not fit the model")
        return np.asarray(codes[:count].astype(np.float32) * sent["scale"])
    table = _Table(count, ratio, seed, round_number)
    if sent["table"].shape != (_TABLES, table.cells) or not np.isfinite(sent["table"]).all():
        raise BadInput("the sketch does not fit the model")
    return np.asarray(table.read(sent["table"][None])[0])


def _spread(at: Array, values: Array, count: int) -> Array:
    places = at.astype(np.int64) if np.isfinite(at).all() else np.full(at.shape, -1, np.int64)
    if at.ndim != 1 or at.shape != values.shape or (places < 0).any() or (places >= count).any():
        raise BadInput("the update names parameters that the model does not have")
    if len(np.unique(places)) != len(places):
        raise BadInput("the update names a parameter twice")
    row = np.zeros(count, np.float32)
    row[places] = values
    return row


def _heaviest(rows: Array, count: int) -> Array:
    """Return `rows` with all but the `count` largest of each made zero."""
    size = np.abs(rows)
    if count >= rows.shape[1]:
        return rows.copy()
    at = np.argpartition(-size, count - 1, axis=1)[:, :count]
    out = np.zeros_like(rows)
    np.put_along_axis(out, at, np.take_along_axis(rows, at, axis=1), axis=1)
    return out


def _scale(rows: Array) -> Array:
    """Return the step between levels, (clients, 1): the largest size over 127; tiny where all is zero."""
    tiny = np.float32(np.finfo(np.float32).tiny) * _LEVELS
    return np.asarray(np.maximum(np.abs(rows).max(axis=1, keepdims=True), tiny) / _LEVELS, np.float32)


def _rounded(rows: Array, throws: Array) -> Array:
    scale = _scale(rows)
    codes = np.clip(np.floor(rows / scale + throws), -_LEVELS, _LEVELS)
    # The largest is kept as it is, so that the scale can be read from the dense row again.
    top = np.abs(rows).argmax(axis=1)[:, None]
    np.put_along_axis(codes, top, np.sign(np.take_along_axis(rows, top, axis=1)) * _LEVELS, axis=1)
    return np.asarray(codes * scale, np.float32)


def _cells(count: int, ratio: float) -> int:
    return min(count, max(_LEAST_CELLS, round(count * ratio / _TABLES)))


class _Table:
    """A count sketch of `_TABLES` rows of cells; all clients and the server have the same one in a round, by the seed."""

    def __init__(self, count: int, ratio: float, seed: int, round_number: int) -> None:
        self.cells = _cells(count, ratio)
        self._shrink = np.float32(1 / (1 + (count - 1) / (_TABLES * self.cells)) / _TABLES)
        rng = generator(seed, Purpose.ROUNDING, count, round_number)
        self._cell = rng.integers(self.cells, size=(_TABLES, count))
        self._sign = rng.choice(np.array([-1, 1], np.float32), (_TABLES, count))

    def write(self, rows: Array) -> Array:
        """Return the sketches (clients, tables, cells) of `rows`."""
        out = np.zeros((len(rows), _TABLES, self.cells), np.float32)
        for table in range(_TABLES):
            order = np.argsort(self._cell[table], kind="stable")
            cells, starts = np.unique(self._cell[table][order], return_index=True)
            out[:, table, cells] = np.add.reduceat((rows * self._sign[table])[:, order], starts, axis=1)
        return out

    def read(self, tables: Array) -> Array:
        """Return the estimates (clients, params), shrunk: for each the mean over the tables."""
        total = tables[:, 0, self._cell[0]] * self._sign[0]
        for table in range(1, _TABLES):
            total += tables[:, table, self._cell[table]] * self._sign[table]
        return np.asarray(total * self._shrink, np.float32)
