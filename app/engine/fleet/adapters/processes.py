"""Real agent processes on this machine, for the demo fleet.

Those of a console run on a leash (see `leash.py`): they end with it, even when it is killed. Those of a single command run
on after it, and the next engine on the home adopts them. What was started is noted in the agent's home; only a process with
the noted id, start time and command line is ever touched.
"""

import asyncio
import contextlib
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, Protocol

import app
from app.engine.base.errors import BadInput, Offline, Timeout
from app.engine.base.platform import detached_flags, kill_hard, make_private
from app.engine.store.threads import in_thread

_NOTE: Final = "process.json"
_LEASH: Final = "app.engine.fleet.adapters.leash"
_LOG_BYTES: Final = 1 << 20


class Running(Protocol):
    """What is asked of a process, ours or one found."""

    @property
    def pid(self) -> int:
        """Return its id."""

    def poll(self) -> int | None:
        """Return None while it runs."""

    def terminate(self) -> None:
        """Ask it to end."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raise `subprocess.TimeoutExpired`."""


class Found:
    """A process that an earlier command started; told by id, start time and command line, never by its id alone."""

    def __init__(self, pid: int) -> None:
        import psutil

        self._process = psutil.Process(pid)
        self.pid = pid

    def poll(self) -> int | None:
        """Return None while it runs; how it ended nobody can tell, so that is 0."""
        import psutil

        try:
            runs = self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            runs = False
        return None if runs else 0

    def terminate(self) -> None:
        """Ask it to end."""
        import psutil

        with contextlib.suppress(psutil.Error):
            self._process.terminate()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raise `subprocess.TimeoutExpired`."""
        import psutil

        _, alive = psutil.wait_procs([self._process], timeout=timeout)
        if alive and self.poll() is None:
            raise subprocess.TimeoutExpired("agent", timeout or 0.0)
        return 0


@dataclass
class AgentProcess:
    """One running agent: where it listens, its device id, and its pairing code while it is unpaired."""

    home: Path
    address: str
    device_id: str
    code: str | None
    process: Running = field(repr=False)
    leashed: bool = True

    @property
    def alive(self) -> bool:
        """Tell whether the process still runs; never blocks."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End it at once, as a power cut would; blocks until it is gone."""
        if self.alive:
            kill_hard(self.process.pid)
        self._reap(5.0)

    def end(self, limit_s: float = 3.0) -> None:
        """Ask it to end and wait; kill it after `limit_s`."""
        if self.alive:
            self.process.terminate()
            try:
                self.process.wait(limit_s)
            except subprocess.TimeoutExpired:
                kill_hard(self.process.pid)
        self._reap(5.0)

    def _reap(self, limit_s: float) -> None:
        self.process.wait(limit_s)
        _close_pipes(self.process)
        (self.home / _NOTE).unlink(missing_ok=True)


class AgentHerd:
    """The agents this engine started or adopted, by their home.

    `leashed` (a console's are): what was started here ends with the engine; else it runs on, and is adopted by the next.
    """

    def __init__(self) -> None:
        self.leashed = True
        self._agents: dict[Path, AgentProcess] = {}

    def get(self, home: Path) -> AgentProcess | None:
        """Return the agent started in `home`, running or not."""
        return self._agents.get(home)

    async def launch(self, home: Path, name: str) -> AgentProcess:
        """Start an agent in `home`, ending first what runs there."""
        await self.end(home)
        agent = await in_thread(partial(launch, home, name, leashed=self.leashed), "agent-start")
        self._agents[home] = agent
        return agent

    async def adopt(self, homes: Iterable[Path]) -> None:
        """Take over the agents that an earlier command left running in `homes`."""
        for agent in await in_thread(partial(_adopt_all, tuple(homes)), "agent-adopt"):
            self._agents[agent.home] = agent

    async def end(self, home: Path) -> None:
        """End the agent in `home`, if it is ours."""
        agent = self._agents.pop(home, None)
        if agent is not None:
            await in_thread(agent.end, "agent-end")

    async def discard(self, home: Path) -> None:
        """End the agent in `home` and remove all it kept."""
        await self.end(home)
        await in_thread(partial(_remove, home), "agent-remove")

    async def end_all(self) -> None:
        """End every agent, all at once."""
        await asyncio.gather(*(self.end(home) for home in tuple(self._agents)))

    async def close(self) -> None:
        """End those on a leash, and let the others run on."""
        for home, agent in tuple(self._agents.items()):
            if not agent.leashed:
                del self._agents[home]
                _close_pipes(agent.process)
        await self.end_all()


def _adopt_all(homes: tuple[Path, ...]) -> list[AgentProcess]:
    return [agent for home in homes if (agent := adopt(home)) is not None]


