import dataclasses
import importlib.util
import itertools

import numpy as np
import pytest

from app.engine.base.errors import BadInput, Missing
from app.engine.learning import nets
from app.engine.learning.adapters import torch_models
from app.engine.learning.batched import Population, train
from app.engine.learning.data import load_digits
from app.engine.learning.partition import part
from app.engine.learning.records import LocalSpec
from app.engine.learning.robust import Robust
from app.engine.learning.simulate import rounds
from app.engine.learning.strategy import Strategy

MODEL = nets.DIGITS_MODEL
SPEC = LocalSpec(seed=3)
needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")


def digits(clients=6):
    split = load_digits()
    parts = [rows[: 40 - 7 * at] for at, rows in enumerate(part("dirichlet", split.train_y, clients, 1))]
    return Population.of(split.train_x, split.train_y, parts), (split.test_x, split.test_y)


def module():
    """Return the digits network as torch writes it, with the starting values of the one in numpy."""
    torch = pytest.importorskip("torch")
    start = nets.initial(MODEL, 0)
    made = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    with torch.no_grad():
        for layer, number in ((made[0], 1), (made[2], 2)):
            layer.weight.copy_(torch.from_numpy(start[f"w{number}"].T.copy()))
            layer.bias.copy_(torch.from_numpy(start[f"b{number}"]))
    return made


def as_numpy(row):
    """Return a row of torch's parameters (weights (out, in), then biases) in the layout of numpy's."""
    w1, b1, w2, b2 = np.split(row, np.cumsum([2048, 32, 320]))
    return np.concatenate([w1.reshape(32, 64).T.ravel(), b1, w2.reshape(10, 32).T.ravel(), b2])


@needs_torch
@pytest.mark.parametrize("more", [{}, {"batch": 0}, {"algorithm": "fedprox", "mu": 0.5}], ids=["batches", "full", "fedprox"])
def test_torch_and_numpy_come_to_the_same_updates(more):
    people, _ = digits()
    spec, everyone = dataclasses.replace(SPEC, **more), np.arange(len(people.parts))
    made = module()
    told = torch_models.train(made, torch_models.parameters_of(made), people, everyone, spec, chunk=4)
    ours = train(nets.initial(MODEL, 0), people, everyone, spec)
    for row, mine in zip(told.matrix, ours.matrix, strict=True):
        assert as_numpy(row) == pytest.approx(mine, abs=2e-6)
    assert told.losses == pytest.approx(ours.losses, rel=1e-5)
    assert told.examples.tolist() == ours.examples.tolist()
    assert told.steps.tolist() == ours.steps.tolist()


@needs_torch
def test_rounds_of_a_module_end_where_those_in_numpy_do():
    people, test = digits()
    strategy = Strategy(SPEC, aggregator=Robust("trimmed", 1))
    *_, (_, accuracy) = itertools.islice(torch_models.rounds(module(), strategy, people, test), 6)
    *_, step = itertools.islice(rounds(nets.initial(MODEL, 0), strategy, people, test, lambda: 0.0), 6)
    assert accuracy == pytest.approx(step.round.accuracy, abs=0.006)
    assert accuracy > 0.5


def test_what_needs_more_than_a_model_of_each_client_is_refused():
    people, _ = digits()
    for more in ({"algorithm": "scaffold"}, {"compress": "top-k"}):
        with pytest.raises(BadInput, match="whole updates"):
            torch_models.train(None, {}, people, np.arange(2), dataclasses.replace(SPEC, **more))


@pytest.mark.parametrize("more", [{"selection": "adaptive"}, {"deadline_s": 1.0}, {"norm_bound": 1.0}])
def test_rules_that_would_have_no_effect_on_modules_are_refused(more):
    people, test = digits()
    with pytest.raises(BadInput, match="without a deadline"):
        next(torch_models.rounds(None, Strategy(SPEC, **more), people, test))


def test_without_torch_it_says_so(monkeypatch):
    monkeypatch.setattr(torch_models, "installed", lambda: False)
    people, _ = digits()
    with pytest.raises(Missing, match="not installed"):
        torch_models.train(None, {}, people, np.arange(2), SPEC)
