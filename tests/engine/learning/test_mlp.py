import numpy as np
import pytest

from app.engine.base.errors import BadInput
from app.engine.learning import mlp

MODEL = "mlp-5-4-3"


def examples(count=7, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((count, 5), dtype=np.float32), rng.integers(0, 3, count)


def test_a_name_gives_layer_sizes():
    assert mlp.sizes_of("mlp-64-32-10") == (64, 32, 10)
    assert sum(np.prod(shape) for shape in mlp.shapes_of("mlp-64-32-10").values()) == 2410


@pytest.mark.parametrize("name", ["", "mlp", "mlp-64", "mlp-64-0-10", "cnn-3-3", "mlp-64-32-10\n", "mlp-1" + "-2" * 40])
def test_a_malformed_name_is_refused(name):
    with pytest.raises(BadInput):
        mlp.sizes_of(name)


def test_flat_and_back_is_the_same_to_the_bit():
    params = mlp.initial(MODEL, 3)
    back = mlp.unflatten(mlp.flatten(params, MODEL), MODEL)
    assert list(back) == ["w1", "b1", "w2", "b2"]
    assert all(np.array_equal(params[name], back[name]) for name in params)


def test_initial_weights_have_the_variance_of_he():
    params = mlp.initial("mlp-400-300-10", 0)
    assert params["w1"].var() == pytest.approx(2 / 400, rel=0.02)
    assert not params["b1"].any()


def test_forward_agrees_with_a_loop_in_double_precision():
    params = mlp.initial(MODEL, 1)
    params["b1"] += 0.1
    x, _ = examples()
    for row, likely in zip(x, mlp.forward(params, x), strict=True):
        hidden = [
            max(0.0, sum(float(row[i]) * float(params["w1"][i, j]) for i in range(5)) + float(params["b1"][j]))
            for j in range(4)
        ]
        out = [sum(hidden[i] * float(params["w2"][i, j]) for i in range(4)) + float(params["b2"][j]) for j in range(3)]
        powers = np.exp(out)
        assert likely == pytest.approx(powers / powers.sum(), abs=1e-6)


def test_large_outputs_do_not_overflow():
    params = {name: value * 1e4 for name, value in mlp.initial(MODEL, 1).items()}
    x, y = examples()
    assert np.isfinite(mlp.forward(params, x)).all()
    assert np.isfinite(mlp.loss(params, x, y))


def test_evaluate_is_accuracy_and_loss():
    params, (x, y) = mlp.initial(MODEL, 1), examples()
    assert mlp.evaluate(params, x, y) == pytest.approx((mlp.accuracy(params, x, y), mlp.loss(params, x, y)))


def test_a_model_that_knows_nothing_has_the_loss_of_chance():
    params = {name: np.zeros_like(value) for name, value in mlp.initial(MODEL, 0).items()}
    assert mlp.loss(params, *examples()) == pytest.approx(np.log(3), abs=1e-6)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda p: p.pop("b1"),
        lambda p: p.update(extra=np.zeros(1)),
        lambda p: p.update(w1=np.zeros((4, 5))),
        lambda p: p.update(b2=np.array([0, np.nan, 0])),
        lambda p: p.update(b2=np.array([0, np.inf, 0])),
    ],
)
def test_parameters_that_do_not_fit_are_refused(spoil):
    params = mlp.initial(MODEL, 0)
    spoil(params)
    with pytest.raises(BadInput):
        mlp.check(MODEL, params)
