import numpy as np
import pytest

from app.engine.learning import nets
from app.engine.learning.batched import Population, train
from app.engine.learning.front import Front, most_together
from app.engine.learning.local import train as train_alone
from app.engine.learning.records import LocalSpec

MODEL = "conv-6x5x2-3-4"


def examples(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((count, 60), dtype=np.float32), rng.integers(0, 4, count)


def loss64(flat, x, y):
    """The loss in double precision, by loops over places and filters, written apart from the code under test."""
    w1, b1 = flat[:54].reshape(18, 3), flat[54:57]
    w2, b2 = flat[57:-4].reshape(-1, 4), flat[-4:]
    images = x.astype(np.float64).reshape(-1, 2, 6, 5)
    found = np.zeros((len(x), 4, 3, 3))
    for down in range(4):
        for across in range(3):
            patch = images[:, :, down : down + 3, across : across + 3].reshape(len(x), -1)
            found[:, down, across] = np.maximum(patch @ w1 + b1, 0)
    pooled = np.stack([found[:, 2 * at : 2 * at + 2, :2].mean(axis=(1, 2)) for at in range(2)], axis=1)
    z = pooled.reshape(len(x), -1) @ w2 + b2
    z -= z.max(axis=1, keepdims=True)
    return -(z[np.arange(len(y)), y] - np.log(np.exp(z).sum(axis=1))).mean()


def test_a_step_follows_the_numeric_gradient():
    params, (x, y) = nets.initial(MODEL, 1), examples(9)
    flat = nets.flatten(params, MODEL).astype(np.float64)
    told = train_alone(params, x, y, LocalSpec(model=MODEL, epochs=1, batch=0, learning_rate=0.1))
    steps = 1e-6 * np.eye(len(flat))
    grad = np.array([loss64(flat + step, x, y) - loss64(flat - step, x, y) for step in steps]) / 2e-6
    assert told.loss == pytest.approx(loss64(flat, x, y), abs=1e-5)
    assert nets.flatten(told.update, MODEL) == pytest.approx(-0.1 * grad, abs=2e-6)
    assert nets.loss(MODEL, params, x, y) == pytest.approx(loss64(flat, x, y), abs=1e-6)


@pytest.mark.parametrize("batch", [0, 7])
def test_a_simulated_client_equals_a_node_to_the_bit_whatever_the_chunk(batch):
    x, y = examples(80)
    rng = np.random.default_rng(2)
    people = Population.of(x, y, [rng.integers(0, 80, size) for size in (5, 16, 0, 9, 9, 31)])
    params, spec = nets.initial(MODEL, 0), LocalSpec(model=MODEL, batch=batch, seed=3)
    told, cut = (train(params, people, np.arange(6), spec, chunk) for chunk in (128, 2))
    assert np.array_equal(told.matrix, cut.matrix)
    for client, rows in enumerate(people.parts):
        alone = train_alone(params, x[rows], y[rows], {**spec.to_json(), "client": client})
        assert np.array_equal(nets.flatten(alone.update, MODEL), told.matrix[client])


def test_places_that_fill_no_mean_are_left_out():
    assert Front(8, 8, 1, 4).grid == (3, 3)
    assert Front(6, 5, 2, 3).grid == (2, 1)
    assert Front(6, 5, 2, 3).index().shape == (8, 18)
    assert Front(6, 5, 2, 3).index().max() < 60


def test_large_images_are_taken_in_smaller_chunks():
    assert most_together(Front(8, 8, 1, 8), 16) > most_together(Front(32, 32, 3, 8), 16) >= 1
