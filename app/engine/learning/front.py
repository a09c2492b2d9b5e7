"""A convolution in front of a network: filters of 3 × 3 without padding, rectified, then means of 2 × 2 (LeCun et al., 1998).

Images are flat rows, channel after channel, line after line. A convolution is one product of matrices: every patch of the
image (channels × 3 × 3) is a row, gathered by an index that is the same for all images (Chellapilla et al., 2006). The four
places that one mean takes stand next to each other; places that fill no mean of four are left out.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

_EDGE = 3
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Front:
    """A convolution over images of `height` × `width` in `channels`, with `filters`."""

    LEAST: ClassVar[int] = _EDGE + 1

    height: int
    width: int
    channels: int
    filters: int

    @property
    def inputs(self) -> int:
        """Return the numbers of one image."""
        return self.height * self.width * self.channels

    @property
    def patch(self) -> int:
        """Return the numbers that a filter sees at once."""
        return _EDGE * _EDGE * self.channels

    @property
    def grid(self) -> tuple[int, int]:
        """Return how many means there are (down, across)."""
        return (self.height - _EDGE + 1) // 2, (self.width - _EDGE + 1) // 2

    @property
    def pooled(self) -> int:
        """Return how many means there are for each filter."""
        return self.grid[0] * self.grid[1]

    @property
    def outputs(self) -> int:
        """Return the numbers that go on to the next layer: all filters' values of the first place, then of the next."""
        return self.pooled * self.filters

    def index(self) -> NDArray[np.int64]:
        """Return where in a flat image each patch is, int64 (4 · pooled, patch); the image's own order within a patch."""
        down, across = self.grid
        y, x = np.meshgrid(2 * np.arange(down), 2 * np.arange(across), indexing="ij")
        corner_y = y.reshape(-1, 1) + np.array([0, 0, 1, 1])
        corner_x = x.reshape(-1, 1) + np.array([0, 1, 0, 1])
        channel, dy, dx = (one.ravel() for one in np.indices((self.channels, _EDGE, _EDGE)))
        rows = corner_y.reshape(-1, 1) + dy
        return np.asarray(channel * self.height * self.width + rows * self.width + corner_x.reshape(-1, 1) + dx, np.int64)

    def seen(self, x: Array, weights: Array, bias: Array) -> Array:
        """Return what the next layer sees of images (n, inputs): float32 (n, outputs)."""
        found = np.maximum(x[:, self.index()] @ weights + bias, np.float32(0))
        return means(found, self.filters).reshape(len(x), self.outputs)


def means(found: Array, filters: int) -> Array:
    """Return the means of every four neighbours of (…, 4 · pooled, filters): float32 (…, pooled, filters)."""
    four = found.reshape(*found.shape[:-2], -1, 4, filters)
    return np.asarray((four[..., 0, :] + four[..., 1, :] + four[..., 2, :] + four[..., 3, :]) * np.float32(0.25), np.float32)


class FrontBench:
    """Working memory of a convolution for up to `clients` clients and batches of `width` images each."""

    def __init__(self, front: Front, clients: int, width: int) -> None:
        self.front = front
        index = front.index()
        self._index = np.concatenate([index, np.full((len(index), 1), front.inputs)], axis=1)  # and the column of ones
        self._places = width * len(index)
        self.raw = np.ones((clients, width, front.inputs + 1), np.float32)
        self._patches = np.empty((clients, self._places, front.patch + 1), np.float32)
        self._found = np.empty((clients, self._places, front.filters), np.float32)
        self._delta = np.empty_like(self._found)

    def forward(self, layer: Array, above: Array, active: int) -> None:
        """Read `raw` through the filters `layer` (active, patch + 1, filters) into `above` (active, width, outputs + 1)."""
        raw, patches = self.raw[:active], self._patches[:active]
        np.take(raw, self._index, axis=2, out=patches.reshape(*raw.shape[:2], *self._index.shape), mode="clip")
        found = np.matmul(patches, layer, out=self._found[:active])
        np.maximum(found, np.float32(0), out=found)
        pooled = means(found.reshape(*raw.shape[:2], -1, self.front.filters), self.front.filters)
        above[:, :, :-1] = pooled.reshape(*raw.shape[:2], self.front.outputs)

    def backward(self, delta: Array, grad: Array, active: int) -> None:
        """Turn the gradient `delta` (active, width, outputs + 1) of what `forward` gave into that of the filters."""
        width, filters = delta.shape[1], self.front.filters
        quarter = delta[:, :, :-1].reshape(active, width, -1, 1, filters) * np.float32(0.25)
        spread = self._delta[:active]
        found = self._found[:active]
        np.multiply(
            (found > 0).reshape(active, width, -1, 4, filters), quarter, out=spread.reshape(active, width, -1, 4, filters)
        )
        np.matmul(self._patches[:active].swapaxes(1, 2), spread, out=grad)


def most_together(front: Front, width: int, floats: int = 1 << 21) -> int:
    """Return how many clients with batches of `width` images fit `floats` numbers of patches; at least one."""
    return max(1, floats // (width * 4 * front.pooled * (front.patch + 1)))
