import numpy as np
import pytest

from app.engine.learning.batched import Population, memory_of
from app.engine.learning.personal import served as served_by
from app.engine.learning.records import LocalSpec
from app.engine.learning.work import simulate


def served(algorithm, **more):
    spec = {"clients": 30, "rounds": 12, "partition": "shards", "algorithm": algorithm, "epochs": 4, "learning_rate": 0.1}
    return simulate({**spec, **more}, 2)["served"]


def test_own_models_serve_clients_of_few_classes_better_than_the_common_one():
    ditto, fedrep = served("ditto"), served("fedrep")
    assert ditto["own_mean"] > ditto["global_mean"]
    assert ditto["own_low"] > ditto["global_low"]
    assert fedrep["own_mean"] > 0.9
    assert set(served("fedavg")) == {"global_mean", "global_low"}


def test_the_low_figure_is_that_of_the_worst_served_tenth():
    """A model that says 0 whatever it sees serves a client as well as zeros are in its mix: 0, 0.1, 0.2, … 1 of eleven."""
    params = {"w1": np.zeros((1, 2), np.float32), "b1": np.float32([1, 0])}
    labels = np.concatenate([np.arange(10) >= zeros for zeros in range(11)]).astype(np.int64)
    population = Population.of(np.zeros((110, 1), np.float32), labels, np.split(np.arange(110), 11))
    spec = LocalSpec(model="mlp-1-2")
    test = (np.zeros((6, 1), np.float32), np.array([0, 1, 1, 0, 0, 0]))
    told = served_by(params, spec, population, memory_of(population, spec, 4), test)
    assert told == pytest.approx({"global_mean": 0.5, "global_low": 0.1})


@pytest.mark.parametrize("compress", ["top-k", "sketch", "quantise"])
@pytest.mark.parametrize("algorithm", ["fedper", "fedrep"])
def test_what_compression_left_out_is_no_part_of_a_clients_own_model(algorithm, compress):
    told = served(algorithm, compress=compress, keep_ratio=0.2, clients=15, rounds=6)
    assert told["own_mean"] > 0.6
    assert told["own_mean"] > 2 * told["global_mean"]
