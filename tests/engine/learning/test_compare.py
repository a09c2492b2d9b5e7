from app.engine.learning.compare import compare


def run(name, accuracies, **spec):
    rounds = [
        {"round": at, "accuracy": value, "bytes": 10, "cpu_s": 0.5, "time_s": None} for at, value in enumerate(accuracies, 1)
    ]
    return {"id": name, "title": name, "source": "simulation", "state": "done", "spec": spec, "rounds": rounds}


def test_figures_stand_side_by_side():
    told = compare([run("a", [0.5, 0.85, 0.91, 0.9], seed=1), run("b", [0.7], seed=1)])
    one, other = told["runs"]
    assert one["rounds_to"] == {"0.8": 2, "0.9": 3, "0.95": None}
    assert (one["best_accuracy"], one["final_accuracy"], one["bytes"], one["cpu_s"], one["time_s"]) == (0.91, 0.9, 40, 2.0, 0.0)
    assert other["rounds_to"] == {"0.8": None, "0.9": None, "0.95": None}


def test_only_settings_that_differ_are_told():
    told = compare([run("a", [], seed=1, lr=0.1, nodes=["x"]), run("b", [], seed=1, lr=0.2), run("c", [], seed=1)])
    assert told["differs"] == {"lr": [0.1, 0.2, None]}
