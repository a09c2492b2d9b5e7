"""Rounds of federated training: parameters in, an update out; the data stays on the node.

A finished update stays until newer rounds push it out, so asking twice gives it again. One that took long to make is a file,
and there after a restart; any other becomes one where the agent ends in order, and else is made again, to the bit: that takes
no longer than the disk would. It is told before its file is written, and nothing waits for the disk: one that a power cut
spoilt does not have the digest in its name, and is made again, too.
"""

import asyncio
import contextlib
import logging
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from app.agent.lane import Lane
from app.engine.base.errors import BadInput, Conflict, Limit, Missing
from app.wire.documents import parse_object
from app.wire.limits import TENSOR_BYTES
from app.wire.signing import digest_of

LOG = logging.getLogger(__name__)
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_DATA: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_KEPT: Final = 4
_MOST_WAITING: Final = 4
_DATA_BYTES: Final = 1 << 30
_HELD_BYTES: Final = 16 << 20
_SETTLED_NS: Final = 2_000_000_000  # a file written just now may change once more without its time telling so
_SHARE: Final = 0.8  # of the time until the deadline; the rest is for the way there and back
_LONG_S: Final = 0.25  # to train; what took no longer is not worth a file
_SHORT: Final = 16  # hex digits of a digest in a name
Own: TypeAlias = tuple[int | None, int | None]  # a node's place, and the last round that it counted in, where they are told


@dataclass(frozen=True)
class Update:
    """A packed update and its digest, see `tensors.digests`; `took_s` is how long it was made."""

    body: bytes
    digest: str
    took_s: float = field(default=0.0, compare=False)


