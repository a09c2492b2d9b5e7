"""What convolutional networks cost on a node, and what HTTPS adds; prints JSON.

Two networks with weights drawn from a seed: one of 96×96×3 pixels with six convolutions, and a light one of 224×224×3 with
five. Each is run one image at a time on one thread, as float32 and as the static int8 that the registry makes. Then a real
agent process answers for the MLP 64-128-64-10 and for a small network of 32×32 pixels over HTTPS with one caller, beside the
floor: its status, which asks nothing of a model.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from infer import mlp
from onnx import TensorProto, helper, numpy_helper

from app.agent.adapters.onnx import Session
from app.engine.fleet.service import FleetService
from app.engine.flows.activate import Parts, activate
from app.engine.flows.swarm import open_base
from app.engine.link.service import Link
from app.engine.models.adapters.shrink import quantize
from app.engine.models.service import ModelsService

# (channels out, stride) of each 3×3 convolution.
SMALL = ((8, 2), (16, 2), (32, 2))
MIDDLE = ((16, 2), (32, 1), (32, 2), (64, 1), (64, 2), (128, 2))
LIGHT = ((16, 2), (32, 2), (64, 2), (128, 2), (256, 2))


def cnn(side: int, layers: Sequence[tuple[int, int]], seed: int) -> bytes:
    """Return a network of flat rows (n, 3 side²): 3×3 convolutions with ReLU, the mean of each channel, ten outputs."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    weights = [numpy_helper.from_array(np.array([-1, 3, side, side], np.int64), "shape")]
    nodes, last, wide = [helper.make_node("Reshape", ["x", "shape"], ["image"])], "image", 3
    for at, (out, stride) in enumerate(layers):
        scale = np.sqrt(2 / (9 * wide))  # He et al., 2015
        weights.append(numpy_helper.from_array(rng.normal(size=(out, wide, 3, 3), scale=scale).astype(np.float32), f"w{at}"))
        weights.append(numpy_helper.from_array(np.zeros(out, np.float32), f"b{at}"))
        nodes.append(helper.make_node("Conv", [last, f"w{at}", f"b{at}"], [f"c{at}"], strides=[stride] * 2, pads=[1] * 4))
        nodes.append(helper.make_node("Relu", [f"c{at}"], [f"r{at}"]))
        last, wide = f"r{at}", out
    weights.append(numpy_helper.from_array(rng.normal(size=(wide, 10), scale=0.1).astype(np.float32), "head"))
    nodes += [
        helper.make_node("GlobalAveragePool", [last], ["mean"]), helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "head"], ["y"]),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, f"cnn{side}",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3 * side * side])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 10])],
        weights,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def p50_s(model: bytes, width: int, runs: int) -> tuple[float, float]:
    """Return the median wall time of a run of one row, and its median CPU time, in seconds."""
    session, x = Session(model, "net"), np.random.default_rng(0).random((1, width), dtype=np.float32)
    for _ in range(10):
        session.run({"x": x})
    walls, cpus = [], []
    for _ in range(runs):
        at_s, cpu_s = time.perf_counter(), time.thread_time()
        session.run({"x": x})
        walls.append(time.perf_counter() - at_s)
        cpus.append(time.thread_time() - cpu_s)
    return statistics.median(walls), statistics.median(cpus)


def int8(folder: Path, model: bytes, width: int) -> bytes:
    """Return the static int8 version, calibrated with drawn rows."""
    source, out = folder / "net.onnx", folder / "net-int8.onnx"
    source.write_bytes(model)
    quantize(source, out, np.random.default_rng(1).random((32, width), dtype=np.float32), "static")
    return out.read_bytes()


async def over_https(folder: Path, nets: dict[str, bytes], widths: dict[str, int], requests: int) -> dict[str, float]:
    """Return the median time of an answer of a real agent, one caller: per network, and of its status."""
    async with open_base(folder / "console", {"fleet.cadence_s": 60.0}) as base:
        await base.jobs.start()
        link, models = Link(base), ModelsService(base)
        await link.start()
        fleet = FleetService(base, link)
        await fleet.start()
        try:
            agent = await fleet.herd.launch(folder / "node", "node")
            node = await fleet.pair(agent.address, agent.code or "", about={"home": str(folder / "node")}, actor="benchmark")
            parts, client = Parts(base.jobs, link, models, fleet), link.client(node.id)
            told = {"status": await median_s(client.status, requests)}
            for name, data in nets.items():
                model = await models.register(name, data, actor="benchmark")
                done = await activate(parts, model.id, "all", actor="benchmark")
                if done["nodes"][0]["state"] != "succeeded":
                    raise SystemExit(f"{name}: {done['nodes'][0]}")
                x = np.random.default_rng(0).random((1, widths[name]), dtype=np.float32)

                async def ask(name: str = name, x: Any = x) -> object:
                    return await client.infer(name, x)

                told[name] = await median_s(ask, requests)
            return told
        finally:
            await fleet.herd.end_all()
            await fleet.stop()
            await link.stop()
            await base.jobs.stop()


async def median_s(ask: Callable[[], Awaitable[object]], requests: int) -> float:
    """Return the median wall time of `ask`, one after the other."""
    for _ in range(20):
        await ask()
    times = []
    for _ in range(requests):
        at_s = time.perf_counter()
        await ask()
        times.append(time.perf_counter() - at_s)
    return statistics.median(times)


def tell(figure: str, value: float, settings: dict[str, Any]) -> None:
    """Print one figure in seconds."""
    print(json.dumps({"figure": figure, "value": value, "unit": "s", "settings": settings}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--requests", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for side, layers in ((96, MIDDLE), (224, LIGHT)):
            model, width = cnn(side, layers, side), 3 * side * side
            for kind, data in (("fp32", model), ("int8", int8(folder, model, width))):
                wall_s, cpu_s = p50_s(data, width, options.runs)
                settings = {"pixels": side, "convolutions": len(layers), "bytes": len(data), "threads": 1, "runs": options.runs}
                tell(f"infer.cnn{side}.{kind}.p50", wall_s, settings)
                tell(f"infer.cnn{side}.{kind}.cpu", cpu_s, settings)
        nets = {"mlp": mlp(np.random.default_rng(0)), "cnn32": cnn(32, SMALL, 32)}
        told = asyncio.run(over_https(folder, nets, {"mlp": 64, "cnn32": 3 * 32 * 32}, options.requests))
    for key, value in told.items():
        tell(f"infer.https.{key}.p50", value, {"callers": 1, "requests": options.requests, "agent": "a process of its own"})


if __name__ == "__main__":
    main()