def adopt(home: Path) -> AgentProcess | None:
    """Return the agent that an earlier command left running in `home`, or None."""
    noted = _noted(home)
    if noted is None or not noted.get("address"):
        return None
    return AgentProcess(home, str(noted["address"]), str(noted["device"]), None, Found(int(noted["pid"])), leashed=False)


def _remove(home: Path) -> None:
    end_left_over(home)
    shutil.rmtree(home, ignore_errors=True)


def agent_command(home: Path, name: str, leashed: bool = True, host: str = "127.0.0.1") -> list[str]:
    """Return the command line that runs an agent with `home`; a frozen program is its own interpreter, with no leash."""
    module = [sys.executable, "-m", _LEASH if leashed else "app.agent"]
    program = [sys.executable, "agent"] if getattr(sys, "frozen", False) else module
    return [*program, "run", "--home", str(home), "--port", "0", "--host", host, "--name", name]


def launch(home: Path, name: str, limit_s: float = 30.0, *, leashed: bool = True) -> AgentProcess:
    """Start an agent and wait until it listens; blocks, so call it off the loop.

    Raises `Timeout` when it does not come up in `limit_s`, `Offline` with its last words when it ends at once.
    """
    make_private(home)
    end_left_over(home)
    log_path = home / "agent.log"
    if log_path.exists() and log_path.stat().st_size > _LOG_BYTES:
        log_path.unlink()
    root = str(Path(app.__file__).resolve().parents[1])
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            agent_command(home, name, leashed), stdin=subprocess.PIPE if leashed else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=log,
            env={**os.environ, "PYTHONPATH": path}, **detached_flags(),
        )  # fmt: skip
    try:
        document = _first_line(process, limit_s, log_path)
    except BaseException:
        _drop(process)
        raise
    _note(home, process.pid, document)
    return AgentProcess(home, document["address"], document["device"], document.get("code"), process, leashed)


def end_left_over(home: Path) -> bool:
    """End the agent that an earlier console started in `home` and could not end; return whether there was one."""
    import psutil

    noted = _noted(home)
    if noted is None:
        (home / _NOTE).unlink(missing_ok=True)
        return False
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(int(noted["pid"]))
        process.terminate()
        _, alive = psutil.wait_procs([process], timeout=3.0)
        for stubborn in alive:
            stubborn.kill()
            stubborn.wait(5.0)
    (home / _NOTE).unlink(missing_ok=True)
    return True


def _noted(home: Path) -> dict[str, Any] | None:
    """Return the note of a process that runs in `home` and is the one noted."""
    import psutil

    try:
        noted = json.loads((home / _NOTE).read_text("utf-8"))
        process = psutil.Process(int(noted["pid"]))
        same = abs(process.create_time() - float(noted["created_s"])) < 2.0 and str(home) in process.cmdline()
        return dict(noted) if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None


def _note(home: Path, pid: int, document: dict[str, Any]) -> None:
    import psutil

    try:
        created_s = psutil.Process(pid).create_time()
    except psutil.Error:
        return
    told = {"pid": pid, "created_s": created_s, "address": document["address"], "device": document["device"]}
    (home / _NOTE).write_text(json.dumps(told), "utf-8")


def _first_line(process: "subprocess.Popen[bytes]", limit_s: float, log_path: Path) -> dict[str, Any]:
    """Return the JSON the agent prints once it listens."""
    stdout = process.stdout
    if stdout is None:
        raise ValueError("the agent was started without a pipe")
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read(stream: IO[bytes]) -> None:
        lines.put(stream.readline())

    threading.Thread(target=read, args=(stdout,), name="agent-start", daemon=True).start()
    try:
        line = lines.get(timeout=limit_s)
    except queue.Empty:
        raise Timeout("The agent did not start within {limit_s} s", limit_s=limit_s, hint="See {log}", log=log_path) from None
    if not line.strip():
        raise Offline("The agent ended at once: {words}", words=_last_words(log_path), hint="See {log}", log=log_path)
    try:
        document = json.loads(line)
        if not isinstance(document["address"], str) or not isinstance(document["device"], str):
            raise TypeError("address and device are text")
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput("The agent's first line is not what was expected: {reason}", reason=str(error)) from None
    return dict(document)


def _last_words(log_path: Path) -> str:
    lines = log_path.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _drop(process: "subprocess.Popen[bytes]") -> None:
    """End a process that did not come up, so that nothing is left behind."""
    deadline_s = time.monotonic() + 5.0
    if process.poll() is None:
        kill_hard(process.pid)
    process.wait(max(0.1, deadline_s - time.monotonic()))
    _close_pipes(process)


def _close_pipes(process: Running) -> None:
    for pipe in (getattr(process, "stdin", None), getattr(process, "stdout", None)):
        if pipe is not None:
            pipe.close()
