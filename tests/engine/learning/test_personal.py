from app.engine.learning.work import simulate


def served(algorithm):
    spec = {"clients": 30, "rounds": 12, "partition": "shards", "algorithm": algorithm, "epochs": 4, "learning_rate": 0.1}
    return simulate(spec, 2)["served"]


def test_own_models_serve_clients_of_few_classes_better_than_the_common_one():
    ditto, fedrep = served("ditto"), served("fedrep")
    assert ditto["own_mean"] > ditto["global_mean"]
    assert ditto["own_low"] > ditto["global_low"]
    assert fedrep["own_mean"] > 0.9
    assert set(served("fedavg")) == {"global_mean", "global_low"}
