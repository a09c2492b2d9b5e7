import numpy as np
import pytest

from app.engine.learning import nets
from app.engine.learning.batched import Population, memory_of
from app.engine.learning.buffered import Buffer
from app.engine.learning.pace import Pace
from app.engine.learning.records import LocalSpec
from app.engine.learning.strategy import Strategy

MODEL = "mlp-6-5-3"


def buffer(paces, **told):
    rng = np.random.default_rng(0)
    count = len(paces)
    people = Population.of(
        rng.random((4 * count, 6), dtype=np.float32), rng.integers(0, 3, 4 * count), np.split(np.arange(4 * count), count)
    )
    strategy = Strategy(LocalSpec(model=MODEL, algorithm="fedbuff", epochs=1, batch=4, **told))
    memory = memory_of(people, strategy.base, len(nets.flatten(nets.initial(MODEL, 0), MODEL)))
    return Buffer(strategy, people, Pace(np.array(paces, float), np.zeros(count)), 2, memory), strategy


def test_the_fastest_fill_the_buffer_and_the_slow_come_with_their_age():
    under, strategy = buffer([1, 1.1, 1.2, 1.3, 10, 1.05])
    now, came = strategy.begin(nets.initial(MODEL, 0)), []
    for number in range(1, 60):
        clients, updates, ages = under.turn(number, now)
        now = strategy.step(now, strategy.weigh(updates.matrix, updates.examples, updates.steps, ages), 6)
        came.append((set(clients.tolist()), dict(zip(clients.tolist(), ages.tolist(), strict=True))))
        if 4 in came[-1][0]:
            break
    assert came[0] == ({0, 5}, {0: 0.0, 5: 0.0})
    assert came[-1][1][4] == len(came) - 1 > 15
    assert 10 <= under.now_s <= 11
    assert all(len(who) == 2 for who, _ in came)


def test_what_compression_left_out_is_sent_the_next_time():
    under, strategy = buffer([1, 1], compress="top-k", keep_ratio=0.1)
    now = strategy.begin(nets.initial(MODEL, 0))
    sent = np.zeros((2, 53), np.float32)
    for number in (1, 2, 3):  # the model stands still, so that all a client has to say is its update, over and over
        _, updates, _ = under.turn(number, now)
        sent += updates.matrix
    left = under.memory.take(np.arange(2))[:, :53]
    whole, free = buffer([1, 1])
    true = sum(whole.turn(number, free.begin(now.params))[1].matrix for number in (1, 2, 3))
    assert np.abs(left).max() > 0
    assert sent + left == pytest.approx(true, abs=1e-6)
