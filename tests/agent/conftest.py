"""Real agents in real processes on loopback, and a console made of httpx and the wire's own parts."""

import hashlib
import json
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from app.engine.base.platform import kill_hard
from app.wire.identity import DeviceIdentity, PublicIdentity
from app.wire.manifests import chunks_of, seal
from app.wire.pairing import ConsoleSide
from app.wire.signing import HEADER, sign
from app.wire.telemetry import TelemetryPage
from app.wire.tensors import pack
from app.wire.tls import client_context, pairing_context, peer_der

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60.0


class AgentProcess:
    """One `python -m app.agent run` in `home`."""

    def __init__(self, home: Path, *more: str, name: str = "north-1") -> None:
        words = [sys.executable, "-m", "app.agent", "run", "--home", str(home), "--name", name, "--cadence-s", "0.1", *more]
        self.home = home
        self.process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.log: list[str] = []
        self._reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True)
        self._reader.start()
        line = self.process.stdout.readline()
        if not line:
            self.process.wait(TIMEOUT_S)
            self._reader.join(TIMEOUT_S)
            raise RuntimeError("".join(self.log))
        told = json.loads(line)
        self.address, self.device, self.code, self.pid = told["address"], told["device"], told["code"], told["pid"]
        self.url = f"https://{self.address}"

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process.poll() is None:
            kill_hard(self.process.pid)
        self._end()

    def stop(self) -> int:
        """Ask it to end and return its exit status."""
        self.process.terminate()
        self._end()
        return self.process.returncode

    def _end(self) -> None:
        self.process.wait(TIMEOUT_S)
        self._reader.join(TIMEOUT_S)
        self.process.stdout.close()
        self.process.stderr.close()


class Console:
    """A console by hand: pairs, signs, asks."""

    def __init__(self, name: str = "laptop") -> None:
        self.identity = DeviceIdentity.generate(name)
        self.agent: PublicIdentity | None = None
        self.client: httpx.Client | None = None
        self.now_us = lambda: __import__("time").time_ns() // 1000

    def pair(self, agent: AgentProcess, code: str | None = None) -> PublicIdentity:
        side = ConsoleSide(self.identity.public, code or agent.code)
        with httpx.Client(verify=pairing_context(), timeout=TIMEOUT_S) as client:
            with client.stream("POST", f"{agent.url}/v1/pair", json=side.hello()) as reply:
                shown = peer_der(reply.extensions["network_stream"].get_extra_info("ssl_object"))
                reply.read()
            proof = client.post(f"{agent.url}/v1/pair", json=side.prove(checked(reply).json(), shown))
            self.agent = side.accept(checked(proof).json())
        self.meet(agent)
        return self.agent

    def meet(self, agent: AgentProcess) -> None:
        """Connect to an agent paired before, where it listens now."""
        if self.client is not None:
            self.client.close()
        context = client_context(self.identity, self.agent)
        self.client = httpx.Client(verify=context, base_url=agent.url, timeout=TIMEOUT_S)

    def close(self) -> None:
        if self.client is not None:
            self.client.close()

    def get(self, path: str, **params) -> httpx.Response:
        return self.client.get(path, params=params)

    def signature(self, method: str, target: str, body: bytes, **changed) -> str:
        parts = {"node": self.agent.device_id, "expiry_us": self.now_us() + 60_000_000, **changed}
        return sign(parts.pop("identity", self.identity), method=method, target=target, body=body, **parts)

    def change(self, method: str, target: str, body: bytes | dict = b"", headers=(), **changed) -> httpx.Response:
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        signature = self.signature(method, target, data, **changed)
        return self.client.request(method, target, content=data, headers={**dict(headers), HEADER: signature})

    def announce(self, data: bytes, name: str = "digits", version: int = 1 << 40, **changed) -> dict:
        """Announce a file of small size under a manifest made for the purpose."""
        test = {"input": [[0.0]], "output": [[0.0]], "tolerance": 0}
        told = {"schema": 1, "name": name, "version": version, "artifact": sha_of(data), "size_bytes": len(data)}
        told |= {"self_test": test, "chunks": chunks_of(data).to_json(), **changed}
        return checked(self.verb(name, "announce", told)).json()

    def upload(self, data: bytes, name: str = "digits") -> str:
        artifact = sha_of(data)
        if not self.announce(data, name)["complete"]:
            checked(self.change("PUT", f"/v1/artifacts/{artifact}", data))
        return artifact

    def verb(self, model: str, verb: str, body: bytes | dict = b"") -> httpx.Response:
        if verb in ("announce", "prepare") and isinstance(body, dict) and "manifest" not in body:
            body = seal(self.identity, {"issued_us": self.now_us(), **body})
        return self.change("POST", f"/v1/models/{model}/{verb}", body)

    def install(self, net: SimpleNamespace, version: int, name: str = "digits") -> None:
        self.upload(net.data, name)
        checked(self.verb(name, "prepare", manifest_of(net, version, name)))
        checked(self.verb(name, "activate"))
        checked(self.verb(name, "commit"))

    def infer(self, x: np.ndarray, name: str = "digits") -> httpx.Response:
        return self.client.post(f"/v1/infer/{name}", content=pack({"x": x}, {}))

    def page(self, epoch: str = "", after: int = 0, limit: int = 1000, wait: float = 0) -> TelemetryPage:
        reply = checked(self.get("/v1/telemetry", epoch=epoch, after=after, limit=limit, wait=wait))
        return TelemetryPage.from_json(reply.json())

    def model(self, name: str = "digits") -> dict:
        models = checked(self.get("/v1/status")).json()["models"]
        return next(model for model in models if model["name"] == name)


