import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.learning import nets
from app.engine.learning.batched import Population, Room, train
from app.engine.learning.local import train as train_alone
from app.engine.learning.records import LocalSpec

MODEL = "mlp-9-7-4"


def population(sizes, seed=0):
    rng = np.random.default_rng(seed)
    x, y = rng.random((200, 9), dtype=np.float32), rng.integers(0, 4, 200)
    return x, y, Population.of(x, y, [rng.integers(0, 200, size) for size in sizes])


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(0, 45), min_size=1, max_size=12),
    st.sampled_from([0, 1, 8, 16]),
    st.integers(1, 5),
    st.integers(0, 2**32),
)
def test_the_chunk_changes_no_bit(sizes, batch, chunk, seed):
    _, _, people = population(sizes)
    params, spec = nets.initial(MODEL, 0), LocalSpec(model=MODEL, batch=batch, seed=seed)
    everyone = np.arange(len(sizes))
    whole, cut = train(params, people, everyone, spec), train(params, people, everyone, spec, chunk)
    assert np.array_equal(whole.matrix, cut.matrix)
    assert np.array_equal(whole.losses, cut.losses)


@pytest.mark.parametrize("batch", [0, 7, 16])
def test_a_simulated_client_equals_a_node_to_the_bit(batch):
    sizes = [0, 1, 15, 16, 17, 33, 60, 60, 5]
    x, y, people = population(sizes)
    params, spec = nets.initial(MODEL, 0), LocalSpec(model=MODEL, batch=batch, seed=11, round=3, epochs=3)
    chosen = np.array([8, 1, 0, 5, 6, 7, 3])
    told = train(params, people, chosen, spec)
    for row, client in enumerate(chosen):
        rows = people.parts[client]
        alone = train_alone(params, x[rows], y[rows].astype(np.float32), {**spec.to_json(), "client": int(client)})
        assert np.array_equal(nets.flatten(alone.update, MODEL), told.matrix[row])
        assert alone.loss == told.losses[row]
        assert alone.examples == told.examples[row]


def test_the_digits_network_equals_a_node_to_the_bit():
    rng = np.random.default_rng(1)
    x, y = rng.random((300, 64), dtype=np.float32), rng.integers(0, 10, 300)
    people = Population.of(x, y, [rng.integers(0, 300, size) for size in range(20, 90)])
    params = nets.initial(nets.DIGITS_MODEL, 0)
    told = train(params, people, np.arange(70), LocalSpec(seed=4))
    for client in range(70):
        rows = people.parts[client]
        alone = train_alone(params, x[rows], y[rows], LocalSpec(seed=4, client=client))
        assert np.array_equal(nets.flatten(alone.update, nets.DIGITS_MODEL), told.matrix[client])


def test_a_room_used_again_changes_no_bit():
    room = Room()
    for sizes, batch in (([20, 3, 16], 8), ([5, 5, 5, 5], 16), ([9], 0), ([40, 1], 8)):
        _, _, people = population(sizes)
        params, spec = nets.initial(MODEL, 0), LocalSpec(model=MODEL, batch=batch, seed=5)
        everyone = np.arange(len(sizes))
        fresh, again = train(params, people, everyone, spec), train(params, people, everyone, spec, room=room)
        assert np.array_equal(fresh.matrix, again.matrix)
        assert np.shares_memory(again.matrix, room.matrix)
