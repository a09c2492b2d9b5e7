"""What a round over live agents costs besides training, and how soon a session goes on after its engine was killed.

Agents are real processes on this machine, asked over HTTPS with signed requests and signed updates; each trains on one
example, so that a round is almost all overhead. Prints a JSON line for each figure:

- the time of a round with updates of 400 KB, and the CPU time of the engine and of the agents in it; beside it the floors: the
  same bytes over plain TCP in this process, and what the signatures and digests alone cost both sides;
- how many updates of real agents, and whether the model they come to, equal those of a simulation to the bit;
- how long it takes to go back from a promoted model to the one before;
- seconds from the start of an engine until a session that a SIGKILL broke off has committed its next round, how many
  committed rounds were lost, and whether the model then equals that of a session nobody killed, to the bit.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the program does

from app.commands.table import command_table
from app.engine.base.clock import SystemClock
from app.engine.base.events import RoundFinished
from app.engine.base.platform import kill_hard
from app.engine.engine import Engine
from app.engine.learning.batched import Population
from app.engine.learning.data import load_digits
from app.engine.learning.nets import DIGITS_MODEL, count_of, initial, unflatten
from app.engine.learning.records import LocalSpec
from app.engine.learning.service import SHARD_FILE
from app.engine.learning.sessions import digest_of as update_digest
from app.engine.learning.simulate import rounds as simulated
from app.engine.learning.strategy import Strategy
from app.engine.store import artifacts, rows
from app.wire import tensors
from app.wire.identity import DeviceIdentity
from app.wire.signing import digest_of

MODEL = "mlp-64-1350-10"  # 101,260 parameters: 405 KB
ONE: dict[str, Any] = {"data": "one", "epochs": 1, "batch": 1, "model": MODEL, "name": "", "deadline_s": 60.0}
KILLED: dict[str, Any] = {"rounds": 30, "epochs": 5, "lr": 0.1, "name": "", "seed": 7}


async def opened(home: Path) -> Engine:
    """Return an engine over `home` that shows its notices to nobody."""
    return await Engine.open(home, command_table(), clock=SystemClock(), show=lambda _notice: None)


def lay_out(home: Path, agents: int) -> None:
    """Give each agent of the demo a data set of one example."""
    split = load_digits()
    for at in range(agents):
        folder = home / "agents" / f"node-{at + 1:02}" / Path(SHARD_FILE).parent
        folder.joinpath("one.safetensors").write_bytes(
            tensors.pack({"x": split.train_x[at : at + 1], "y": split.train_y[at : at + 1].astype("float32")}, {})
        )


async def floor(agents: int, size: int, rounds: int) -> float:
    """Return the seconds of a round in which `agents` peers get and send `size` bytes each over plain TCP."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                writer.write(await reader.readexactly(size))
                await writer.drain()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=1 << 20)
    port = server.sockets[0].getsockname()[1]
    peers = [await asyncio.open_connection("127.0.0.1", port, limit=1 << 20) for _ in range(agents)]
    body, times = b"\0" * size, []

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(body)
        await reader.readexactly(size)

    for _ in range(rounds):
        began_s = time.perf_counter()
        await asyncio.gather(*(ask(*peer) for peer in peers))
        times.append(time.perf_counter() - began_s)
    for _, writer in peers:
        writer.close()
    server.close()
    return statistics.median(times)


def signing_floor(agents: int, size: int) -> float:
    """Return the CPU seconds, both sides together, of what a round signs and hashes: nothing that is signed can cost less.

    One signature over all orders; each node checks it, hashes the order, hashes and signs its update, which is hashed and
    checked here.
    """
    own, body = DeviceIdentity.generate("floor"), b"\0" * size
    message, context = b"x" * 300, b"floor"
    made = own.sign(message, context)

    def cpu(work: Callable[[], object], times: int = 20) -> float:
        began_s = time.process_time()
        for _ in range(times):
            work()
        return (time.process_time() - began_s) / times

    sign_s, check_s = cpu(lambda: own.sign(message, context)), cpu(lambda: own.public.verify(message, *made, context))
    return sign_s + agents * (sign_s + 2 * check_s + 3 * cpu(lambda: digest_of(body)))


def agents_of(home: Path) -> list[psutil.Process]:
    """Return the agents that run over `home`."""
    lines = [(one, " ".join(one.info["cmdline"] or ())) for one in psutil.process_iter(["cmdline"])]
    return [one for one, line in lines if " run " in line and str(home / "agents") in line]


def cpu_of(processes: list[psutil.Process]) -> float:
    """Return the CPU seconds of processes so far."""
    return sum(sum(one.cpu_times()[:2]) for one in processes)


