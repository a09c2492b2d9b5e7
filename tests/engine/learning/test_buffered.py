import numpy as np

from app.engine.learning import nets
from app.engine.learning.batched import Population
from app.engine.learning.buffered import Buffer
from app.engine.learning.pace import Pace
from app.engine.learning.records import LocalSpec
from app.engine.learning.strategy import Strategy

MODEL = "mlp-6-5-3"


def buffer(paces):
    rng = np.random.default_rng(0)
    count = len(paces)
    people = Population.of(
        rng.random((4 * count, 6), dtype=np.float32), rng.integers(0, 3, 4 * count), np.split(np.arange(4 * count), count)
    )
    strategy = Strategy(LocalSpec(model=MODEL, algorithm="fedbuff", epochs=1, batch=4))
    return Buffer(strategy, people, Pace(np.array(paces, float), np.zeros(count)), 2), strategy


def test_the_fastest_fill_the_buffer_and_the_slow_come_with_their_age():
    under, strategy = buffer([1, 1.1, 1.2, 1.3, 10, 1.05])
    now, came = strategy.begin(nets.initial(MODEL, 0)), []
    for number in range(1, 60):
        clients, _, answers = under.turn(number, now)
        now = strategy.step(now, answers, 6)
        came.append((set(clients.tolist()), dict(zip(clients.tolist(), answers.ages.tolist(), strict=True))))
        if 4 in came[-1][0]:
            break
    assert came[0] == ({0, 5}, {0: 0.0, 5: 0.0})
    assert came[-1][1][4] == len(came) - 1 > 15
    assert 10 <= under.now_s <= 11
    assert all(len(who) == 2 for who, _ in came)
