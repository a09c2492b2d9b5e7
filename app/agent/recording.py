"""A bounded recording of what a model was asked, kept only where a person allowed it, so that a new version can be tried.

The newest requests are kept in memory up to a size; a shadow run hands them to the version that answers and to the one that
waits, and tells how often both agree and how long each takes. The rows themselves never leave the node.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:  # An idle agent loads no numpy.
    import numpy as np
    from numpy.typing import NDArray

Rows: TypeAlias = "NDArray[np.float32]"
Answer: TypeAlias = "Callable[[Rows], Rows]"

MOST_BYTES: Final = 64 << 20


class Recording:
    """The newest requests of one model, at most `most_bytes` of them (0: none are kept)."""

    def __init__(self, most_bytes: int = 0) -> None:
        self._rows: deque[Rows] = deque()
        self._bytes = 0
        self.most_bytes = most_bytes

    def __len__(self) -> int:
        return len(self._rows)

    def limit(self, most_bytes: int) -> None:
        """Keep at most `most_bytes` from now on."""
        self.most_bytes = most_bytes
        self._trim()

    def keep(self, rows: Rows) -> None:
        """Keep one request's rows; one larger than the whole allowance is left out."""
        if rows.nbytes > self.most_bytes:
            return
        self._rows.append(rows.copy())
        self._bytes += rows.nbytes
        self._trim()

    def requests(self) -> list[Rows]:
        """Return what is kept, oldest first."""
        return list(self._rows)

    def _trim(self) -> None:
        while self._bytes > self.most_bytes:
            self._bytes -= self._rows.popleft().nbytes


def shadow(requests: Sequence[Rows], old: Answer, new: Answer, clock_s: Callable[[], float]) -> dict[str, Any]:
    """Return {requests, rows, agreement_ratio, largest_difference, old_p99_s, new_p99_s} of both versions on `requests`.

    Agreement is of the highest output's place in each row; the two take turns, so that a busy machine slows both.
    """
    import numpy as np

    spent: tuple[list[float], list[float]] = ([], [])
    same = rows = 0
    off = 0.0
    for request in {request.shape: request for request in requests}.values():  # the first of a shape costs what no later does
        old(request)
        new(request)
    for request in requests:
        answers = []
        for run, times in zip((old, new), spent, strict=True):
            began_s = clock_s()
            answers.append(run(request))
            times.append(clock_s() - began_s)
        rows += len(request)
        if answers[0].shape == answers[1].shape:
            same += int(np.sum(_choice(answers[0]) == _choice(answers[1])))
            off = max(off, float(np.max(np.abs(answers[0] - answers[1]), initial=0.0)))
    ratio = same / rows if rows else None
    return {
        "requests": len(requests), "rows": rows, "agreement_ratio": ratio, "largest_difference": off,
        "old_p99_s": _p99(spent[0]), "new_p99_s": _p99(spent[1]),
    }  # fmt: skip


def _choice(answer: Rows) -> "NDArray[np.intp]":
    import numpy as np

    flat = answer.reshape(len(answer), -1)
    return np.argmax(flat, axis=1) if flat.shape[1] > 1 else np.rint(flat[:, 0]).astype(np.intp)


def _p99(times: list[float]) -> float | None:
    import numpy as np

    return float(np.quantile(times, 0.99, method="higher")) if times else None
