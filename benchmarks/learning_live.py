"""What a round over live agents costs besides training, and how soon a session goes on after its engine was killed.

Agents are real processes on this machine, asked over HTTPS with signed requests and signed updates; each trains on one
example, so that a round is almost all overhead. Prints a JSON line for each figure:

- the time of a round with updates of 400 KB, and the CPU time of the engine and of the agents in it; beside it the floors: the
  same bytes over plain TCP in this process, and what the signatures and digests alone cost both sides;
- how many updates of real agents, and whether the model they come to, equal those of a simulation to the bit;
- how long it takes to go back from a promoted model to the one before;
- seconds from the start of a new process until a session that a SIGKILL broke off has committed its next round, how many rounds
  were lost that the killed engine had told or committed, and whether the model then equals that of a session nobody killed, to
  the bit (`--lose` takes a committed round out of the store after each kill, to see that the figure tells);
- seconds from a SIGKILL of three in ten agents until a round without them is committed, and how many rounds were in the end.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the program does, before numpy is there: its threads wait by spinning

import numpy as np
import psutil

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
        settings = {"agents": agents, "update_bytes": size, "rounds": rounds, "state": told["state"], "versions": "none"}
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
    """Print how soon a round without them is committed when three in ten agents are killed, and how many rounds there are."""
    engine = await opened(home)
    try:
        names = sorted(node["name"] for node in (await engine.run("fleet.demo", nodes=agents))["nodes"])
        ends: dict[int, float] = {}
        engine.bus.subscribe(lambda event: ends.update({event.round: time.perf_counter()}), RoundFinished)
        training = asyncio.create_task(engine.run("learning.train", deadline_s=10.0, **KILLED))
        while len(ends) < 3:
            await asyncio.sleep(0.005)
        gone = set(names[: max(1, round(0.3 * agents))])
        began_s = time.perf_counter()
        for process in [one for one in agents_of(home) if gone & set(one.cmdline())]:
            process.kill()
        told = await training
        shown = (await engine.run("learning.show", run=told["run_id"]))["rounds"]
        without = [row["round"] for row in shown if gone.isdisjoint(p["name"] for p in row["parts"] if p["state"] == "done")]
        settings = {"agents": agents, "killed": len(gone), "rounds": KILLED["rounds"], "state": told["state"]}
        say("learning.resume.agents", ends[without[0]] - began_s, "s", {**settings, "round": without[0]})
        say("learning.rounds_with_fewer", len(shown) / KILLED["rounds"], "of the rounds asked for", settings)
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


async def told_rounds(home: Path) -> None:
    """Train over `home`, and print the number of each round as soon as the engine says that it is finished."""
    engine = await opened(home)
    engine.bus.subscribe(lambda event: print(event.round, flush=True), RoundFinished)
    try:
        await engine.run("learning.train", **KILLED)
    finally:
        await engine.close()


def outpost(home: Path, *words: str) -> list[str]:
    """Return the command line of an engine of its own over `home`."""
    return [sys.executable, "-m", "app", "--home", str(home), *words]


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a process that finds its bytecode, as every one after the first does."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(home / "bytecode")}


def committed(home: Path) -> dict[int, str]:
    """Return the rows of the newest session's rounds, id and model by number, read beside the engine that writes them."""
    with contextlib.closing(sqlite3.connect(f"file:{home / 'outpost.db'}?mode=ro", uri=True)) as store:
        rows = store.execute(
            "SELECT round, id, details FROM learning_rounds WHERE run_id ="
            " (SELECT id FROM federated_training_sessions ORDER BY created_us DESC LIMIT 1)"
        ).fetchall()
    return {int(number): f"{row} {json.loads(details)['model']}" for number, row, details in rows}


def lost(told: set[int], before: dict[int, str], after: dict[int, str]) -> int:
    """Return how many rounds are gone or others afterwards: those `told` to be finished, and those that stood in the store."""
    return len(told - before.keys()) + sum(after.get(number) != row for number, row in before.items())


def forget(home: Path) -> None:
    """Take the newest committed round out of the store, as an engine that loses rounds would."""
    newest = committed(home)[max(committed(home))].split()[0]
    with contextlib.closing(sqlite3.connect(home / "outpost.db")) as store, store:
        store.execute("DELETE FROM learning_rounds WHERE id = ?", (newest,))


def broken_off(home: Path, least: int) -> set[int]:
    """Train in a process of its own, kill it after round `least`, and return the rounds that it said were finished."""
    words = [sys.executable, __file__, "--told", str(home)]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment(home))
    assert child.stdout is not None
    told = set[int]()
    for line in child.stdout:
        told.add(int(line))
        if len(told) == least:
            time.sleep(0.05)  # into the next round
            kill_hard(child.pid)
    child.wait()
    if max(told) == KILLED["rounds"]:
        raise SystemExit("the training ended before it could be killed")
    return told


def killed(home: Path, agents: int, kills: int, *, lose: bool) -> None:
    """Print how soon a session goes on in a new process after its engine was killed, and what was lost."""
    straight = asyncio.run(undisturbed(home))
    waits, spent, gone, same = [], [], 0, 0
    for number in range(kills):
        told = broken_off(home, 2 + number)
        before = committed(home)
        if lose:
            forget(home)
        began_s = time.perf_counter()
        child = subprocess.Popen(
            outpost(home, "learning", "resume", "latest", "--json"), stdout=subprocess.PIPE, text=True,
            env=environment(home),
        )  # fmt: skip
        while len(committed(home)) <= len(before) and child.poll() is None:
            time.sleep(0.01)
        waits.append(time.perf_counter() - began_s)
        spent.append(cpu_of([psutil.Process(child.pid)]) if child.poll() is None else 0.0)
        said, _ = child.communicate()
        gone += lost(told, before, committed(home))
        same += json.loads(said).get("model") == straight
    settings = {"agents": agents, "kills": kills, "rounds": KILLED["rounds"]}
    fresh = {**settings, "from": "the start of a new process"}
    say("learning.resume", max(waits), "s", fresh)
    say("learning.resume.cpu", max(spent), "CPU s", fresh)
    say("learning.rounds_lost", gone, "rounds", settings)
    say("learning.same_after_kill", same / kills, "of the models", settings)


async def undisturbed(home: Path) -> str:
    """Return the model of a session that nobody kills."""
    engine = await opened(home)
    try:
        return str((await engine.run("learning.train", **KILLED))["model"])
    finally:
        await engine.close()


def say(figure: str, value: float, unit: str, settings: dict[str, Any]) -> None:
    """Print one figure."""
    print(json.dumps({"figure": figure, "value": value, "unit": unit, "settings": settings}), flush=True)


def run(agents: int, rounds: int, kills: int, same: int, *, lose: bool) -> None:
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
            demo = outpost(home, "fleet", "demo", "--nodes", str(few))
            subprocess.run(demo, check=True, stdout=subprocess.DEVNULL, env=environment(home))
            killed(home, few, kills, lose=lose)
            subprocess.run(outpost(home, "fleet", "stop"), check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--same", type=int, default=32, help="agents whose updates are compared with a simulation's; 0: none")
    parser.add_argument("--lose", action="store_true", help="take a committed round away after each kill: the figure must tell")
    parser.add_argument("--told", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.told:
        asyncio.run(told_rounds(asked.told))
    else:
        run(asked.agents, asked.rounds, asked.kills, asked.same, lose=asked.lose)


if __name__ == "__main__":
    main()
