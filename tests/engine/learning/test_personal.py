import pytest

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


@pytest.mark.parametrize("compress", ["top-k", "sketch", "quantise"])
@pytest.mark.parametrize("algorithm", ["fedper", "fedrep"])
def test_what_compression_left_out_is_no_part_of_a_clients_own_model(algorithm, compress):
    told = served(algorithm, compress=compress, keep_ratio=0.2, clients=15, rounds=6)
    assert told["own_mean"] > 0.6
    assert told["own_mean"] > 2 * told["global_mean"]
