from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from app.engine.base.errors import BadInput, Limit
from app.wire.delta import MAGIC, apply_delta, make_delta, segments_of, tensors_at


def net(weights, note=""):
    names = [f"w{index}" for index in range(len(weights))]
    nodes = [
        helper.make_node("MatMul", [below, name], [name + "y"])
        for below, name in zip(["x", *(n + "y" for n in names)], names, strict=False)
    ]
    graph = helper.make_graph(
        nodes, "net" + note, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", weights[0].shape[0]])],
        [helper.make_tensor_value_info(names[-1] + "y", TensorProto.FLOAT, ["n", weights[-1].shape[1]])],
        [numpy_helper.from_array(weight, name) for name, weight in zip(names, weights, strict=True)],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def draws(seed, *sizes):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(a, b)).astype(np.float32) for a, b in pairwise(sizes)]


def test_tensors_are_found_where_onnx_put_them():
    weights = draws(0, 64, 32, 10)
    data = net(weights)
    places = tensors_at(data)
    assert {name: data[at : at + size] for name, (at, size) in places.items()} == {
        "w0": weights[0].tobytes(), "w1": weights[1].tobytes(),
    }  # fmt: skip
    assert tensors_at(b"no model") == {}


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=500), st.binary(max_size=500))
def test_any_two_files_come_back(old, new):
    assert apply_delta(old, make_delta(old, new), 1 << 20) == new


def test_a_new_head_costs_little_even_where_everything_moved():
    body, head = draws(0, 256, 256, 256), draws(1, 256, 10)
    old, new = net([*body, *draws(2, 256, 10)]), net([*body, *head], note=" retrained, and called otherwise")
    assert len(old) != len(new)
    assert len(segments_of(old, new)) == 3
    delta = make_delta(old, new)
    assert apply_delta(old, delta, 1 << 24) == new
    assert len(delta) < 0.025 * len(new)  # the head alone is 1.9 %


def test_a_malformed_delta_is_refused():
    old, new = net(draws(0, 8, 4)), net(draws(1, 8, 4))
    delta = make_delta(old, new)
    for broken in (
        b"",
        delta[:6],
        delta[:-3],
        MAGIC + b"\xff" * 8,
        b"XXXX" + delta[4:],
        delta[:8] + b"[" + delta[9:],
        delta + b"x",
    ):
        with pytest.raises(BadInput):
            apply_delta(old, broken, 1 << 20)
    with pytest.raises(BadInput):
        apply_delta(old[:10], delta, 1 << 20)
    with pytest.raises(Limit):
        apply_delta(old, delta, 10)
