"""Rounds of federated training: parameters in, an update out; the data stays on the node.

A finished update is a file until newer rounds push it out, so asking twice, or after a restart, gives it again.
"""

import asyncio
import hashlib
import re
import time
from pathlib import Path
from typing import Any, Final

from app.agent.lane import Lane
from app.engine.base.errors import BadInput, Conflict, Limit, Missing
from app.engine.base.platform import replace_file
from app.wire.documents import parse_object
from app.wire.limits import TENSOR_BYTES

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_DATA: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_KEPT: Final = 4
_MOST_WAITING: Final = 4
_DATA_BYTES: Final = 1 << 30


class Rounds:
    """The rounds of this node, used on the loop; training is done in a lane."""

    def __init__(self, folder: Path, data: Path, lane: Lane) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._data, self._lane = folder, data, lane
        self._running: dict[str, tuple[str, asyncio.Task[Path]]] = {}

    def begin(self, name: str, body: bytes) -> None:
        """Begin round `name` with the packed parameters and spec in `body`; the same body again changes nothing."""
        if not _ID.fullmatch(name):
            raise BadInput("{name} is no round id", name=repr(name[:80]), field="round")
        digest = hashlib.sha256(body).hexdigest()[:16]
        known = None if self._failed(name) else self._known(name)
        if known is not None and known != digest:
            raise Conflict("Round {name} was begun with other parameters", name=name)
        if known is not None:
            return
        busy = sum(not task.done() for _, task in self._running.values())
        if busy >= _MOST_WAITING:
            raise Limit("{count} rounds wait here already", count=busy, hint="Wait for them to end.")
        self._forget_done()
        target = self._folder / f"{name}.{digest}.update"
        self._running[name] = (digest, asyncio.create_task(self._lane.do(_train, body, self._data, target)))

    async def update(self, name: str, wait_s: float) -> bytes | None:
        """Return the packed update, or None while it is being made; raise what the training raised, or `Missing`."""
        if name in self._running:
            task = self._running[name][1]
            done, _ = await asyncio.wait({task}, timeout=wait_s)
            if not done:
                return None
            return await asyncio.to_thread(task.result().read_bytes)
        path = self._file(name)
        if path is None:
            raise Missing("There is no round {name} here", name=name[:80], hint="Begin it again.")
        return await asyncio.to_thread(path.read_bytes)

    async def close(self) -> None:
        """End: what has not begun is dropped, what runs is awaited."""
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _known(self, name: str) -> str | None:
        if name in self._running:
            return self._running[name][0]
        path = self._file(name)
        return path.name.split(".")[1] if path else None

    def _failed(self, name: str) -> bool:
        if name not in self._running:
            return False
        task = self._running[name][1]
        return task.done() and (task.cancelled() or task.exception() is not None)

    def _file(self, name: str) -> Path | None:
        return next(iter(self._folder.glob(f"{name}.*.update")), None) if _ID.fullmatch(name) else None

    def _forget_done(self) -> None:
        for name in [name for name, (_, task) in self._running.items() if task.done()]:
            _, task = self._running.pop(name)
            if not task.cancelled():
                task.exception()  # seen: it was told to whoever asked
        kept = sorted(self._folder.glob("*.update"), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[: -(_KEPT - 1)]:
            path.unlink()


def _train(body: bytes, data: Path, target: Path) -> Path:
    """Train once and write the update to `target`."""
    from app.agent.keeper import Keeper
    from app.engine.learning.local import train
    from app.wire.tensors import pack, unpack

    params, meta = unpack(body, most_bytes=TENSOR_BYTES)
    spec = parse_object(meta.get("spec", ""))
    x, y = _examples(data, spec)
    began_s = time.thread_time()
    keeper = Keeper(target.parent / "memory", spec)
    result = train(params, x, y, spec, keeper.load())
    keeper.keep(result.memory)
    told = {
        "examples": str(result.examples), "loss": repr(float(result.loss)), "steps": str(result.steps),
        "cpu_s": repr(time.thread_time() - began_s), "round": str(spec.get("round", 0)),
    }  # fmt: skip
    replace_file(target, pack(result.update if result.sent is None else result.sent, told))
    return target


def _examples(folder: Path, spec: dict[str, Any]) -> tuple[Any, Any]:
    from app.wire.tensors import unpack

    name = spec.get("data")
    if not isinstance(name, str) or not _DATA.fullmatch(name):
        raise BadInput("The round names no data set", field="data")
    path = folder / f"{name}.safetensors"
    if not path.is_file():
        raise Missing("This node has no data set {name}", name=name)
    tensors, _ = unpack(path.read_bytes(), most_bytes=_DATA_BYTES)
    if not {"x", "y"} <= tensors.keys():
        raise BadInput("{file} holds no x and y", file=path.name)
    return tensors["x"], tensors["y"]
