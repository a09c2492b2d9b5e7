import importlib.util
import itertools
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest

from app.engine.base.errors import BadInput, Missing
from app.engine.learning import nets
from app.engine.learning.adapters import torch_models, torch_onnx
from app.engine.learning.batched import Population
from app.engine.learning.data import load_digits
from app.engine.learning.partition import part
from app.engine.learning.records import LocalSpec
from app.engine.learning.strategy import Strategy

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
RNG = np.random.default_rng(0)
X = RNG.random((9, 64), dtype=np.float32)


def layer(kind, **told):
    """Return what stands where a layer of torch stands: its class has the name and the home of torch's own."""
    return type(kind, (SimpleNamespace,), {"__module__": "torch.nn.modules.some"})(**told)


def sequence(*layers):
    named = [(str(at), one) for at, one in enumerate(layers)]
    return layer("Sequential", named_children=lambda: iter(named))


def run(data, x):
    return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(["y"], {"x": x})[0]


def test_a_sequence_of_dense_layers_is_written_without_torch_and_gives_what_numpy_gives():
    params = nets.initial("mlp-64-32-10", 3)
    module = sequence(layer("Linear"), sequence(layer("ReLU"), layer("Identity")), layer("Linear"))
    held = {"0.weight": params["w1"].T, "0.bias": params["b1"], "2.weight": params["w2"].T, "2.bias": params["b2"]}
    data = torch_onnx.to_onnx(module, held, 64, "digits")
    assert data == torch_onnx.to_onnx(module, dict(reversed(held.items())), 64, "digits")
    document = onnx.load_from_string(data)
    assert (document.ir_version, document.opset_import[0].version, document.graph.name) == (9, 17, "digits")
    assert run(data, X) == pytest.approx(nets.forward("mlp-64-32-10", params, X), abs=1e-5)


def test_a_sequence_with_a_convolution_is_written_as_the_network_in_numpy_has_it():
    model = "conv-8x8x1-5-10"
    params = nets.initial(model, 1)
    places = params["w2"].reshape(9, 5, 10).transpose(1, 0, 2).reshape(45, 10)  # torch flattens filter after filter
    held = {
        "1.weight": params["w1"].T.reshape(5, 1, 3, 3), "1.bias": params["b1"], "5.weight": places.T, "5.bias": params["b2"],
    }  # fmt: skip
    window = {"kernel_size": 2, "stride": 2, "padding": 0, "ceil_mode": False}
    plain = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1, "padding_mode": "zeros"}
    module = sequence(
        layer("Unflatten", dim=1, unflattened_size=(1, 8, 8)), layer("Conv2d", kernel_size=(3, 3), **plain), layer("ReLU"),
        layer("AvgPool2d", **window), layer("Flatten", start_dim=1, end_dim=-1), layer("Linear"),
    )  # fmt: skip
    assert run(torch_onnx.to_onnx(module, held, 64), X) == pytest.approx(nets.forward(model, params, X), abs=1e-5)


OTHER = {
    "a class of the user's own": SimpleNamespace(),
    "a layer that is not known": sequence(layer("LSTM"), layer("Linear")),
    "a class that only has the name": sequence(type("Linear", (SimpleNamespace,), {})()),
    "padding that mirrors": sequence(layer("Conv2d", padding_mode="reflect", padding=0), layer("Linear")),
    "windows that run over": sequence(layer("MaxPool2d", kernel_size=2, stride=2, padding=0, ceil_mode=True), layer("Linear")),
    "rows within rows": sequence(layer("Unflatten", dim=1, unflattened_size=(8, 8)), layer("Linear")),
}


@pytest.mark.parametrize("module", OTHER.values(), ids=OTHER.keys())
def test_what_is_no_sequence_of_plain_layers_needs_torch_itself(module, monkeypatch):
    monkeypatch.setattr(torch_models, "installed", lambda: False)
    params = {f"{at}.weight": np.zeros((10, 8), np.float32) for at in range(2)}
    with pytest.raises(Missing, match="PyTorch is not installed"):
        torch_onnx.to_onnx(module, params, 64)


@needs_torch
@pytest.mark.parametrize("traced", [False, True])
def test_a_module_trained_by_clients_answers_elsewhere_as_it_does_in_torch(traced):
    torch = pytest.importorskip("torch")

    class Skip(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.nn.Linear(64, 10)

        def forward(self, x):
            return torch.relu(self.inner(x)) + x.mean(dim=1, keepdim=True)

    nn = torch.nn
    plain = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 4, 3, padding=1, stride=(1, 2)), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(32, 10),
    )  # fmt: skip
    module = Skip() if traced else plain
    split = load_digits()
    people = Population.of(split.train_x, split.train_y, [rows[:30] for rows in part("iid", split.train_y, 4, 0)])
    strategy = Strategy(LocalSpec(seed=0, epochs=1))
    *_, (params, _) = itertools.islice(torch_models.rounds(module, strategy, people, (split.test_x, split.test_y)), 2)
    scores = torch_models.scores(module, params, X)
    told = run(torch_onnx.to_onnx(module, params, 64), X)
    assert told == pytest.approx(torch.softmax(torch.from_numpy(scores), 1).numpy(), abs=1e-5)
    assert not np.allclose(told, run(torch_onnx.to_onnx(module, torch_models.parameters_of(module), 64), X))


@needs_torch
def test_what_torch_cannot_write_is_refused_with_its_reason():
    torch = pytest.importorskip("torch")

    class Strange(torch.nn.Module):
        def forward(self, x):
            return torch.special.bessel_j0(x)

    with pytest.raises(BadInput, match=r"cannot write this module as ONNX: .*bessel"):
        torch_onnx.to_onnx(Strange(), {}, 64)
