import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from app.engine.base.contracts import never, silent
from app.engine.base.errors import Conflict, Refused
from app.engine.models.adapters import onnx_model, shrink
from app.engine.models.limits import Limits, check_trial
from app.engine.models.work import compare, make_smaller
from app.engine.models.workshop import Trial


def wide_model(seed=0, wide=256):
    """Return a model of two layers that int8 makes smaller."""
    rng = np.random.default_rng(seed)
    sizes = [(64, wide), (wide, 10)]
    weights = [numpy_helper.from_array((rng.normal(size=size) / 8).astype(np.float32), f"w{n}") for n, size in enumerate(sizes)]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w0"], ["h"]), helper.make_node("Relu", ["h"], ["r"]), helper.make_node("MatMul", ["r", "w1"], ["y"])],
        "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 10])], weights,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def conv_model():
    weight = numpy_helper.from_array(np.ones((2, 1, 3, 3), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])], "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2, 6, 6])], [weight],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(wide_model())
    return path


def smaller(net, how, **changed):
    spec = {"path": str(net), "out": str(net.with_name("out.onnx")), "how": how, "ratio": 0.3, "lineage": {"from": "m1"}}
    return make_smaller({**spec, **Trial(loss_most=0.2, latency_ratio_most=0, count=64).spec(), **changed}, 1, silent, never)


def test_static_int8_is_smaller_agrees_and_carries_lineage_figures_and_self_test(net):
    told = smaller(net, "static")
    out = net.with_name("out.onnx")
    assert told["size_after_bytes"] < told["size_before_bytes"]
    assert told["agreement_ratio"] >= 0.8
    assert (told["drawn"], told["accuracy_before"]) == (True, None)
    inside = onnx_model.stamped(out)
    assert inside["lineage"] == {"from": "m1"}
    assert inside["metrics"]["agreement_ratio"] == told["agreement_ratio"]
    test = onnx_model.describe(out, 99)["self_test"]
    assert test == inside["self_test"]
    answer = onnx_model.run(onnx_model.session_of(out), np.array(test["input"], np.float32))
    assert np.allclose(answer, test["output"], atol=1e-4)


def test_what_loses_too_much_is_refused_with_the_figure_and_leaves_no_file(net):
    labels = [0] * 64
    with pytest.raises(Refused, match="loses"):
        smaller(net, "prune", ratio=0.99, loss_most=0.001)
    assert not net.with_name("out.onnx").exists()
    told = smaller(net, "prune", ratio=0.0, rows=np.zeros((64, 64)).tolist(), labels=labels)
    assert told["accuracy_before"] == told["accuracy_after"]


def test_pruning_zeroes_the_smallest_weights_and_no_others(net):
    told = smaller(net, "prune", loss_most=1.0)
    assert told["zeros_ratio"] == pytest.approx(0.3, abs=0.01)
    old, new = (onnx.load(str(path)) for path in (net, net.with_name("out.onnx")))
    for before, after in zip(old.graph.initializer, new.graph.initializer, strict=True):
        a, b = numpy_helper.to_array(before), numpy_helper.to_array(after)
        assert np.array_equal(a[b != 0], b[b != 0])
        assert np.abs(a[b == 0]).max() <= np.abs(b[b != 0]).min()


def test_dynamic_int8_of_a_convolution_is_refused_with_the_reason(tmp_path, net):
    path = tmp_path / "conv.onnx"
    path.write_bytes(conv_model())
    with pytest.raises(Refused, match="6 to 18 times"):
        shrink.quantize(path, tmp_path / "out.onnx", np.zeros((1, 1, 8, 8), np.float32), "dynamic")
    assert shrink.rows_like(path, 3, 0).shape == (3, 1, 8, 8)
    assert smaller(net, "dynamic")["how"] == "dynamic"


def test_a_slower_model_is_refused_unless_allowed():
    told = {"agreement_ratio": 1.0, "latency_before_s": 1.0, "latency_after_s": 1.5}
    with pytest.raises(Refused, match=r"1\.50 times as slow"):
        check_trial(told, Limits())
    check_trial(told, Limits(latency_ratio_most=0))
    check_trial({**told, "accuracy_before": 0.9, "accuracy_after": 0.95, "agreement_ratio": 0.1}, Limits(latency_ratio_most=2))


def test_two_models_are_compared_on_the_same_rows(net):
    told = compare({"one": str(net), "two": str(net), **Trial(count=16).spec()}, 1, silent, never)
    assert (told["rows"], told["agreement_ratio"], told["drawn"]) == (16, 1.0, True)
    assert told["latency_before_s"] > 0


async def test_the_workshop_registers_what_held_and_retires(models):
    first = await models.register("net", wide_model(), {"run": 1}, {"spec": {"data": "x"}}, actor="me@here")
    trial = Trial(count=64, loss_most=0.2, latency_ratio_most=0)
    made, told = await models.workshop.shrink("net:1", "static", trial, actor="me@here")
    assert (made.title, made.lineage["from"], made.lineage["kind"]) == ("net:2", first.id, "int8-static")
    assert made.metrics["trial"]["size_after_bytes"] == told["size_after_bytes"] == made.size_bytes
    with pytest.raises(Refused):
        await models.workshop.shrink("net:1", "prune", Trial(loss_most=0.0), ratio=0.99, actor="me@here")
    assert len(models.records) == 2
    both = await models.workshop.compare("net:1", "net:2", trial, actor="me@here")
    assert [about["title"] for about in both["models"]] == ["net:1", "net:2"]
    await models.make_active(made, actor="me@here")
    with pytest.raises(Conflict, match="is active"):
        await models.workshop.retire("net:2", actor="me@here")
    assert (await models.workshop.retire("net:1", actor="me@here")).state == "retired"
