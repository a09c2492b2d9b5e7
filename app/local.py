"""The private local door: the process that owns a home answers the commands of other processes of the same user.

A user-only socket (a named pipe on Windows) with a shared key from a user-only file; one JSON document a message.
Client: {"command", "args"}; then {"taken"}, any number of {"progress"} and one {"result"} or {"problem"} come back. What
was not taken was not begun, and may be asked again. A client that hangs up cancels its command.
"""

import asyncio
import contextlib
import json
import logging
import queue
import secrets
import threading
from collections.abc import Callable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from app.engine.base.errors import BadInput, Offline, Refused, from_problem
from app.engine.base.events import WindowAsked
from app.engine.base.funnel import as_outpost_error
from app.engine.base.ids import new_id
from app.engine.base.platform import local_address, write_private
from app.engine.engine import Engine

log = logging.getLogger(__name__)
RAISE_WINDOW = "window.raise"
_END = b""
_TAKEN = b'{"taken": true}'


class NobodyAnswers(Offline):
    """Nobody took the call, so nothing was asked: to call again is safe."""


def _key(home: Path) -> bytes:
    path = home / "local.key"
    if not path.exists():
        write_private(path, secrets.token_bytes(32))
    return path.read_bytes()


class LocalDoor:
    """Answers on the local address of the engine's home until `stop`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self._family, self._address = local_address(engine.home, "door")
        self._key = _key(engine.home)
        if self._family == "AF_UNIX":
            Path(self._address).unlink(missing_ok=True)  # stale after a kill; the home's lock says nobody else listens
        self._listener = Listener(self._address, self._family, authkey=self._key)
        self._answering: set[asyncio.Task[Any]] = set()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="local-door", daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                connection = self._listener.accept()
            except Exception as error:  # noqa: BLE001 - a caller with a wrong key must not end the door
                if not self._ending.is_set():
                    log.warning("a local caller was refused: %s", error)
                continue
            if self._ending.is_set():
                connection.close()
                break
            threading.Thread(target=self._serve, args=(connection,), name="local-caller", daemon=True).start()
        self._listener.close()  # whoever still stands in line is sent away, `_wake` too, if a caller came before it

    def _serve(self, connection: "Connection[Any, Any]") -> None:
        outgoing: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        with connection, contextlib.suppress(EOFError, OSError):
            request = connection.recv_bytes(1 << 20)
            if self._ending.is_set():
                return
            connection.send_bytes(_TAKEN)
            task = asyncio.run_coroutine_threadsafe(self._answer(request, outgoing.put), self._loop)
            threading.Thread(target=_until_gone, args=(connection, task.cancel), daemon=True).start()
            while (message := outgoing.get()) != _END:
                connection.send_bytes(message)

    async def _answer(self, request: bytes, send: Callable[[bytes], None]) -> None:
        cause = new_id()

        def progress(change: Any) -> None:
            for job in (*change.added, *change.changed):
                if job.cause == cause:
                    send(_pack({"progress": {"title": job.title, "done": job.done, "total": job.total, "unit": job.unit}}))

        undo = self._engine.jobs.records.watch(progress)
        answering = asyncio.current_task()
        assert answering is not None
        self._answering.add(answering)
        try:
            asked = json.loads(request)
            if asked.get("command") == RAISE_WINDOW:
                self._engine.publish(WindowAsked(at_us=self._engine.clock.now_us(), actor=self._engine.actor))
                result: Any = {}
            else:
                args = dict(asked.get("args", {}))
                for name in ("acting", "cause"):  # who acts here is this user, whatever a caller says
                    if name in args:
                        raise BadInput("{name} is not an argument", field=name, name=name)
                result = await self._engine.run(str(asked.get("command")), cause=cause, **args)
            send(_pack({"result": result}))
        except BaseException as error:
            send(_pack({"problem": as_outpost_error(error).problem()}))
            if isinstance(error, (asyncio.CancelledError, KeyboardInterrupt)):
                raise
        finally:
            undo()
            send(_END)
            self._answering.discard(answering)

    async def idle(self) -> None:
        """Return once no command that was handed in is under way."""
        while self._answering:
            await asyncio.wait(self._answering)

    async def stop(self) -> None:
        """Close the address; commands under way are ended by the engine's own stop."""
        self._ending.set()
        await asyncio.to_thread(self._wake)

    def _wake(self) -> None:
        with contextlib.suppress(OSError, EOFError):
            Client(self._address, self._family, authkey=self._key).close()
        self._thread.join(2)


def _until_gone(connection: "Connection[Any, Any]", cancel: Callable[[], object]) -> None:
    try:
        connection.recv_bytes(1)
    except (EOFError, OSError):
        cancel()


def _pack(document: dict[str, Any]) -> bytes:
    return json.dumps(document, allow_nan=False).encode()


def ask(home: Path, command: str, args: dict[str, Any], progress: Callable[[dict[str, Any]], None]) -> Any:
    """Run `command` in the process that owns `home` and return its result; raises that process's error as ours."""
    family, address = local_address(home, "door")
    try:
        connection = Client(address, family, authkey=_key(home))
    except AuthenticationError:
        raise Refused("The key in {home} is not the one of the Outpost that has it open", home=home) from None
    except (OSError, EOFError) as error:
        raise NobodyAnswers(
            "The Outpost that has {home} open does not answer: {reason}",
            home=home, reason=str(error), hint="Wait until it has started, or close it.",
        ) from None  # fmt: skip
    with connection:
        try:
            connection.send_bytes(_pack({"command": command, "args": args}))
            connection.recv_bytes()  # taken
        except (EOFError, OSError):
            raise NobodyAnswers(
                "The Outpost that has {home} open is just ending", home=home, hint="Try again in a moment."
            ) from None
        while True:
            try:
                answer = json.loads(connection.recv_bytes())
            except (EOFError, OSError):
                raise Offline("The Outpost that has {home} open went away", home=home) from None
            except ValueError:
                raise BadInput("The Outpost that has {home} open sent something unreadable", home=home) from None
            if "progress" in answer:
                progress(answer["progress"])
            elif "problem" in answer:
                raise from_problem(answer["problem"])
            else:
                return answer.get("result")
