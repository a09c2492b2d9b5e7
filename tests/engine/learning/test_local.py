import subprocess
import sys

import numpy as np
import pytest

from app.engine.base.errors import BadInput
from app.engine.learning import nets
from app.engine.learning.local import LocalSpec, train

MODEL = "mlp-5-4-3"


def examples(count=12, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((count, 5), dtype=np.float32), rng.integers(0, 3, count)


def loss64(flat, x, y):
    """The loss in double precision, written apart from the code under test."""
    w1, b1, w2, b2 = flat[:20].reshape(5, 4), flat[20:24], flat[24:36].reshape(4, 3), flat[36:]
    z = np.maximum(x.astype(np.float64) @ w1 + b1, 0) @ w2 + b2
    z -= z.max(axis=1, keepdims=True)
    return -(z[np.arange(len(y)), y] - np.log(np.exp(z).sum(axis=1))).mean()


def numeric_gradient(flat, x, y, step=1e-6):
    grad = np.zeros_like(flat)
    for i in range(len(flat)):
        nudge = np.zeros_like(flat)
        nudge[i] = step
        grad[i] = (loss64(flat + nudge, x, y) - loss64(flat - nudge, x, y)) / (2 * step)
    return grad


def test_one_full_batch_step_follows_the_numeric_gradient():
    params, (x, y) = nets.initial(MODEL, 1), examples()
    told = train(params, x, y, LocalSpec(model=MODEL, epochs=1, batch=0, learning_rate=0.1))
    flat = nets.flatten(params, MODEL).astype(np.float64)
    assert nets.flatten(told.update, MODEL) == pytest.approx(-0.1 * numeric_gradient(flat, x, y), abs=2e-6)
    assert told.examples == 12
    assert told.loss == pytest.approx(loss64(flat, x, y), abs=1e-5)


def test_many_full_batch_steps_are_gradient_descent():
    params, (x, y) = nets.initial(MODEL, 2), examples()
    told = train(params, x, y, LocalSpec(model=MODEL, epochs=20, batch=0, learning_rate=0.2))
    flat = start = nets.flatten(params, MODEL).astype(np.float64)
    for _ in range(20):
        flat = flat - 0.2 * numeric_gradient(flat, x, y)
    assert nets.flatten(told.update, MODEL) == pytest.approx(flat - start, abs=1e-4)


def test_a_short_last_batch_counts_its_own_examples_only():
    params, (x, y) = nets.initial(MODEL, 1), examples(5)
    padded = train(params, x, y, LocalSpec(model=MODEL, epochs=1, batch=16))
    full = train(params, x, y, LocalSpec(model=MODEL, epochs=1, batch=0))
    assert nets.flatten(padded.update, MODEL) == pytest.approx(nets.flatten(full.update, MODEL), abs=1e-6)


def test_the_same_spec_gives_the_same_bits_and_another_round_does_not():
    params, (x, y) = nets.initial(MODEL, 1), examples(40)
    spec = {"model": MODEL, "epochs": 2, "batch": 8, "seed": 9, "round": 4, "client": 2}
    first, again = (nets.flatten(train(params, x, y, spec).update, MODEL) for _ in range(2))
    other = nets.flatten(train(params, x, y, {**spec, "round": 5}).update, MODEL)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_labels_may_come_as_floats_and_the_caller_keeps_its_arrays():
    params, (x, y) = nets.initial(MODEL, 1), examples()
    before = {name: value.copy() for name, value in params.items()}
    as_float = train(params, x, y.astype(np.float32), {"model": MODEL})
    assert np.array_equal(as_float.update["w1"], train(params, x, y, {"model": MODEL}).update["w1"])
    assert all(np.array_equal(params[name], before[name]) for name in params)


def test_a_client_without_examples_sends_nothing_new():
    told = train(nets.initial(MODEL, 1), np.empty((0, 5)), np.empty(0), {"model": MODEL})
    assert told.examples == 0
    assert told.loss == 0
    assert not nets.flatten(told.update, MODEL).any()


@pytest.mark.parametrize(
    "x, y",
    [
        (np.zeros((3, 4)), np.zeros(3)),
        (np.zeros((3, 5)), np.zeros(2)),
        (np.zeros(5), np.zeros(1)),
        (np.full((3, 5), np.nan), np.zeros(3)),
        (np.zeros((3, 5)), np.array([0, 1, 3])),
        (np.zeros((3, 5)), np.array([0, -1, 2])),
        (np.zeros((3, 5)), np.array([0, 0.5, 2])),
        (np.zeros((3, 5)), np.array([0, np.nan, 2])),
    ],
)
def test_data_that_does_not_fit_is_refused_by_name(x, y):
    with pytest.raises(BadInput, match=r"^mine: "):
        train(nets.initial(MODEL, 0), x, y, {"model": MODEL, "data": "mine"})


def test_the_node_needs_numpy_and_nothing_heavy():
    code = (
        "import sys, app.engine.learning.local\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} "
        "& {'onnx', 'onnxruntime', 'scipy', 'sqlalchemy', 'httpx', 'PySide6', 'qiskit', 'numba', 'asyncio'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
