"""Runs that allocate nothing: for each small shape of input one place for the input and one for the answer, bound beforehand.

Half of what a small model costs is not the model but the way of its arrays in and out of the runtime (IO binding of ONNX
Runtime does without). Only for one float32 input and one float32 output on the CPU, whose shape follows from the input's;
whatever else comes goes the usual way.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Shape = tuple[int, ...]
Bound = tuple[onnxruntime.IOBinding, onnxruntime.OrtValue, onnxruntime.OrtValue]
_FLOAT: Final = np.dtype(np.float32)
_MOST_PLACES: Final = 8
_MOST_VALUES: Final = 16_384  # above that the arrays' way is a small part of the run


class Places:
    """The bound places of one session; a second thread that comes while one runs is told None."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        (self._input,), (self._output,) = session.get_inputs(), session.get_outputs()
        self._session, self._busy = session, threading.Lock()
        self._bound: dict[Shape, Bound] = {}

    @staticmethod
    def fit(session: onnxruntime.InferenceSession) -> bool:
        """Tell whether a session is of the kind this is for."""
        ends = (session.get_inputs(), session.get_outputs())
        return (
            session.get_providers() == ["CPUExecutionProvider"]
            and all(len(each) == 1 and each[0].type == "tensor(float)" for each in ends)
            and out_shape(ends[0][0].shape, ends[1][0].shape, None) is not None
        )

    def run(self, value: NDArray[Any]) -> Floats | None:
        """Return the answer to `value`, or None where the usual way must be taken; raises what the runtime raises."""
        if value.dtype != _FLOAT or value.size > _MOST_VALUES or not self._busy.acquire(blocking=False):
            return None
        try:
            found = self._bound.get(value.shape) or self._bind(value.shape)
            if found is None:
                return None
            binding, there, back = found
            there.update_inplace(value if value.flags.c_contiguous else np.ascontiguousarray(value))
            self._session.run_with_iobinding(binding)
            return back.numpy().copy()  # what numpy() gives is the place itself
        finally:
            self._busy.release()

    def _bind(self, shape: Shape) -> Bound | None:
        wanted = out_shape(self._input.shape, self._output.shape, shape)
        if wanted is None or len(self._bound) >= _MOST_PLACES or 0 in (*shape, *wanted):
            return None
        there, back = (onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(each, np.float32)) for each in (shape, wanted))
        binding = self._session.io_binding()
        binding.bind_ortvalue_input(self._input.name, there)
        binding.bind_ortvalue_output(self._output.name, back)
        self._bound[shape] = (binding, there, back)
        return self._bound[shape]


def out_shape(taken: Sequence[Any], given: Sequence[Any], shape: Shape | None) -> Shape | None:
    """Return the shape of the output for an input of `shape`, by both shapes as declared (numbers and names of free sizes).

    None when it does not follow, or `shape` does not fit. With no `shape` every free size is taken as 1.
    """
    if shape is None:
        shape = tuple(size if isinstance(size, int) else 1 for size in taken)
    if len(shape) != len(taken):
        return None
    sizes: dict[str, int] = {}
    for declared, size in zip(taken, shape, strict=True):
        if isinstance(declared, int) and declared != size:
            return None
        if isinstance(declared, str) and sizes.setdefault(declared, size) != size:
            return None
    return _filled(given, sizes)


def _filled(given: Sequence[Any], sizes: Mapping[str, int]) -> Shape | None:
    told = [each if isinstance(each, int) else sizes.get(each) for each in given]
    known = [each for each in told if each is not None]
    return tuple(known) if len(known) == len(told) else None
