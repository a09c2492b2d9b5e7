"""The best distinct samples of a run, with how often each was found, and where in the run it was found first."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_SAMPLES = 200


class Found:
    """Keeps the `most` best distinct samples of `n` variables; ties are broken by the sample, never by arrival."""

    def __init__(self, n: int, most: int = MOST_SAMPLES) -> None:
        self._n, self._most = n, most
        self._rows: dict[bytes, tuple[float, int, Any]] = {}

    @property
    def best(self) -> float:
        """Return the lowest energy so far; infinity before the first sample."""
        return min((energy for energy, _, _ in self._rows.values()), default=np.inf)

    def add(
        self, samples: NDArray[np.int8], energies: NDArray[np.float64], counts: NDArray[np.int64] | None = None, at: Any = None
    ) -> None:
        """Take in samples (k, n) with their energies (k,), how often each came (once unless said), and where in the run."""
        packed = np.packbits(samples.astype(bool), axis=1)
        for k, row in enumerate(packed):
            key = row.tobytes()
            _, seen, first = self._rows.get(key, (0.0, 0, at))
            self._rows[key] = (float(energies[k]), seen + (1 if counts is None else int(counts[k])), first)
        if len(self._rows) > 2 * self._most:
            self._rows = dict(self._ranked())

    def merge(self, other: "Found") -> None:
        """Take in all that `other` holds."""
        for key, (energy, count, at) in other._rows.items():  # noqa: SLF001 - one of its own kind
            _, seen, first = self._rows.get(key, (0.0, 0, at))
            self._rows[key] = (energy, seen + count, first)
        self._rows = dict(self._ranked())

    def table(self) -> tuple[NDArray[np.int8], NDArray[np.float64], list[int]]:
        """Return samples (k, n), energies (k,) rising, and counts."""
        ranked = self._ranked()
        bits = np.frombuffer(b"".join(key for key, _ in ranked), np.uint8).reshape(len(ranked), -1)
        samples = np.unpackbits(bits, axis=1, count=self._n).astype(np.int8)
        return samples, np.array([energy for _, (energy, _, _) in ranked]), [count for _, (_, count, _) in ranked]

    def places(self) -> list[Any]:
        """Return where in the run each sample of `table` was found first."""
        return [at for _, (_, _, at) in self._ranked()]

    def _ranked(self) -> list[tuple[bytes, tuple[float, int, Any]]]:
        return sorted(self._rows.items(), key=lambda row: (row[1][0], row[0]))[: self._most]
