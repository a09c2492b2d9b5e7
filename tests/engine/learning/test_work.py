import base64

import numpy as np
import onnxruntime
import pytest

from app.engine.base.errors import BadInput
from app.engine.learning import mlp, work
from app.engine.learning.data import load_digits
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
    assert set(result["rounds"][0]) == {"round", "accuracy", "loss", "cpu_s", "bytes", "time_s"}
    assert result["final_accuracy"] == result["rounds"][-1]["accuracy"]
    assert result["spread"] == "parted"
    assert [call[0] for call in told.calls] == [1, 2, 3, 4]
    done, total, unit, partial, samples = told.calls[-1]
    assert (done, total, unit) == (4, 4, "rounds")
    assert partial["accuracy"] == samples["accuracy_ratio"][0][1]
    assert set(samples) == {"accuracy_ratio", "loss"}


def test_equal_seeds_give_equal_results():
    first, again, other = (work.simulate({"clients": 8, "rounds": 2}, seed) for seed in (1, 1, 2))
    assert first["params"] == again["params"] != other["params"]


def test_a_stopped_simulation_returns_what_it_has():
    assert len(work.simulate({"clients": 4, "rounds": 50}, 0, stop=lambda: True)["rounds"]) == 1


@pytest.mark.parametrize("spec", [{"partition": "stripes"}, {"epochs": 0}, {"model": "cnn"}])
def test_a_bad_spec_is_refused(spec):
    with pytest.raises(BadInput):
        work.simulate({"clients": 4, "rounds": 1, **spec}, 0)


@pytest.fixture
def trained(tmp_path):
    result = work.simulate({"clients": 6, "rounds": 5}, 0)
    file = tmp_path / "params"
    file.write_bytes(base64.b64decode(result["params"]))
    return result, {"params": str(file), "model": result["model"]}


def test_a_stored_model_evaluates_as_it_did(trained):
    result, spec = trained
    assert work.evaluate(spec, 0)["accuracy"] == result["final_accuracy"]


def test_an_exported_model_predicts_as_numpy_does(trained):
    _, spec = trained
    told = work.export({**spec, "name": "digits"}, 0)
    params, _ = tensors.unpack(work.Path(spec["params"]).read_bytes(), most_bytes=1 << 20)
    x = load_digits().test_x
    session = onnxruntime.InferenceSession(base64.b64decode(told["onnx"]), providers=["CPUExecutionProvider"])
    assert session.run(None, {"x": x})[0] == pytest.approx(mlp.forward(params, x), abs=1e-5)
    assert told["metrics"]["examples"] == 360
    assert np.shape(told["self_test"]["output"]) == (4, 10)


def test_parameters_that_are_gone_are_named(tmp_path):
    with pytest.raises(BadInput, match="gone"):
        work.evaluate({"params": str(tmp_path / "gone"), "model": mlp.DIGITS_MODEL}, 0)
