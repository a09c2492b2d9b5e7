import numpy as np
import pytest

from app.engine.base.errors import BadInput
from app.engine.learning import nets

MODEL = "mlp-5-4-3"


def examples(count=7, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((count, 5), dtype=np.float32), rng.integers(0, 3, count)


def test_a_name_gives_layer_sizes():
    assert nets.pairs_of("mlp-64-32-10") == ((64, 32), (32, 10))
    assert nets.count_of("mlp-64-32-10") == 2410
    assert nets.pairs_of("conv-8x8x1-6-20-10") == ((9, 6), (9 * 6, 20), (20, 10))
    assert nets.count_of("conv-8x8x1-6-20-10") == sum(map(np.prod, nets.shapes_of("conv-8x8x1-6-20-10").values()))
    assert (nets.inputs_of("conv-8x8x3-6-10"), nets.classes_of("conv-8x8x3-6-10")) == (192, 10)


def test_short_names_fit_the_data():
    told = [nets.named(kind, (8, 8, 1), 10) for kind in (*nets.KINDS, "mlp-64-9-10")]
    assert told == ["mlp-64-32-10", "mlp-64-10", "conv-8x8x1-8-10", "mlp-64-9-10"]
    with pytest.raises(BadInput, match="needs images"):
        nets.named("conv", (20, 1, 1), 3)


def test_the_work_of_a_pass_counts_every_place_of_a_filter():
    assert nets.flops_of("mlp-64-32-10") == 2 * (64 * 32 + 32 * 10)
    assert nets.flops_of("conv-8x8x1-6-10") == 2 * (36 * 9 * 6 + 54 * 10)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "mlp",
        "mlp-64",
        "mlp-64-0-10",
        "cnn-3-3",
        "conv-3x3x1-4-10",
        "conv-8x8-4-10",
        "conv-8x8x1-4",
        "mlp-64-32-10\n",
        "mlp-1" + "-2" * 40,
    ],
)
def test_a_malformed_name_is_refused(name):
    with pytest.raises(BadInput):
        nets.front_of(name)


def test_flat_and_back_is_the_same_to_the_bit():
    params = nets.initial(MODEL, 3)
    back = nets.unflatten(nets.flatten(params, MODEL), MODEL)
    assert list(back) == ["w1", "b1", "w2", "b2"]
    assert all(np.array_equal(params[name], back[name]) for name in params)


def test_initial_weights_have_the_variance_of_he():
    params = nets.initial("mlp-400-300-10", 0)
    assert params["w1"].var() == pytest.approx(2 / 400, rel=0.02)
    assert not params["b1"].any()


def test_forward_agrees_with_a_loop_in_double_precision():
    params = nets.initial(MODEL, 1)
    params["b1"] += 0.1
    x, _ = examples()
    for row, likely in zip(x, nets.forward(MODEL, params, x), strict=True):
        hidden = [
            max(0.0, sum(float(row[i]) * float(params["w1"][i, j]) for i in range(5)) + float(params["b1"][j]))
            for j in range(4)
        ]
        out = [sum(hidden[i] * float(params["w2"][i, j]) for i in range(4)) + float(params["b2"][j]) for j in range(3)]
        powers = np.exp(out)
        assert likely == pytest.approx(powers / powers.sum(), abs=1e-6)


def test_large_outputs_do_not_overflow():
    params = {name: value * 1e4 for name, value in nets.initial(MODEL, 1).items()}
    x, y = examples()
    assert np.isfinite(nets.forward(MODEL, params, x)).all()
    assert np.isfinite(nets.loss(MODEL, params, x, y))


def test_evaluate_is_accuracy_and_loss():
    params, (x, y) = nets.initial(MODEL, 1), examples()
    assert nets.evaluate(MODEL, params, x, y) == pytest.approx(
        (nets.accuracy(MODEL, params, x, y), nets.loss(MODEL, params, x, y))
    )


def test_a_model_that_knows_nothing_has_the_loss_of_chance():
    params = {name: np.zeros_like(value) for name, value in nets.initial(MODEL, 0).items()}
    assert nets.loss(MODEL, params, *examples()) == pytest.approx(np.log(3), abs=1e-6)


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
    params = nets.initial(MODEL, 0)
    spoil(params)
    with pytest.raises(BadInput):
        nets.check(MODEL, params)
