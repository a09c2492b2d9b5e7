import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from app.engine.base.errors import BadInput, Conflict
from app.engine.learning import nets, work
from app.engine.learning.data import load_digits
from app.engine.store import artifacts
from app.wire import tensors


class Told:
    def __init__(self):
        self.calls = []

    def __call__(self, done, total, unit="", partial=None, samples=None):
        self.calls.append((done, total, unit, partial, samples))


def test_a_simulation_tells_each_round_and_its_end():
    told = Told()
    result = work.simulate({"clients": 10, "rounds": 4}, 3, told)
    assert [row["round"] for row in result["rounds"]] == [1, 2, 3, 4]
    assert set(result["rounds"][0]) == {"round", "accuracy", "loss", "cpu_s", "bytes", "time_s", "drift"}
    assert result["final_accuracy"] == result["rounds"][-1]["accuracy"]
    assert result["spread"] == "parted"
    assert [call[0] for call in told.calls] == [1, 2, 3, 4]
    done, total, unit, partial, samples = told.calls[-1]
    assert (done, total, unit) == (4, 4, "rounds")
    assert partial["accuracy"] == samples["accuracy_ratio"][0][1]
    assert set(samples) == {"accuracy_ratio", "loss", "drift_ratio", "round_bytes"}
    assert samples["drift_ratio"][0][1] == partial["updates"]["drift"] == result["rounds"][-1]["drift"]
    assert result["updates"] == partial["updates"]


def test_equal_seeds_give_equal_results():
    first, again, other = (work.simulate({"clients": 8, "rounds": 2}, seed) for seed in (1, 1, 2))
    assert first["params"] == again["params"] != other["params"]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_result_does_not_depend_on_the_threads_of_the_linear_algebra(threads):
    spec = {"clients": 12, "rounds": 2, "aggregator": "mixed-trimmed", "attackers": 2}
    code = f"from app.engine.learning.work import simulate; print(simulate({spec!r}, 5)['params'])"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3],
        env={**os.environ, "OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)},
    )  # fmt: skip
    assert told.stdout.strip() == work.simulate(spec, 5)["params"]


def test_no_better_means_by_no_more_than_a_thousandth():
    still, better = ([0.5, 0.9, 0.9009, 0.8], [0.5, 0.9, 0.9011, 0.8])
    spec = {"plateau_rounds": 2}
    assert (work.settled(still, spec), work.settled(better, spec), work.settled(still[:2], spec)) == (True, False, False)
    assert not work.settled(still, {})


def test_a_stopped_simulation_returns_what_it_has():
    assert len(work.simulate({"clients": 4, "rounds": 50}, 0, stop=lambda: True)["rounds"]) == 1


@pytest.mark.parametrize("spec", [{"partition": "stripes"}, {"epochs": 0}, {"model": "cnn"}, {"model": "mlp-5-4-3"},
                                  {"dropout_rate": 0.5, "algorithm": "fedbuff"},
                                  {"selection": "adaptive", "algorithm": "fedbuff"},
                                  {"deadline_s": 1.0, "algorithm": "fedbuff"}, {"drop_stragglers": True, "algorithm": "fedbuff"},
                                  {"drop_stragglers": True}, {"selection": "capable"},
                                  {"aggregator": "krum", "attackers": 1}, {"attack": "ipm"},
                                  {"attack": "sign-flip", "attackers": 5}, {"model": "mlp-64-5000-5000-10"},
                                  {"model": "mlp-64-3000-3000-10", "algorithm": "scaffold"},
                                  {"aggregator": "median", "attackers": 1, "sample_ratio": 0.5}])  # fmt: skip
def test_a_bad_spec_is_refused(spec):
    with pytest.raises(BadInput):
        work.simulate({"clients": 4, "rounds": 1, **spec}, 0)


@pytest.mark.parametrize("model, partition", [("logistic", "features"), ("conv", "iid")])
def test_other_networks_and_partitions_learn_the_digits(model, partition):
    told = work.simulate({"clients": 5, "rounds": 4, "model": model, "partition": partition}, 1)
    assert told["final_accuracy"] > 0.8
    assert told["model"] == nets.named(model, (8, 8, 1), 10)


def test_an_attack_that_begins_later_leaves_the_rounds_before_it_alone():
    spec = {"clients": 10, "rounds": 4, "partition": "iid"}
    clean = work.simulate(spec, 2)["rounds"]
    drilled = work.simulate({**spec, "attack": "sign-flip", "attackers": 3, "drill_round": 3}, 2)["rounds"]
    accuracies = [[row["accuracy"] for row in rows] for rows in (clean, drilled)]
    assert accuracies[0][:2] == accuracies[1][:2]
    assert accuracies[1][3] < accuracies[0][3] - 0.2


def test_lost_clients_cost_no_upload_and_the_round_goes_on():
    told = Told()
    whole, lost = (work.simulate({"clients": 10, "rounds": 3, "dropout_rate": rate}, 2, told) for rate in (0.0, 0.5))
    assert sum(row["bytes"] for row in lost["rounds"]) < sum(row["bytes"] for row in whole["rounds"])
    missing = [call[3]["missing"] for call in told.calls]
    assert missing[:3] == [0, 0, 0]
    assert 0 < sum(missing[3:]) < 30


