"""What runs in a worker process: one job at a time, told over a pipe in JSON (never pickle).

Imports only the standard library and the job's own module, so that a worker starts in a few hundredths of a second.
To the worker: {"do": "job"|"stop"|"end"}; from it: {"is": "begun"|"progress"|"done"|"failed"}. A worker whose pipe
closes tells its job to stop, which may steer something and leaves it safe then, and ends within a second: no orphans.
"""

import contextlib
import importlib
import json
import math
import os
import queue
import re
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from app.engine.base import platform
from app.engine.base.errors import Bug, Limit, OutpostError, Refused
from app.engine.jobs.progress import Throttle

MOST_BYTES: Final = 8 << 20
# The name of a thread that a job leaves behind because it can be told nothing; its process ends with the job.
LEFT_BEHIND: Final = "left behind"
# How long a job has to stop once nobody is there any more.
_ALONE_S: Final = 1.0
_TARGET = re.compile(r"app\.engine(?:\.[a-z_][a-z0-9_]*)+:[a-z][a-z0-9_]*")


def check_target(target: str) -> None:
    """Raise `Refused` unless `target` is `app.engine.…:function`: a job row must never name other code."""
    if not _TARGET.fullmatch(target):
        raise Refused("{target} is no job of Outpost", target=target)


def encode(document: dict[str, Any]) -> bytes:
    """Return JSON bytes; numpy numbers and arrays become numbers and lists, NaN becomes null."""
    try:
        text = json.dumps(document, allow_nan=False, default=_plain, separators=(",", ":"))
    except ValueError:
        text = json.dumps(finite(json.loads(json.dumps(document, default=_plain))), separators=(",", ":"))
    return text.encode()


def finite(value: Any) -> Any:
    """Return `value`, dicts and lists within, with null in the place of numbers that are not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: finite(inner) for name, inner in value.items()}
    return [finite(inner) for inner in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise Bug("A job may return plain JSON only, not {kind}", kind=type(value).__name__)


class Teller:
    """Sends documents up the pipe; progress goes through the throttle, held news by a thread of its own."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._throttle = Throttle()
        self._changed = threading.Condition()
        self.job_id = ""
        threading.Thread(target=self._send_held, name="progress", daemon=True).start()

    def report(self, done: float, total: float, unit: str = "", partial: Any = None, samples: Any = None) -> None:
        """Tell how far the job is; cheap to call often."""
        with self._changed:
            self._throttle.add(done, total, unit, partial, samples)
            if self._throttle.wait_s(time.monotonic()) == 0:
                self._flush()
            else:
                self._changed.notify()

    def send(self, document: dict[str, Any]) -> None:
        """Send `document` for the job in hand, after all progress that is held."""
        data = encode({**document, "id": self.job_id})
        with self._changed:
            self._flush()
            self._pipe.send_bytes(data)

    def _flush(self) -> None:
        held = self._throttle.take(time.monotonic())
        if held is not None:
            # Nobody there: whoever listens to the pipe notices, and has the job stop.
            with contextlib.suppress(OSError):
                self._pipe.send_bytes(encode({"is": "progress", "id": self.job_id, **held}))

    def _send_held(self) -> None:
        while True:
            with self._changed:
                wait_s = self._throttle.wait_s(time.monotonic())
                if wait_s == 0:
                    self._flush()
                else:
                    self._changed.wait(wait_s)


def main(pipe: Connection) -> None:
    """Run jobs from `pipe` until told to end or the other side is gone."""
    platform.ignore_interrupt()
    platform.lower_priority()
    _quiet_stdout()
    # Shared by all homes: a fresh home must not compile every kernel anew.
    os.environ["NUMBA_CACHE_DIR"] = str(platform.cache_folder() / "numba")
    orders: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    stopped: set[str] = set()
    teller = Teller(pipe)
    threading.Thread(target=_listen, args=(pipe, orders, stopped, teller), name="orders", daemon=True).start()
    while (order := orders.get()).get("do") == "job":
        _run(order, teller, stopped)
        if any(thread.name == LEFT_BEHIND for thread in threading.enumerate()):
            os._exit(0)
    pipe.close()


def _quiet_stdout() -> None:
    # What a library prints must not mix with the one JSON object that the command line prints.
    with contextlib.suppress(OSError):
        os.dup2(2, 1)


def _listen(pipe: Connection, orders: "queue.SimpleQueue[dict[str, Any]]", stopped: set[str], teller: Teller) -> None:
    try:
        while True:
            order = json.loads(pipe.recv_bytes())
            if order["do"] == "stop":
                stopped.add(order["id"])
            else:
                orders.put(order)
            if order["do"] == "end":
                return
    except (EOFError, OSError):
        if teller.job_id:
            stopped.add(teller.job_id)
            threading.Event().wait(_ALONE_S)
        os._exit(1)


def _run(order: dict[str, Any], teller: Teller, stopped: set[str]) -> None:
    job_id = teller.job_id = str(order["id"])
    try:
        teller.send({"is": "begun"})
        work = _load(order["target"], order["spec"])
        result = work(order["spec"], order["seed"], teller.report, lambda: job_id in stopped)
        if len(encode({"result": result})) > MOST_BYTES:
            raise Limit("The result of this job is larger than {most} MiB", most=MOST_BYTES >> 20)
        teller.send({"is": "done", "result": result})
    except (BrokenPipeError, ConnectionError):
        os._exit(1)
    except OutpostError as error:
        teller.send({"is": "failed", "problem": error.problem()})
    except MemoryError:
        teller.send({"is": "failed", "problem": Limit("There is not enough memory for this job").problem()})
    except Exception as error:  # noqa: BLE001 - travels as a bug, with its trace
        bug = Bug("{kind}: {text}", kind=type(error).__name__, text=str(error))
        teller.send({"is": "failed", "problem": bug.problem(), "trace": traceback.format_exc()})
    finally:
        stopped.discard(job_id)
        teller.job_id = ""


def _load(target: str, spec: dict[str, Any]) -> Callable[..., Any]:
    check_target(target)
    platform.algebra_threads(int(spec.get("blas_threads", 1)), by_force="blas_threads" in spec)
    module, _, function = target.partition(":")
    return getattr(importlib.import_module(module), function)  # type: ignore[no-any-return]