class Pace:
    """How long this node takes for a pass over its data, as its last round told; used in the lane of training alone."""

    def __init__(self) -> None:
        self._epoch_s: dict[str, float] = {}

    def epochs(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Return `spec` with as many passes, at least one, as can be made by its deadline; all of them until that is known."""
        epoch_s, deadline_s = self._epoch_s.get(_work_of(spec), 0.0), spec.get("deadline_s", 0.0)
        asked = spec.get("epochs")
        if not epoch_s or not isinstance(asked, int) or not isinstance(deadline_s, (int, float)) or deadline_s <= 0:
            return spec
        return {**spec, "epochs": min(asked, max(1, int(_SHARE * deadline_s / epoch_s)))}

    def learn(self, spec: dict[str, Any], took_s: float) -> None:
        """Note how long a round took."""
        self._epoch_s[_work_of(spec)] = took_s / max(1, int(spec.get("epochs", 1)))


class DataSets:
    """The data sets of this node, used in the lane of training alone; the one used last stays in memory unless it is large."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: tuple[tuple[Path, int, int], tuple[Any, Any]] | None = None

    def examples(self, name: object) -> tuple[Any, Any]:
        """Return inputs and labels of the data set `name`, not to be written to; raise `BadInput` or `Missing`."""
        if not isinstance(name, str) or not _DATA.fullmatch(name):
            raise BadInput("The round names no data set", field="data")
        path = self._folder / f"{name}.safetensors"
        try:
            found = path.stat()
        except FileNotFoundError:
            raise Missing("This node has no data set {name}", name=name) from None
        state = path, found.st_mtime_ns, found.st_size
        if self._held is not None and self._held[0] == state:
            return self._held[1]
        self._held, read = None, _read(path)
        if found.st_size <= _HELD_BYTES and time.time_ns() - found.st_mtime_ns > _SETTLED_NS:
            self._held = state, read
        return read


def _work_of(spec: dict[str, Any]) -> str:
    return " ".join(str(spec.get(name, "")) for name in ("model", "data", "algorithm", "batch"))


class Rounds:
    """The rounds of this node, used on the loop; training is done in a lane."""

    def __init__(self, folder: Path, data: Path, lane: Lane) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._data, self._lane = folder, DataSets(data), lane
        self._running: dict[str, tuple[str, asyncio.Task[Update]]] = {}
        self._files = {path.name.partition(".")[0]: path for path in _updates(folder)[-_KEPT:]}
        self._filing: set[asyncio.Task[None]] = set()
        self._pace = Pace()

    def begin(
        self, name: str, body: bytes, digest: str = "", client: int | None = None, since: int | None = None
    ) -> None:  # fmt: skip
        """Begin round `name` with the packed parameters and spec in `body`; the same again changes nothing.

        `digest` is that of the body where it is known; `client` is this node's place, in place of that in the spec,
        and `since` the last round of the session in which its update counted.
        """
        if not _ID.fullmatch(name):
            raise BadInput("{name} is no round id", name=repr(name[:80]), field="round")
        order = (digest or digest_of(body))[:_SHORT] + ("" if client is None else f"-{client}")
        known = None if self._failed(name) else self._known(name)
        if known is not None and known != order:
            raise Conflict("Round {name} was begun with other parameters", name=name)
        if known is not None:
            return
        busy = sum(not task.done() for _, task in self._running.values())
        if busy >= _MOST_WAITING:
            raise Limit("{count} rounds wait here already", count=busy, hint="Wait for them to end.")
        self._forget_done()
        self._running[name] = (order, asyncio.create_task(self._make(name, order, body, (client, since))))

    async def update(self, name: str, wait_s: float) -> Update | None:
        """Return the packed update, or None while it is being made; raise what the training raised, or `Missing`."""
        if name in self._running:
            task = self._running[name][1]
            done, _ = await asyncio.wait({task}, timeout=wait_s)
            return task.result() if done else None
        path = self._file(name)
        found = await asyncio.to_thread(_sound, path) if path is not None else None
        if found is None:
            raise Missing("There is no round {name} here", name=name[:80], hint="Begin it again.")
        return found

    async def close(self) -> None:
        """End: what has not begun is dropped, what runs is awaited, what is made is written."""
        for _, task in self._running.values():
            task.cancel()
        ends = await asyncio.gather(*(task for _, task in self._running.values()), return_exceptions=True)
        for (name, (order, _)), made in zip(self._running.items(), ends, strict=True):
            if isinstance(made, Update) and name not in self._files:
                self._begin_filing(name, order, made)
        await asyncio.gather(*self._filing, return_exceptions=True)

    async def _make(self, name: str, order: str, body: bytes, own: Own) -> Update:
        made = await self._lane.do(_train, body, self._data, self._folder / "memory", own, self._pace)
        if made.took_s >= _LONG_S:
            self._begin_filing(name, order, made)
        return made

    def _begin_filing(self, name: str, order: str, made: Update) -> None:
        target = self._folder / f"{name}.{order}.{made.digest[:_SHORT]}.update"
        self._files = dict([*self._files.items(), (name, target)][-_KEPT:])
        filing = asyncio.create_task(self._lane.do(_file_away, target, made.body))
        self._filing.add(filing)
        filing.add_done_callback(self._filed)

    def _filed(self, filing: "asyncio.Task[None]") -> None:
        self._filing.discard(filing)
        if not filing.cancelled() and (error := filing.exception()) is not None:
            LOG.warning("an update is kept in memory only: %s", error)

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
        path = self._files.get(name)
        return path if path is not None and path.is_file() else None

    def _forget_done(self) -> None:
        for name in [name for name, (_, task) in self._running.items() if task.done()]:
            _, task = self._running.pop(name)
            if not task.cancelled():
                task.exception()  # seen: it was told to whoever asked


def _file_away(target: Path, body: bytes) -> None:
    """Write an update and remove those that newer ones push out."""
    scratch = target.with_name(target.name + ".new")
    scratch.write_bytes(body)
    scratch.replace(target)
    for path in _updates(target.parent)[:-_KEPT]:
        path.unlink()


def _updates(folder: Path) -> list[Path]:
    """Return the updates that lie in a folder, the newest last."""
    return sorted((path for path in folder.iterdir() if path.suffix == ".update"), key=lambda path: path.stat().st_mtime_ns)


def _sound(path: Path) -> Update | None:
    """Return the update in a file; None, and the file is gone, when it is not what its name says."""
    from app.wire.tensors import digests

    with contextlib.suppress(FileNotFoundError):
        body = path.read_bytes()
        digest = digests(body)[0]
        if path.name.split(".")[2] == digest[:_SHORT]:
            return Update(body, digest)
        path.unlink()
    return None


def _train(body: bytes, data: DataSets, memory: Path, own: Own, pace: Pace) -> Update:
    """Train once and return the update."""
    from app.agent.keeper import Keeper
    from app.engine.learning.local import train
    from app.wire.tensors import digests, pack, unpack

    params, meta = unpack(body, most_bytes=TENSOR_BYTES, views=True)
    client, since = own
    spec = parse_object(meta.get("spec", ""))
    if client is not None:
        spec["client"] = client
    spec = pace.epochs(spec)
    x, y = data.examples(spec.get("data"))
    began_s, since_s = time.thread_time(), time.monotonic()
    keeper = Keeper(memory, spec, since)
    result = train(params, x, y, spec, keeper.load())
    keeper.keep(result.memory)
    pace.learn(spec, time.monotonic() - since_s)
    told = {
        "examples": str(result.examples), "loss": repr(float(result.loss)), "steps": str(result.steps),
        "cpu_s": repr(time.thread_time() - began_s), "round": str(spec.get("round", 0)),
    }  # fmt: skip
    made = pack(result.update if result.sent is None else result.sent, told)
    return Update(made, digests(made)[0], time.monotonic() - since_s)


def _read(path: Path) -> tuple[Any, Any]:
    from app.wire.tensors import unpack

    tensors, _ = unpack(path.read_bytes(), most_bytes=_DATA_BYTES, views=True)
    if not {"x", "y"} <= tensors.keys():
        raise BadInput("{file} holds no x and y", file=path.name)
    return tensors["x"], tensors["y"]