async def overhead(home: Path, agents: int, rounds: int) -> None:
    """Print what a round costs besides training."""
    engine = await opened(home)
    try:
        await engine.run("fleet.demo", nodes=agents)
        lay_out(home, agents)
        ends: list[tuple[float, float]] = []
        nodes, theirs = agents_of(home), list[float]()

        def ended(_event: RoundFinished) -> None:
            ends.append((time.perf_counter(), time.process_time()))
            theirs.append(cpu_of(nodes))

        engine.bus.subscribe(ended, RoundFinished)
        told = await engine.run("learning.train", rounds=rounds + 1, **ONE)
        wall = [b[0] - a[0] for a, b in itertools.pairwise(ends)]
        cpu = [b[1] - a[1] for a, b in itertools.pairwise(ends)]
        size = 4 * count_of(MODEL)
        settings = {"agents": agents, "update_bytes": size, "rounds": rounds, "state": told["state"]}
        raw_s = await floor(agents, size, rounds)
        figure = f"learning.round.overhead.{agents}"
        peer = f"plain TCP, same bytes: {1e3 * raw_s:.1f} ms"
        print(
            json.dumps(
                {"figure": figure, "value": 1e3 * statistics.median(wall), "unit": "ms", "peer": peer, "settings": settings}
            )
        )
        print(
            json.dumps(
                {"figure": f"{figure}.cpu", "value": 1e3 * statistics.median(cpu), "unit": "CPU ms", "settings": settings}
            )
        )
        least = f"signatures and digests alone: {1e3 * signing_floor(agents, size):.0f} CPU ms"
        both_s = statistics.median(cpu) + (theirs[-1] - theirs[0]) / rounds
        print(
            json.dumps(
                {"figure": f"{figure}.both", "value": 1e3 * both_s, "unit": "CPU ms", "peer": least, "settings": settings}
            )
        )
    finally:
        await engine.close()


async def fewer(home: Path, agents: int) -> None:
    """Print how many rounds are committed of those asked for when three in ten agents are killed in the middle of one."""
    engine = await opened(home)
    try:
        names = sorted(node["name"] for node in (await engine.run("fleet.demo", nodes=agents))["nodes"])
        training = asyncio.create_task(engine.run("learning.train", deadline_s=10.0, **KILLED))
        while rounds_in(home) < 3:
            await asyncio.sleep(0.02)
        gone = names[: max(1, round(0.3 * agents))]
        await asyncio.gather(*(engine.run("fleet.kill", node=name) for name in gone))
        told = await training
        settings = {"agents": agents, "killed": len(gone), "rounds": KILLED["rounds"], "state": told["state"]}
        print(json.dumps({"figure": "learning.rounds_with_fewer", "value": len(told["rounds"]) / KILLED["rounds"],
                          "unit": "of the rounds asked for", "settings": settings}))  # fmt: skip
    finally:
        await engine.close()


async def alike(home: Path, agents: int) -> None:
    """Print how many updates of real agents, and whether their model, equal a simulation of the same clients to the bit."""
    engine, rounds_asked = await opened(home), 3
    try:
        await engine.run("fleet.demo", nodes=agents)
        told = await engine.run("learning.train", rounds=rounds_asked, seed=5, epochs=2, name="")
        heard = await engine.store.read(lambda conn: rows.select(conn, "federated_updates"))
        names = {node.id: node.name for node in engine.fleet.records}
        digests = {(row["round_number"], names[row["node_id"]]): row["model_update"]["digest"] for row in heard}
        files = [home / "agents" / name / SHARD_FILE for name in told["nodes"]]
        held = [tensors.unpack(file.read_bytes(), most_bytes=1 << 22)[0] for file in files]
        edges = np.cumsum([0, *(len(one["y"]) for one in held)])
        people = Population.of(
            np.concatenate([one["x"] for one in held]), np.concatenate([one["y"] for one in held]).astype(np.int64),
            [np.arange(first, end) for first, end in itertools.pairwise(edges)],
        )  # fmt: skip
        split = load_digits()
        strategy = Strategy(LocalSpec(seed=5, epochs=2, learning_rate=0.1))
        start = initial(DIGITS_MODEL, 5)
        same = 0
        for step in itertools.islice(simulated(start, strategy, people, (split.test_x, split.test_y), time.process_time), 3):
            for client, row in zip(step.clients, step.updates.matrix, strict=True):
                same += digests[step.round.round, told["nodes"][client]] == update_digest(unflatten(row, DIGITS_MODEL))
        params, _ = tensors.unpack(artifacts.load(home, told["model"]), most_bytes=1 << 22)
        model = all(np.array_equal(params[name], step.params[name]) for name in params)
        settings = {"agents": agents, "rounds": rounds_asked, "state": told["state"], "model": model}
        share = (same / (agents * rounds_asked) + float(model)) / 2
        print(json.dumps({"figure": f"learning.real_as_simulated.{agents}", "value": share,
                          "unit": "of updates and model", "settings": settings}))  # fmt: skip
    finally:
        await engine.close()


