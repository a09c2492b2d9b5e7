"""What inference costs on a node: one run of the MLP 64-128-64-10 on one thread, and rows per CPU second at the agent's queue.

The queue is the agent's own (`app.agent.serving`) over its own models, without the network: eight callers ask for one row
each, again and again, once with every request run alone and once joined. Told are p50 wall and CPU time of a run, and both
rates with their ratio.
"""

import argparse
import asyncio
import hashlib
import itertools
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from app.agent.adapters.onnx import Session
from app.agent.lane import Lane
from app.agent.models import Models
from app.agent.serving import Server, Serving
from app.agent.shelf import Shelf
from app.engine.base.clock import SystemClock
from app.wire.tensors import pack

WIDTHS = (64, 128, 64, 10)
CALLERS = 8


def mlp(rng: np.random.Generator) -> bytes:
    """Return the MLP as ONNX bytes with random weights."""
    nodes, weights, last = [], [], "x"
    for at, (wide, out) in enumerate(itertools.pairwise(WIDTHS)):
        w, b = rng.normal(size=(wide, out), scale=0.1).astype(np.float32), np.zeros(out, np.float32)
        weights += [numpy_helper.from_array(w, f"w{at}"), numpy_helper.from_array(b, f"b{at}")]
        final = at == len(WIDTHS) - 2
        nodes.append(helper.make_node("Gemm", [last, f"w{at}", f"b{at}"], ["y" if final else f"z{at}"]))
        if not final:
            nodes.append(helper.make_node("Relu", [f"z{at}"], [f"a{at}"]))
            last = f"a{at}"
    graph = helper.make_graph(
        nodes, "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", WIDTHS[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", WIDTHS[-1]])],
        weights,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def one_run(model: bytes, runs: int) -> tuple[float, float]:
    """Return the median wall time of a run of one row, and the CPU time per run, in seconds."""
    session, x = Session(model, "mlp"), np.zeros((1, WIDTHS[0]), np.float32)
    for _ in range(200):
        session.run({"x": x})
    walls, began_s = [], time.thread_time()
    for _ in range(runs):
        at_s = time.perf_counter()
        session.run({"x": x})
        walls.append(time.perf_counter() - at_s)
    return statistics.median(walls), (time.thread_time() - began_s) / runs


def ready(folder: Path, model: bytes) -> Models:
    """Return the models of a node on which the MLP is active."""
    shelf = Shelf(folder / "artifacts")
    models = Models(folder / "models", shelf)
    artifact = "sha256:" + hashlib.sha256(model).hexdigest()
    shelf.keep(artifact, model)
    x = np.zeros((1, WIDTHS[0]), np.float32)
    y = Session(model, "mlp").run({"x": x})["y"]
    manifest: dict[str, Any] = {
        "schema": 1, "name": "mlp", "version": 1, "artifact": artifact, "size_bytes": len(model),
        "self_test": {"input": x.tolist(), "output": y.tolist(), "tolerance": 1e-4},
    }  # fmt: skip
    for verb, document in (("prepare", manifest), ("activate", {"version": 1}), ("commit", {})):
        models.change("mlp", verb, document)
    return models


async def queue_rate(models: Models, max_batch: int, requests: int) -> float:
    """Return rows per CPU second of the whole process when eight callers ask for one row each."""
    lane = Lane("infer")
    server = Server(models, lane, SystemClock())
    server.follow(Serving(max_batch=max_batch))
    body = pack({"x": np.zeros((1, WIDTHS[0]), np.float32)}, {})

    async def caller() -> None:
        for _ in range(requests // CALLERS):
            await server.infer("mlp", body)

    await caller()
    began_s = time.process_time()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    spent_s = time.process_time() - began_s
    await server.close()
    await lane.close()
    return requests / spent_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--requests", type=int, default=8000)
    options = parser.parse_args()
    model = mlp(np.random.default_rng(0))
    wall_s, cpu_s = one_run(model, options.runs)
    settings = {"model": "MLP 64-128-64-10", "threads": 1, "rows": 1, "runs": options.runs}
    print(json.dumps({"figure": "infer.mlp.p50", "value": wall_s, "unit": "s", "settings": settings}))
    print(json.dumps({"figure": "infer.mlp.cpu", "value": cpu_s, "unit": "s", "settings": settings}))
    with tempfile.TemporaryDirectory() as folder:
        models = ready(Path(folder), model)
        alone = asyncio.run(queue_rate(models, 1, options.requests))
        joined = asyncio.run(queue_rate(models, 32, options.requests))
    settings = {"model": "MLP 64-128-64-10", "callers": CALLERS, "requests": options.requests}
    for figure, value, unit in (
        ("infer.queue.alone", alone, "rows per CPU s"), ("infer.queue.joined", joined, "rows per CPU s"),
        ("infer.queue.gain", joined / alone, "ratio"),
    ):  # fmt: skip
        print(json.dumps({"figure": figure, "value": value, "unit": unit, "settings": settings}))


if __name__ == "__main__":
    main()
