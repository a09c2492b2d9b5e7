import itertools

import numpy as np

from app.engine.base.contracts import never, silent
from app.engine.qubo.domain.flow import insert, iterated_greedy, makespan, neh, starts_of


def taillard(jobs, machines, seed):
    """Return the times (jobs, machines) of Taillard's benchmark: his generator, 1 to 99, machine by machine (EJOR 64, 1993)."""
    values = []
    for _ in range(jobs * machines):
        high, low = divmod(seed, 127773)
        seed = 16807 * low - 2836 * high
        seed += 2**31 - 1 if seed < 0 else 0
        values.append(1 + int(99 * seed / (2**31 - 1)))
    return np.array(values).reshape(machines, jobs).T


def test_taillards_first_instance_has_its_published_values():
    times = taillard(20, 5, 873654221)
    assert times[:3, 0].tolist() == [54, 83, 15]
    assert makespan(times, neh(times)) == 1286
    order, made = iterated_greedy(times, 0.0, 1, silent, never, rounds=400)
    assert made == 400
    assert makespan(times, order) == 1278


def test_a_small_shop_is_the_best_of_all_orders():
    times = np.random.default_rng(4).integers(1, 20, (6, 3))
    best = min(makespan(times, order) for order in itertools.permutations(range(6)))
    order, _ = iterated_greedy(times, 0.0, 2, silent, never, rounds=60)
    assert makespan(times, order) == best


def test_an_insertion_is_priced_as_it_turns_out():
    times = np.random.default_rng(1).integers(1, 30, (7, 4))
    place, told = insert(times, [3, 0, 5, 1], 6)
    spans = [makespan(times, [*[3, 0, 5, 1][:k], 6, *[3, 0, 5, 1][k:]]) for k in range(5)]
    assert (told, place) == (min(spans), int(np.argmin(spans)))


def test_starts_end_with_the_makespan():
    times = np.random.default_rng(2).integers(1, 9, (5, 3))
    starts = np.array(starts_of(times, [2, 0, 4, 1, 3]))
    assert (starts + times).max() == makespan(times, [2, 0, 4, 1, 3])