async def back(home: Path, times: int = 21) -> None:
    """Print how long it takes to go back from a promoted global model to the one before, audit entry included."""
    engine = await opened(home)
    try:
        await engine.run("fleet.demo", nodes=1)
        for seed in (1, 2):
            await engine.run("learning.train", rounds=1, seed=seed)
            await engine.run("model.promote", model="digits")
        took = []
        for _ in range(times):
            began_s = time.perf_counter()
            await engine.run("model.rollback", name="digits")
            took.append(time.perf_counter() - began_s)
        settings = {"times": times, "of": "median"}
        print(json.dumps({"figure": "learning.model.rollback", "value": 1e3 * statistics.median(took), "unit": "ms",
                          "settings": settings}))  # fmt: skip
    finally:
        await engine.close()


def train_apart(home: Path) -> "subprocess.Popen[str]":
    """Start an engine in a process of its own that trains."""
    words = [part for name, value in KILLED.items() for part in (f"--{name}", str(value))]
    return subprocess.Popen(outpost(home, "learning", "train", *words), stdout=subprocess.DEVNULL, text=True)


def outpost(home: Path, *words: str) -> list[str]:
    """Return the command line of an engine of its own over `home`."""
    return [sys.executable, "-m", "app", "--home", str(home), *words]


def rounds_in(home: Path) -> int:
    """Return the committed rounds of the newest session, read beside the engine that writes them."""
    import sqlite3

    with contextlib.closing(sqlite3.connect(f"file:{home / 'outpost.db'}?mode=ro", uri=True)) as store:
        row = store.execute("SELECT current_round FROM federated_training_sessions ORDER BY created_us DESC LIMIT 1").fetchone()
    return int(row[0]) if row else 0


async def killed(home: Path, agents: int, kills: int) -> None:
    """Print how soon a session goes on after its engine was killed, and what was lost."""
    engine = await opened(home)
    straight = await engine.run("learning.train", **KILLED)
    await engine.close()
    waits, lost, same = [], 0, 0
    for number in range(kills):
        child = train_apart(home)
        while child.poll() is None and not 2 + number <= rounds_in(home) < KILLED["rounds"]:
            await asyncio.sleep(0.02)
        if child.poll() is not None:
            raise SystemExit("the training ended before it could be killed")
        kill_hard(child.pid)
        child.wait()
        before = rounds_in(home)
        began_s = time.perf_counter()
        engine = await opened(home)
        while rounds_in(home) <= before:
            await asyncio.sleep(0.005)
        waits.append(time.perf_counter() - began_s)
        told = await engine.run("learning.resume", run="latest", name="")
        shown = (await engine.run("learning.show", run=told["run_id"]))["rounds"]
        lost += sum(row["round"] != at for at, row in enumerate(shown, 1)) + (KILLED["rounds"] - len(shown))
        same += told["model"] == straight["model"]
        await engine.close()
    settings = {"agents": agents, "kills": kills, "rounds": KILLED["rounds"]}
    print(json.dumps({"figure": "learning.resume", "value": max(waits), "unit": "s", "settings": settings}))
    print(json.dumps({"figure": "learning.rounds_lost", "value": lost, "unit": "rounds", "settings": settings}))
    print(
        json.dumps({"figure": "learning.same_after_kill", "value": same / kills, "unit": "of the models", "settings": settings})
    )


def run(agents: int, rounds: int, kills: int, same: int) -> None:
    """Measure each over a fleet of its own."""
    if same:
        with tempfile.TemporaryDirectory(prefix="outpost-") as folder:
            asyncio.run(alike(Path(folder), same))
    if rounds:
        with tempfile.TemporaryDirectory(prefix="outpost-") as folder:
            asyncio.run(overhead(Path(folder), agents, rounds))
        with tempfile.TemporaryDirectory(prefix="outpost-") as folder:
            asyncio.run(back(Path(folder)))
    if kills:
        with tempfile.TemporaryDirectory(prefix="outpost-") as folder:
            asyncio.run(fewer(Path(folder), agents))
        with tempfile.TemporaryDirectory(prefix="outpost-") as folder:
            home, few = Path(folder), min(agents, 6)
            subprocess.run(outpost(home, "fleet", "demo", "--nodes", str(few)), check=True, stdout=subprocess.DEVNULL)
            asyncio.run(killed(home, few, kills))
            subprocess.run(outpost(home, "fleet", "stop"), check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--same", type=int, default=32, help="agents whose updates are compared with a simulation's; 0: none")
    asked = parser.parse_args()
    run(asked.agents, asked.rounds, asked.kills, asked.same)


if __name__ == "__main__":
    main()
