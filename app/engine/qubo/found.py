"""The best distinct samples of a run, with how often each was found."""

import numpy as np
from numpy.typing import NDArray

MOST_SAMPLES = 200


class Found:
    """Keeps the `most` best distinct samples of `n` variables; ties are broken by the sample, never by arrival."""

    def __init__(self, n: int, most: int = MOST_SAMPLES) -> None:
        self._n, self._most = n, most
        self._rows: dict[bytes, tuple[float, int]] = {}

    @property
    def best(self) -> float:
        """Return the lowest energy so far; infinity before the first sample."""
        return min((energy for energy, _ in self._rows.values()), default=np.inf)

    @property
    def leader(self) -> tuple[float, bytes]:
        """Return the best and what ties are broken by; smaller is better."""
        return min(((energy, key) for key, (energy, _) in self._rows.items()), default=(np.inf, b""))

    def add(self, samples: NDArray[np.int8], energies: NDArray[np.float64], counts: NDArray[np.int64] | None = None) -> None:
        """Take in samples (k, n) with their energies (k,) and how often each came (once unless said)."""
        packed = np.packbits(samples.astype(bool), axis=1)
        for k, row in enumerate(packed):
            key = row.tobytes()
            seen = self._rows.get(key, (0.0, 0))[1]
            self._rows[key] = (float(energies[k]), seen + (1 if counts is None else int(counts[k])))
        if len(self._rows) > 2 * self._most:
            self._rows = dict(self._ranked())

    def merge(self, other: "Found") -> None:
        """Take in all that `other` holds."""
        for key, (energy, count) in other._rows.items():  # noqa: SLF001 - one of its own kind
            self._rows[key] = (energy, self._rows.get(key, (0.0, 0))[1] + count)
        self._rows = dict(self._ranked())

    def table(self) -> tuple[NDArray[np.int8], NDArray[np.float64], list[int]]:
        """Return samples (k, n), energies (k,) rising, and counts."""
        ranked = self._ranked()
        bits = np.frombuffer(b"".join(key for key, _ in ranked), np.uint8).reshape(len(ranked), -1)
        samples = np.unpackbits(bits, axis=1, count=self._n).astype(np.int8)
        return samples, np.array([energy for _, (energy, _) in ranked]), [count for _, (_, count) in ranked]

    def _ranked(self) -> list[tuple[bytes, tuple[float, int]]]:
        return sorted(self._rows.items(), key=lambda row: (row[1][0], row[0]))[: self._most]
