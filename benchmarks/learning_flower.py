"""The same federated rounds in Outpost and in Flower's simulation, in one run: CPU seconds, and the accuracy of both.

Flower is no dependency of Outpost: this script needs `flwr[simulation]` beside it and says so where it is missing. Both sides
have the same clients, the same data on each, the same start and the same local training (`app.engine.learning.local`, which
equals the batched simulation to the bit), so that what differs is the machinery around it. The peer is run as its users would
want it: what a client does stands in this module, so that a task carries its name and a number, not the data; each worker loads
the digits once and keeps them; one thread of linear algebra for each worker, a worker for each core, no dashboard, nothing is
evaluated on clients; both judge each round's model on the test data, and both count that. CPU time is that of this process and
all of its children between the end of the first round, when all workers are warm, and that of the last; what Ray's daemons take
of it, which grows with the time that passes, is told apart and left out of the ratio. Outpost is measured before and
after Flower, all its rounds counted, and the dearer of the two stands in the ratio, so that what a busy machine adds does not
speak for it.

    python -m venv beside && beside/bin/pip install "flwr[simulation]" psutil
    beside/bin/python benchmarks/learning_flower.py --clients 1000 --rounds 2
"""

import argparse
import contextlib
import functools
import importlib.util
import itertools
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the program does

import numpy as np
import psutil
from numpy.typing import NDArray

from app.engine.learning import nets
from app.engine.learning.batched import Population
from app.engine.learning.data import load_digits
from app.engine.learning.local import train
from app.engine.learning.partition import drawn
from app.engine.learning.records import LocalSpec
from app.engine.learning.simulate import rounds
from app.engine.learning.strategy import Strategy

MODEL = nets.DIGITS_MODEL


