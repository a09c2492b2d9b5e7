"""How small a change of a model is on its way: a new head of a 24 MiB model and an int8 fine-tune, as ratios of the file.

Sizes do not depend on how busy the machine is. Run it with `python benchmarks/delta.py`.
"""

import json
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))
Layer = NDArray[np.float32]
SIZES = (1024, 2048, 2048, 10)
STEP = 1e-3  # of the mean weight, as in the field notes


def weights(seed: int) -> list[Layer]:
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=pair) / np.sqrt(pair[0])).astype(np.float32) for pair in pairwise(SIZES)]


def model(layers: list[Layer]) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    nodes, below = [], "x"
    for index in range(len(layers)):
        out = "y" if index == len(layers) - 1 else f"z{index}"
        nodes.append(helper.make_node("MatMul", [below, f"w{index}"], [out]))
        if out != "y":
            nodes.append(helper.make_node("Relu", [out], [f"a{index}"]))
        below = f"a{index}"
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", SIZES[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", SIZES[-1]])],
        [numpy_helper.from_array(layer, f"w{index}") for index, layer in enumerate(layers)],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def int8(data: bytes, folder: Path, rows: Layer) -> bytes:
    from app.engine.models.adapters.shrink import quantize

    path, out = folder / "in.onnx", folder / "out.onnx"
    path.write_bytes(data)
    quantize(path, out, rows, "static")
    return out.read_bytes()


def tell(figure: str, old: bytes, new: bytes, settings: dict[str, Any]) -> None:
    from app.wire.delta import apply_delta, make_delta

    delta = make_delta(old, new)
    assert apply_delta(old, delta, 1 << 30) == new
    line = {"figure": figure, "value": len(delta) / len(new), "unit": "ratio", "peer": "whole file", "settings": settings}
    print(json.dumps(line), flush=True)


def main() -> None:
    base, other = weights(0), weights(1)
    old = model(base)
    tell("delta_head_only", old, model([*base[:-1], other[-1]]), {"bytes": len(old), "changed": "head"})
    tuned = [layer + STEP * np.abs(layer).mean() * noise for layer, noise in zip(base, weights(2), strict=True)]
    tuned = [layer.astype(np.float32) for layer in tuned]
    tell("delta_fine_tune", old, model(tuned), {"bytes": len(old), "changed": "all weights", "step": STEP})
    rows = np.random.default_rng(3).random((32, SIZES[0]), dtype=np.float32)
    with tempfile.TemporaryDirectory() as place:
        small, small_tuned = (int8(data, Path(place), rows) for data in (old, model(tuned)))
    tell("delta_fine_tune_int8", small, small_tuned, {"bytes": len(small), "changed": "all weights", "step": STEP})


if __name__ == "__main__":
    main()
