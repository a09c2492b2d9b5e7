"""One worker process seen from the loop: started, fed and reaped by threads of its own, so that nothing here waits."""

import asyncio
import contextlib
import json
import multiprocessing
import queue
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from app.engine.jobs import worker
from app.engine.store.threads import tell

_REAP_S = 2.0
_starting = threading.Lock()


class WorkerProcess:
    """A spawned process and its pipe; `heard` and `ended` are called on the loop, `ended` last and exactly once."""

    def __init__(
        self,
        kind: str,
        heard: Callable[["WorkerProcess", dict[str, Any]], None],
        ended: Callable[["WorkerProcess", str], None],
    ) -> None:
        self.kind, self.pid = kind, 0
        self._heard, self._ended = heard, ended
        self._loop = asyncio.get_running_loop()
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._process: SpawnProcess | None = None
        self._guard = threading.Lock()
        self._killed = False
        self._thread = threading.Thread(target=self._live, name=f"worker-{kind}", daemon=True)
        self._thread.start()

    def send(self, document: dict[str, Any]) -> None:
        """Send a document down the pipe; never waits."""
        self._outbox.put(worker.encode(document))

    def kill(self) -> None:
        """End the process at once, whatever it does."""
        with self._guard:
            self._killed = True
            if self._process is not None:
                self._process.kill()

    def _live(self) -> None:
        reason = "it could not be started"
        try:
            process, pipe = self._start()
            reason = "it could not be followed"
            reason = self._serve(process, pipe)
        except OSError as error:
            reason = str(error)
        finally:
            tell(self._loop, lambda: self._ended(self, reason))

    def _start(self) -> tuple[SpawnProcess, Connection]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=worker.main, args=(theirs,), name=f"outpost-{self.kind}", daemon=True)
        try:
            with _starting:
                process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self.pid = process.pid or 0
        with self._guard:
            self._process = process
            if self._killed:
                process.kill()
        return process, ours

    def _serve(self, process: SpawnProcess, pipe: Connection) -> str:
        sender = threading.Thread(target=self._feed, args=(pipe,), name=f"worker-{self.kind}-orders", daemon=True)
        sender.start()
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._pass_on(json.loads(pipe.recv_bytes()))
        self._outbox.put(None)
        process.join(_REAP_S)
        if process.exitcode is None:
            process.kill()
            process.join(_REAP_S)
        code = process.exitcode
        sender.join()
        pipe.close()
        with self._guard:
            self._process = None
        if code is None:
            # Somebody else has waited for our child, and with that taken its exit status.
            return "exit status unknown"
        process.close()
        return f"signal {-code}" if code < 0 else f"exit status {code}"

    def _pass_on(self, document: dict[str, Any]) -> None:
        tell(self._loop, lambda: self._heard(self, document))

    def _feed(self, pipe: Connection) -> None:
        # A broken pipe is noticed and told by the reading side.
        with contextlib.suppress(OSError):
            while (data := self._outbox.get()) is not None:
                pipe.send_bytes(data)