def test_rounds_with_too_few_for_the_aggregator_leave_the_model_alone_and_are_counted():
    spec = {"clients": 6, "rounds": 8, "partition": "iid", "aggregator": "krum", "attackers": 1, "dropout_rate": 0.3,
            "drill_round": 2}  # fmt: skip
    told = work.simulate(spec, 1)
    rows = told["rounds"]
    still = sum(
        later["accuracy"] == now["accuracy"] and later["loss"] == now["loss"] for now, later in itertools.pairwise(rows)
    )
    assert len(rows) == 8
    assert 0 < still == told["idle_rounds"] < 7


def test_updates_over_the_norm_bound_are_left_out_and_counted():
    spec = {"clients": 8, "rounds": 4, "partition": "iid", "attack": "gaussian", "attackers": 2}
    told, free = (work.simulate({**spec, "norm_bound": bound}, 0) for bound in (3.0, 0.0))
    assert told["rejected"] == [{"client": 0, "rounds": 4}, {"client": 1, "rounds": 4}]
    assert free["rejected"] == []
    assert told["final_accuracy"] > free["final_accuracy"]


def test_a_drill_with_a_backdoor_tells_how_often_it_opens():
    spec = {"clients": 10, "rounds": 6, "partition": "iid", "attack": "backdoor", "attackers": 2}
    plain, robust = (work.simulate({**spec, "aggregator": rule}, 0) for rule in ("mean", "mixed-trimmed"))
    assert plain["backdoor_ratio"] > robust["backdoor_ratio"] + 0.2
    assert "backdoor_ratio" not in work.simulate({**spec, "attack": "none", "rounds": 1}, 0)


def test_tuning_finds_the_step_size_that_works_with_fewer_rounds_than_trying_all():
    spec = {"clients": 10, "rounds": 9, "choices": {"learning_rate": [0.0001, 0.001, 0.2, 0.3]}, "partition": "iid"}
    calls = Told()
    told = work.tune(spec, 0, calls)
    assert told["best"]["learning_rate"] in (0.2, 0.3)
    assert told["final_accuracy"] > 0.8
    assert told["rounds_held"] == sum(trial["rounds"] for trial in told["trials"]) < told["rounds_whole"] == 36
    assert told["trials"][0]["rounds"] == 9
    assert calls.calls[-1][:2] == (told["rounds_held"], told["rounds_held"])


@pytest.mark.parametrize("algorithm", ["fedper", "fedrep"])
def test_settings_are_not_judged_by_a_model_whose_last_layer_nobody_trains(algorithm):
    with pytest.raises(BadInput, match="judges no setting"):
        work.tune({"clients": 4, "rounds": 1, "choices": {"learning_rate": [0.1, 0.2]}, "algorithm": algorithm}, 0)


def test_tuning_that_is_stopped_tells_what_it_has():
    told = work.tune({"clients": 4, "rounds": 4, "choices": {"learning_rate": [0.1, 0.2]}}, 0, stop=lambda: True)
    assert len(told["trials"]) == 1


@pytest.fixture
def trained(tmp_path):
    result = work.simulate({"clients": 6, "rounds": 5, "home": str(tmp_path)}, 0)
    path = artifacts.path_of(tmp_path, result["params"])
    return result, {"params": str(path), "model": result["model"], "home": str(tmp_path)}


def test_a_stored_model_evaluates_as_it_did(trained):
    result, spec = trained
    assert work.evaluate(spec, 0)["accuracy"] == result["final_accuracy"]


def test_an_exported_model_predicts_as_numpy_does(trained, tmp_path):
    _, spec = trained
    told = work.export({**spec, "name": "digits"}, 0)
    params, _ = tensors.unpack(work.Path(spec["params"]).read_bytes(), most_bytes=1 << 20)
    x = load_digits().test_x
    session = onnxruntime.InferenceSession(artifacts.load(tmp_path, told["onnx"]), providers=["CPUExecutionProvider"])
    assert session.run(None, {"x": x})[0] == pytest.approx(nets.forward(spec["model"], params, x), abs=1e-5)
    assert told["metrics"]["examples"] == 360
    assert np.shape(told["self_test"]["output"]) == (4, 10)


def test_parameters_that_are_gone_are_named(tmp_path):
    with pytest.raises(BadInput, match="gone"):
        work.evaluate({"params": str(tmp_path / "gone"), "model": nets.DIGITS_MODEL}, 0)


WILD = {"clients": 4, "rounds": 6, "algorithm": "fedprox", "mu": 1e6}


def test_a_simulation_whose_model_is_not_finite_ends_saying_so():
    with pytest.raises(Conflict, match="Round 1 cannot stand: the model that the updates make is not finite"):
        work.simulate({**WILD, "learning_rate": 10.0}, 0)


def test_a_setting_whose_model_is_not_finite_is_the_worst_of_those_tried():
    told = work.tune({**WILD, "rounds": 2, "choices": {"learning_rate": [10.0, 1e-6]}}, 0)
    assert told["best"]["learning_rate"] == 1e-6
    assert told["trials"][-1]["accuracy"] == 0.0
    with pytest.raises(Conflict, match="None of the settings"):
        work.tune({**WILD, "rounds": 2, "choices": {"learning_rate": [10.0, 5.0]}}, 0)
