import numpy as np
import pytest

from app.engine.base.errors import BadInput
from app.engine.learning import mlp
from app.engine.learning.local import train
from app.engine.learning.records import LocalSpec, LocalUpdate
from app.engine.learning.strategy import FedAvg

MODEL = "mlp-6-5-3"


def examples(count=60):
    rng = np.random.default_rng(0)
    return rng.random((count, 6), dtype=np.float32), rng.integers(0, 3, count)


def test_one_full_batch_step_of_all_clients_is_central_gradient_descent():
    x, y = examples()
    strategy = FedAvg(LocalSpec(model=MODEL, epochs=1, batch=0, learning_rate=0.3))
    central = federated = mlp.initial(MODEL, 4)
    cuts = [slice(0, 7), slice(7, 40), slice(40, 60)]
    for number in range(1, 11):
        answers = [train(federated, x[cut], y[cut], strategy.configure(number, i)) for i, cut in enumerate(cuts)]
        federated = strategy.combine(federated, *strategy.stack(answers))
        step = train(central, x, y, strategy.configure(number, 0)).update
        central = {name: central[name] + step[name] for name in central}
    assert mlp.flatten(federated, MODEL) == pytest.approx(mlp.flatten(central, MODEL), abs=1e-5)


def test_everybody_takes_part_unless_a_ratio_says_otherwise():
    assert FedAvg().select(1, 5).tolist() == [0, 1, 2, 3, 4]
    few = FedAvg(sample_ratio=0.2)
    first = few.select(1, 50)
    assert len(first) == 10
    assert first.tolist() == sorted(set(first.tolist()))
    assert np.array_equal(first, few.select(1, 50))
    assert not np.array_equal(first, few.select(2, 50))
    assert len(FedAvg(sample_ratio=0.001).select(1, 50)) == 1


def test_a_client_is_told_its_round_and_its_place():
    told = FedAvg(LocalSpec(epochs=7, seed=3)).configure(4, 2)
    assert (told.round, told.client, told.epochs, told.seed) == (4, 2, 7, 3)


def test_weights_are_examples():
    zero = {name: np.zeros(shape, np.float32) for name, shape in mlp.shapes_of(MODEL).items()}
    one = {name: value + 1 for name, value in zero.items()}
    strategy = FedAvg(LocalSpec(model=MODEL))
    told = strategy.combine(zero, *strategy.stack([LocalUpdate(zero, 10, 0.0), LocalUpdate(one, 30, 0.0)]))
    assert mlp.flatten(told, MODEL) == pytest.approx(0.75)


@pytest.mark.parametrize("spoil", [lambda u: u.pop("w1"), lambda u: u.update(b2=np.full(3, np.nan, np.float32))])
def test_a_spoilt_update_is_refused(spoil):
    update = mlp.initial(MODEL, 0)
    spoil(update)
    with pytest.raises(BadInput):
        FedAvg(LocalSpec(model=MODEL)).accept(update, 5)


def test_an_update_without_examples_is_refused():
    with pytest.raises(BadInput):
        FedAvg(LocalSpec(model=MODEL)).accept(mlp.initial(MODEL, 0), 0)
