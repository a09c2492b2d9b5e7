"""Requests answered together: rows of equal shape are joined, run once and parted again.

One call of the runtime costs about the same for one row as for some dozens, so joining what waits anyway saves most of it.
A model that refuses joined rows (a fixed batch size, say) is asked for each request alone.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from app.engine.base.errors import OutpostError

if TYPE_CHECKING:  # An idle agent loads no numpy.
    import numpy as np
    from numpy.typing import NDArray

Tensors: TypeAlias = "dict[str, NDArray[np.float32]]"
Run: TypeAlias = "Callable[[Tensors], Tensors]"
Answer: TypeAlias = "Tensors | OutpostError"


def answer_all(run: Run, requests: Sequence[Tensors]) -> list[Answer]:
    """Return the answer to each of `requests`, in order; one that is refused does not spoil the others."""
    answers: list[Answer] = [{} for _ in requests]
    for places in _alike(requests):
        joined: Sequence[Answer] | None = _joined(run, [requests[at] for at in places]) if len(places) > 1 else None
        for at, answer in zip(places, joined or [_alone(run, requests[at]) for at in places], strict=True):
            answers[at] = answer
    return answers


def _alike(requests: Sequence[Tensors]) -> list[list[int]]:
    """Return the places of requests that may be joined: one tensor of the same name, type and row shape."""
    groups: dict[Any, list[int]] = {}
    for at, tensors in enumerate(requests):
        name, rows = next(iter(tensors.items())) if len(tensors) == 1 else ("", None)
        joins = rows is not None and rows.ndim > 1
        groups.setdefault((name, rows.shape[1:], rows.dtype.str) if joins and rows is not None else at, []).append(at)
    return list(groups.values())


def _joined(run: Run, requests: Sequence[Tensors]) -> list[Tensors] | None:
    """Return the parted answers to joined requests, or None when the model does not take or give them so."""
    import numpy as np

    name = next(iter(requests[0]))
    counts = [len(tensors[name]) for tensors in requests]
    try:
        told = run({name: np.concatenate([tensors[name] for tensors in requests])})
    except OutpostError:
        return None
    if any(value.ndim == 0 or len(value) != sum(counts) for value in told.values()):
        return None
    ends = np.cumsum(counts)[:-1]
    parts = {key: np.split(value, ends) for key, value in told.items()}
    return [{key: parts[key][at] for key in told} for at in range(len(requests))]


def _alone(run: Run, tensors: Tensors) -> Answer:
    try:
        return run(tensors)
    except OutpostError as error:
        return error