def checked(reply: httpx.Response) -> httpx.Response:
    """Return `reply` if it is a success; a problem document becomes the error it tells of."""
    from app.engine.base.errors import from_problem

    if reply.status_code >= 400:
        raise from_problem(reply.json())
    return reply


def sha_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def make_net(seed: int, wide: int = 64, out: int = 10) -> SimpleNamespace:
    """Return a one-layer softmax model as ONNX bytes, with test rows and the numpy answer to them."""
    rng = np.random.default_rng(seed)
    w, b = rng.normal(size=(wide, out)).astype(np.float32), rng.normal(size=out).astype(np.float32)
    x = rng.random((3, wide), dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", "b"], ["z"]), helper.make_node("Softmax", ["z"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", wide])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", out])],
        [numpy_helper.from_array(w, "w"), numpy_helper.from_array(b, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    z = x.astype(np.float64) @ w + b
    y = np.exp(z - z.max(1, keepdims=True))
    return SimpleNamespace(data=model.SerializeToString(), x=x, y=y / y.sum(1, keepdims=True))


def manifest_of(net: SimpleNamespace, version: int, name: str = "digits", **changed) -> dict:
    return {
        "schema": 1, "name": name, "version": version, "artifact": sha_of(net.data), "size_bytes": len(net.data),
        "self_test": {"input": net.x.tolist(), "output": net.y.tolist(), "tolerance": 1e-4}, **changed,
    }  # fmt: skip


@pytest.fixture
def start(tmp_path):
    """A function that starts an agent; all of them are gone after the test."""
    begun: list[AgentProcess] = []

    def begin(*more: str, home: str = "node", **named) -> AgentProcess:
        begun.append(AgentProcess(tmp_path / home, *more, **named))
        return begun[-1]

    yield begin
    for agent in begun:
        agent.kill()


@pytest.fixture
def console():
    """A console that is paired with nobody yet."""
    made = Console()
    yield made
    made.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """An agent and a console that are paired, shared by the tests of one file."""
    agent, console = AgentProcess(tmp_path_factory.mktemp("site")), Console()
    try:
        console.pair(agent)
        yield SimpleNamespace(agent=agent, console=console)
    finally:
        console.close()
        agent.kill()


@pytest.fixture(scope="session")
def kit():
    """The helpers of this file, for tests that import nothing from it."""
    return SimpleNamespace(
        Console=Console, AgentProcess=AgentProcess, checked=checked, sha_of=sha_of, make_net=make_net, manifest_of=manifest_of
    )