@functools.lru_cache(maxsize=1)
def parts_of(clients: int) -> tuple[Any, Any]:
    """Return the digits and the rows of each client; a process loads them once."""
    split = load_digits()
    each = max(16, len(split.train_y) // clients)
    return split, drawn("dirichlet", split.train_y, clients, 0, each=each)


def ours(clients: int, count: int) -> tuple[float, float]:
    """Return CPU seconds a round, and the accuracy after `count` rounds."""
    split, parts = parts_of(clients)
    people = Population.of(split.train_x, split.train_y, parts)
    steps = rounds(nets.initial(MODEL, 0), Strategy(LocalSpec()), people, (split.test_x, split.test_y), time.process_time)
    done = [step.round for step in itertools.islice(steps, count)]
    return sum(row.cpu_s for row in done) / count, done[-1].accuracy


def cpu_of_all() -> NDArray[np.float64]:
    """Return CPU seconds (2,) of this process and of all under it that live: of those that work, and of Ray's daemons."""
    me, spent = psutil.Process(), np.zeros(2)
    for one in (me, *me.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times, works = one.cpu_times(), one.pid == me.pid or "".join(one.cmdline()[:1]).startswith("ray::")
            spent[0 if works else 1] += times.user + times.system
    return spent


def fitted(clients: int, client: int, number: int, parameters: list[Any]) -> tuple[list[Any], int, dict[str, Any]]:
    """Return what a client of Flower's sends after training in a round as a node of Outpost does."""
    split, parts = parts_of(clients)
    params = dict(zip(nets.shapes_of(MODEL), parameters, strict=True))
    rows = parts[client]
    told = train(params, split.train_x[rows], split.train_y[rows], LocalSpec(client=client, round=number))
    return [params[name] + told.update[name] for name in params], told.examples, {}


def client_of(context: Any) -> Any:
    """Return a client of Flower's; found by name in the workers, so that nothing of it travels."""
    from flwr.client import NumPyClient

    class One(NumPyClient):  # type: ignore[misc]
        """A client that trains as a node of Outpost does."""

        def fit(self, parameters: list[Any], config: dict[str, Any]) -> tuple[list[Any], int, dict[str, Any]]:
            people, client = int(context.node_config["num-partitions"]), int(context.node_config["partition-id"])
            return fitted(people, client, int(config["round"]), parameters)

    return One().to_client()


def theirs(clients: int, count: int) -> tuple[NDArray[np.float64], float]:
    """Return CPU seconds a round, as `cpu_of_all`, of `count` rounds of Flower after its first, and the accuracy."""
    import flwr
    from flwr.common import ndarrays_to_parameters
    from flwr.server import ServerAppComponents, ServerConfig
    from flwr.server.strategy import FedAvg

    split, _ = parts_of(clients)
    start, reached, spent = nets.initial(MODEL, 0), [0.0], np.zeros(2)

    def judge(number: int, parameters: list[Any], _config: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        params = {name: np.asarray(value, np.float32) for name, value in zip(start, parameters, strict=True)}
        accuracy, loss = nets.evaluate(MODEL, params, split.test_x, split.test_y)
        reached[0] = accuracy
        if number == 1:
            spent[:] = -cpu_of_all()
        elif number == count + 1:
            spent[:] += cpu_of_all()
        return loss, {"accuracy": accuracy}

    def server(_context: Any) -> Any:
        strategy = FedAvg(
            fraction_fit=1.0, fraction_evaluate=0.0, min_fit_clients=clients, min_available_clients=clients,
            initial_parameters=ndarrays_to_parameters(list(start.values())), evaluate_fn=judge,
            on_fit_config_fn=lambda number: {"round": number},
        )  # fmt: skip
        return ServerAppComponents(strategy=strategy, config=ServerConfig(num_rounds=count + 1))

    flwr.simulation.run_simulation(
        server_app=flwr.server.ServerApp(server_fn=server), client_app=flwr.client.ClientApp(client_fn=named("client_of")),
        num_supernodes=clients, backend_config={
            "client_resources": {"num_cpus": 1, "num_gpus": 0.0},
            "init_args": {"include_dashboard": False, "logging_level": "ERROR", "log_to_driver": False},
        },
    )  # fmt: skip
    return spent / count, reached[0]


def named(function: str) -> Any:
    """Return a function of this module as one of a module that workers import: pickled by its name, not by its content."""
    return getattr(importlib.import_module(Path(__file__).stem), function)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=4)
    asked = parser.parse_args()
    here = Path(__file__).resolve().parent
    os.environ["PYTHONPATH"] = os.pathsep.join((str(here.parent), str(here)))  # of the workers
    if importlib.util.find_spec("flwr") is None:
        print("Flower is not installed here (flwr[simulation]); nothing to compare with", file=sys.stderr)
        raise SystemExit(3)
    before_s, _ = ours(asked.clients, asked.rounds)
    (peer_s, daemons_s), other = theirs(asked.clients, asked.rounds)
    after_s, same = ours(asked.clients, 1 + asked.rounds)
    cpu_s = max(before_s, after_s)
    settings = {"clients": asked.clients, "rounds": asked.rounds, "epochs": 2, "batch": 16, "learning_rate": 0.2}
    name, daemons = f"learning.flower.{asked.clients}", f"besides {1e3 * daemons_s:.0f} in Ray's daemons"
    machines = f"Flower {1e3 * peer_s:.0f} CPU ms ({daemons}), Outpost {1e3 * cpu_s:.1f} CPU ms"
    say(f"{name}.cpu", peer_s / cpu_s, "times the CPU", machines, settings)
    say(f"{name}.accuracy", abs(other - same), "accuracy apart", f"Flower {other:.4f}, Outpost {same:.4f}", settings)


def say(figure: str, value: float, unit: str, peer: str, settings: dict[str, Any]) -> None:
    """Print one figure."""
    print(json.dumps({"figure": figure, "value": value, "unit": unit, "peer": peer, "settings": settings}))


if __name__ == "__main__":
    main()
