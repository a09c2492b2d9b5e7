import json

import numpy as np
import onnx
import pytest

from app.engine.base.contracts import never, silent
from app.engine.base.errors import BadInput
from app.engine.models.work import inspect, predict
from app.wire.selftest import input_of, off_by
from tests.engine.models.nets import linear_model, picture_model


@pytest.fixture
def model_file(tmp_path):
    path = tmp_path / "linear.onnx"
    path.write_bytes(linear_model([[1, 2], [3, 4], [5, 6]]))
    return path


def test_inspect_tells_shapes_and_a_self_test_that_numpy_confirms(model_file):
    told = inspect({"path": str(model_file)}, 7, silent, never)
    assert told["inputs"] == [{"name": "x", "dtype": "tensor(float)", "shape": [None, 3]}]
    assert told["outputs"][0]["shape"] == [None, 2]
    rows = np.array(told["self_test"]["input"])
    assert rows.shape == (4, 3)
    assert np.allclose(told["self_test"]["output"], rows @ [[1, 2], [3, 4], [5, 6]], atol=1e-5)
    assert told == inspect({"path": str(model_file)}, 7, silent, never)


def test_a_model_of_fixed_batch_is_tested_with_that_batch(tmp_path):
    path = tmp_path / "fixed.onnx"
    path.write_bytes(linear_model([[1], [1]], free=2))
    test = inspect({"path": str(path)}, 0, silent, never)["self_test"]
    assert np.allclose(test["output"], np.sum(test["input"], axis=1, keepdims=True))


@pytest.mark.parametrize("shape", [["n", 3, 64, 64], [1, 3, 64, 64], ["n", 3, "h", "w"]])
def test_a_model_of_pictures_has_a_self_test_of_few_bytes_that_numpy_confirms(tmp_path, shape):
    path = tmp_path / "mean.onnx"
    path.write_bytes(picture_model(shape, ("GlobalAveragePool", ["picture"], ["answer"]), out=[shape[0], 3, 1, 1]))
    test = inspect({"path": str(path)}, 5, silent, never)["self_test"]
    rows = input_of(test["input"])
    assert rows.ndim == 4
    assert np.allclose(test["output"], rows.astype(float).mean(axis=(2, 3), keepdims=True), atol=1e-5)
    assert len(json.dumps(test)) < 200_000


def test_a_large_answer_is_tested_at_evenly_spaced_places(tmp_path):
    path = tmp_path / "twice.onnx"
    path.write_bytes(picture_model(["n", 3, 96, 96], ("Add", ["picture", "picture"], ["answer"]), out=["n", 3, 96, 96]))
    test = inspect({"path": str(path)}, 5, silent, never)["self_test"]
    assert len(json.dumps(test)) < 50_000
    assert off_by(test["output"], 2 * input_of(test["input"])) <= test["tolerance"]


def test_a_model_of_two_inputs_has_no_self_test(tmp_path):
    path = tmp_path / "two.onnx"
    model = onnx.load_model_from_string(picture_model(["n", 2], ("Add", ["picture", "other"], ["answer"]), out=["n", 2]))
    model.graph.input.append(onnx.helper.make_tensor_value_info("other", onnx.TensorProto.FLOAT, ["n", 2]))
    path.write_bytes(model.SerializeToString())
    assert inspect({"path": str(path)}, 0, silent, never)["self_test"] is None


@pytest.mark.parametrize("damage", [b"", b"not a model", "cut", "edge"])
def test_a_malformed_file_is_one_line_that_names_it(tmp_path, damage):
    path = tmp_path / "bad.onnx"
    whole = linear_model([[1, 2], [3, 4]])
    broken = onnx.load_model_from_string(whole)
    broken.graph.node[0].input[1] = "nowhere"
    path.write_bytes({"cut": whole[: len(whole) // 2], "edge": broken.SerializeToString()}.get(damage, damage))
    with pytest.raises(BadInput) as caught:
        inspect({"path": str(path), "source": "upload/bad.onnx"}, 0, silent, never)
    assert "upload/bad.onnx" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_predict_equals_numpy(model_file):
    rows = [[1.0, 0.0, 2.0], [0.5, 0.25, 0.125]]
    answer = predict({"path": str(model_file), "rows": rows}, 0, silent, never)["y"]
    assert np.allclose(answer, np.array(rows) @ [[1, 2], [3, 4], [5, 6]], atol=1e-6)


def test_rows_that_do_not_fit_are_refused(model_file):
    with pytest.raises(BadInput):
        predict({"path": str(model_file), "rows": [[1.0, 2.0]]}, 0, silent, never)
    with pytest.raises(BadInput):
        predict({"path": str(model_file), "rows": [[1.0, 2.0], [1.0]]}, 0, silent, never)


@pytest.mark.parametrize("text", ["{bad", "[1]", '{"input": []}'])
def test_a_model_whose_own_self_test_is_none_is_refused_by_name(model_file, text):
    model = onnx.load(str(model_file))
    kept = model.metadata_props.add()
    kept.key, kept.value = "outpost.self_test", text
    onnx.save(model, str(model_file))
    with pytest.raises(BadInput, match=r"mine\.onnx is not a model that can run: self_test"):
        inspect({"path": str(model_file), "source": "mine.onnx"}, 1, silent, never)
