"""The same federated rounds in Outpost and in Flower's simulation, in one run: CPU seconds, and the accuracy of both.

Flower is no dependency of Outpost: this script needs `flwr[simulation]` beside it and says so where it is missing. Both sides
have the same clients, the same data on each, the same start and the same local training (`app.engine.learning.local`, which
equals the batched simulation to the bit), so that what differs is the machinery around it. CPU time is that of this process and
all of its children between the end of the first round and that of the last, so that start-up is left out. Outpost is measured
before and after Flower, all its rounds counted, and the dearer of the two stands in the ratio, so that what a busy machine adds
does not speak for it.

    python -m venv beside && beside/bin/pip install "flwr[simulation]" psutil
    beside/bin/python benchmarks/learning_flower.py --clients 1000 --rounds 2
"""

import argparse
import contextlib
import importlib.util
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import psutil

from app.engine.learning import nets
from app.engine.learning.batched import Population
from app.engine.learning.data import load_digits
from app.engine.learning.local import train
from app.engine.learning.partition import drawn
from app.engine.learning.records import LocalSpec
from app.engine.learning.simulate import rounds
from app.engine.learning.strategy import Strategy

MODEL = nets.DIGITS_MODEL


def parts_of(clients: int) -> tuple[Any, Any]:
    """Return the digits and the rows of each client."""
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


def cpu_of_all() -> float:
    """Return CPU seconds of this process and of all under it that live."""
    me, spent = psutil.Process(), 0.0
    for one in (me, *me.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            spent += times.user + times.system
    return spent


def theirs(clients: int, count: int) -> tuple[float, float]:
    """Return CPU seconds a round in Flower's simulation of `count` rounds after the first, and the accuracy after all."""
    import flwr
    from flwr.client import NumPyClient
    from flwr.common import ndarrays_to_parameters
    from flwr.server import ServerAppComponents, ServerConfig
    from flwr.server.strategy import FedAvg

    split, parts = parts_of(clients)
    start, reached, spent = nets.initial(MODEL, 0), [0.0], [0.0]

    class One(NumPyClient):  # type: ignore[misc]
        """A client that trains as a node of Outpost does."""

        def __init__(self, client: int) -> None:
            self._client = client

        def fit(self, parameters: list[Any], config: dict[str, Any]) -> tuple[list[Any], int, dict[str, Any]]:
            params = dict(zip(start, parameters, strict=True))
            rows = parts[self._client]
            spec = LocalSpec(client=self._client, round=int(config["round"]))
            told = train(params, split.train_x[rows], split.train_y[rows], spec)
            return [params[name] + told.update[name] for name in start], told.examples, {}

    def judge(number: int, parameters: list[Any], _config: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        params = {name: np.asarray(value, np.float32) for name, value in zip(start, parameters, strict=True)}
        accuracy, loss = nets.evaluate(MODEL, params, split.test_x, split.test_y)
        reached[0] = accuracy
        if number == 1:
            spent[0] = -cpu_of_all()
        elif number == count + 1:
            spent[0] += cpu_of_all()
        return loss, {"accuracy": accuracy}

    def server(_context: Any) -> Any:
        strategy = FedAvg(
            fraction_fit=1.0, fraction_evaluate=0.0, min_fit_clients=clients, min_available_clients=clients,
            initial_parameters=ndarrays_to_parameters(list(start.values())), evaluate_fn=judge,
            on_fit_config_fn=lambda number: {"round": number},
        )  # fmt: skip
        return ServerAppComponents(strategy=strategy, config=ServerConfig(num_rounds=count + 1))

    def client(context: Any) -> Any:
        return One(int(context.node_config["partition-id"])).to_client()

    flwr.simulation.run_simulation(
        server_app=flwr.server.ServerApp(server_fn=server), client_app=flwr.client.ClientApp(client_fn=client),
        num_supernodes=clients, backend_config={"client_resources": {"num_cpus": 1, "num_gpus": 0.0}},
    )  # fmt: skip
    return spent[0] / count, reached[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=4)
    asked = parser.parse_args()
    if importlib.util.find_spec("flwr") is None:
        print("Flower is not installed here (flwr[simulation]); nothing to compare with", file=sys.stderr)
        raise SystemExit(3)
    before_s, _ = ours(asked.clients, asked.rounds)
    peer_s, other = theirs(asked.clients, asked.rounds)
    after_s, same = ours(asked.clients, 1 + asked.rounds)
    cpu_s = max(before_s, after_s)
    settings = {"clients": asked.clients, "rounds": asked.rounds, "epochs": 2, "batch": 16, "learning_rate": 0.2}
    name, machines = f"learning.flower.{asked.clients}", f"Flower {1e3 * peer_s:.0f} CPU ms, Outpost {1e3 * cpu_s:.1f} CPU ms"
    say(f"{name}.cpu", peer_s / cpu_s, "times the CPU", machines, settings)
    say(f"{name}.accuracy", abs(other - same), "accuracy apart", f"Flower {other:.4f}, Outpost {same:.4f}", settings)


def say(figure: str, value: float, unit: str, peer: str, settings: dict[str, Any]) -> None:
    """Print one figure."""
    print(json.dumps({"figure": figure, "value": value, "unit": unit, "peer": peer, "settings": settings}))


if __name__ == "__main__":
    main()
