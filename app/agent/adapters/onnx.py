"""Models run by ONNX Runtime on one thread; imported with the first model, for it takes time and memory."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from app.agent.adapters.places import Places
from app.engine.base.errors import BadInput

_ERRORS: tuple[type[Exception], ...] = (
    ort_errors.EPFail,
    ort_errors.EngineError,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoModel,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    ValueError,
)
_RUN_ERRORS: tuple[type[Exception], ...] = (*_ERRORS, RuntimeError)
SELF_TEST = "outpost.self_test"  # in the model's own metadata: {input, output, tolerance} as JSON
_REASON_CHARACTERS = 300
# Accelerators first. TensorRT builds engines for minutes at the first load, and Azure's calls a service: neither unasked.
_PROVIDERS = (
    "CUDAExecutionProvider", "ROCMExecutionProvider", "CoreMLExecutionProvider", "DmlExecutionProvider",
    "OpenVINOExecutionProvider", "CPUExecutionProvider",
)  # fmt: skip


class Session:
    """One loaded model: tensors by name in, tensors by name out, all float32 on the wire."""

    def __init__(self, model: bytes, name: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        self._name = name
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=providers_here())
        except _ERRORS as error:
            raise BadInput(
                "The model {name} cannot be loaded: {reason}", name=name, reason=_line_of(error), field="artifact"
            ) from None
        self.providers: tuple[str, ...] = tuple(self._session.get_providers())
        self.self_test: str = self._session.get_modelmeta().custom_metadata_map.get(SELF_TEST, "")
        self._inputs = {each.name: np.dtype(_dtype_of(each.type)) for each in self._session.get_inputs()}
        self._outputs = [each.name for each in self._session.get_outputs()]
        self._places = Places(self._session) if Places.fit(self._session) else None

    def run(self, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        """Return the outputs for `tensors`; a model with one input takes "x", one with one output gives "y".

        Raises `BadInput` when names or shapes do not fit the model.
        """
        if self._places is not None and len(tensors) == 1:
            told = self._quickly(self._places, next(iter(tensors.values())))
            if told is not None:
                return {"y": told}
        return self._usually(tensors)

    def _usually(self, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        if len(self._inputs) == 1 and len(tensors) == 1:
            feed = {next(iter(self._inputs)): next(iter(tensors.values()))}
        else:
            feed = dict(tensors)
        if feed.keys() != self._inputs.keys():
            raise BadInput(
                "The model {name} takes {wanted}, not {given}",
                name=self._name, wanted=", ".join(self._inputs), given=", ".join(sorted(feed)) or "nothing",
            )  # fmt: skip
        try:
            results = self._session.run(
                self._outputs, {key: value.astype(self._inputs[key], copy=False) for key, value in feed.items()}
            )
        except _ERRORS as error:
            raise BadInput("The model {name} refused its input: {reason}", name=self._name, reason=_line_of(error)) from None
        names = ["y"] if len(results) == 1 else self._outputs
        return {key: np.asarray(value, np.float32) for key, value in zip(names, results, strict=True)}

    def _quickly(self, places: Places, value: NDArray[Any]) -> NDArray[np.float32] | None:
        try:
            return places.run(value)
        except _RUN_ERRORS:
            answer = self._usually({"x": value})["y"]
            self._places = None  # the usual way can: its answers are not of the shape that it declares
            return answer


def providers_here() -> list[str]:
    """Return the execution providers of this machine, the fastest first; the CPU is always the last."""
    there = set(onnxruntime.get_available_providers())
    return [name for name in _PROVIDERS if name in there] or ["CPUExecutionProvider"]


def _dtype_of(told: str) -> str:
    return {"tensor(double)": "float64", "tensor(int64)": "int64", "tensor(int32)": "int32"}.get(told, "float32")


def _line_of(error: Exception) -> str:
    return " ".join(str(error).split())[:_REASON_CHARACTERS]
