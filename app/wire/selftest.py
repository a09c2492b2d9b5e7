"""Self-tests of models of any rank, in few bytes: what stands in a manifest and inside the artifact, read on both sides.

`input` is rows as nested lists, or for large ones {"drawn": "murmur3", "seed", "shape"}: float32 values in [0, 1) that both
sides make from place and seed with the finaliser of MurmurHash3 (Appleby, 2011; public domain), in whole numbers of 32 bits,
so that every machine gets the same. `output` is nested lists, or {"shape", "every", "values"}: each so-manieth value only.
"""

from typing import TYPE_CHECKING, Any, Final

from app.engine.base.errors import BadInput

if TYPE_CHECKING:  # An idle agent loads no numpy.
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

MOST_TOLD: Final = 4096  # values that stand in a self-test as they are
MOST_DRAWN: Final = 1 << 24  # values, 64 MiB
_KEPT: Final = 1024
_KIND: Final = "murmur3"


def drawn(seed: int, shape: tuple[int, ...]) -> "Floats":
    """Return the values (float32, in [0, 1)) that `seed` stands for, of `shape`."""
    import numpy as np

    count = int(np.prod(shape, dtype=np.int64))
    h = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(seed & 0xFFFFFFFF)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return ((h >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)).reshape(shape)


def drawn_input(seed: int, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return what stands for `drawn(seed, shape)` in a self-test."""
    return {"drawn": _KIND, "seed": seed, "shape": list(shape)}


def told_output(answer: "Floats") -> Any:
    """Return what stands for a model's answer in a self-test: all of a small one, evenly spaced values of a large one."""
    if answer.size <= MOST_TOLD:
        return answer.tolist()
    every = -(-answer.size // _KEPT)
    return {"shape": list(answer.shape), "every": every, "values": answer.ravel()[::every].tolist()}


def input_of(told: Any) -> "Floats":
    """Return the rows that a self-test puts in; raise `BadInput` when they are none, or too many."""
    import numpy as np

    if isinstance(told, dict):
        shape, seed = _shape_of(told.get("shape")), told.get("seed")
        if told.get("drawn") != _KIND or not isinstance(seed, int):
            raise _bad()
        return drawn(seed, shape)
    try:
        return np.asarray(told, np.float32)
    except (ValueError, TypeError):
        raise _bad() from None


def off_by(told: Any, answer: "Floats") -> float:
    """Return the largest difference between `answer` and what a self-test wants; raise `BadInput` for another shape."""
    import numpy as np

    every = told.get("every") if isinstance(told, dict) else 1
    values = told.get("values") if isinstance(told, dict) else told
    if not isinstance(every, int) or every < 1:
        raise _bad()
    try:
        wanted = np.asarray(values, np.float32)
    except (ValueError, TypeError):
        raise _bad() from None
    shape = _shape_of(told.get("shape")) if isinstance(told, dict) else wanted.shape
    given = answer.ravel()[::every].reshape(-1) if isinstance(told, dict) else answer
    if answer.shape != shape or given.shape != wanted.shape:
        raise BadInput("The self-test's answer has another shape", field="self_test")
    return float(np.max(np.abs(given - wanted), initial=0.0))


def is_test(told_in: Any, told_out: Any) -> bool:
    """Tell whether both are of a form that a self-test can have; lists have as many rows out as in."""
    if isinstance(told_in, dict):
        return told_in.get("drawn") == _KIND and bool(told_out) and isinstance(told_out, (dict, list))
    rows = isinstance(told_in, list) and bool(told_in)
    return rows and (isinstance(told_out, dict) or (isinstance(told_out, list) and len(told_in) == len(told_out)))


def _shape_of(told: Any) -> tuple[int, ...]:
    if not isinstance(told, list) or not 0 < len(told) <= 16 or not all(isinstance(n, int) and n > 0 for n in told):
        raise _bad()
    size = 1
    for axis in told:
        size *= axis
    if size > MOST_DRAWN:
        raise BadInput("A self-test has at most {most} values", most=MOST_DRAWN, field="self_test")
    return tuple(told)


def _bad() -> BadInput:
    return BadInput("The self-test's rows are no table of numbers", field="self_test")
