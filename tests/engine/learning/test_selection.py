import numpy as np
import pytest

from app.engine.learning.pace import Pace
from app.engine.learning.selection import KINDS, Seen, select


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", KINDS)
def test_everybody_chosen_is_there_once_and_in_order(kind):
    chosen = select(kind, rng(), 0.2, Seen.nothing(50))
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    assert kind == "poisson" or len(chosen) == 10
    assert len(select(kind, rng(), 1e-6, Seen.nothing(50))) == 1


def test_poisson_takes_each_with_its_own_throw():
    sizes = [len(select("poisson", rng(seed), 0.2, Seen.nothing(100))) for seed in range(300)]
    # Binomial(100, 0.2): mean 20, variance 16; five standard errors of the mean, and of the variance.
    assert np.mean(sizes) == pytest.approx(20, abs=5 * np.sqrt(16 / 300))
    assert np.var(sizes) == pytest.approx(16, abs=5 * 16 * np.sqrt(2 / 300))


def test_adaptive_prefers_high_loss_and_leaves_out_the_slow():
    seen = Seen(np.r_[np.full(50, 0.1), np.full(50, 3.0)], np.full(100, 20.0), np.ones(100))
    seen.round_s[90:] = 50.0
    often = np.zeros(100)
    for seed in range(200):
        often[select("adaptive", rng(seed), 0.2, seen)] += 1
    assert often[50:90].mean() > 3 * often[:50].mean()
    assert often[90:].mean() < 0.1 * often[50:90].mean()


def test_of_clients_of_equal_loss_adaptive_prefers_those_with_more_examples():
    seen = Seen(np.full(100, 1.0), np.r_[np.full(50, 4.0), np.full(50, 100.0)], np.ones(100))
    often = np.zeros(100)
    for seed in range(100):
        often[select("adaptive", rng(seed), 0.1, seen)] += 1
    assert often[50:].mean() > 3 * often[:50].mean()


def test_adaptive_looks_at_clients_it_never_saw():
    seen = Seen(np.r_[np.full(90, 1.0), np.full(10, np.nan)], np.full(100, 20.0), np.zeros(100))
    chosen = select("adaptive", rng(), 0.2, seen)
    assert (chosen >= 90).sum() == 2


def test_a_client_that_claims_any_loss_and_any_examples_is_not_asked_in_every_round():
    seen = Seen(np.full(40, 1.0), np.full(40, 20.0), np.ones(40))
    seen.losses[7], seen.examples[7] = 1e12, 1e12
    asked = sum(7 in select("adaptive", rng(seed), 0.1, seen) for seed in range(200))
    assert asked < 40  # a tenth of 200, and five standard errors


def test_capable_asks_who_can_be_done_in_time_and_else_the_fastest():
    seen = Seen.nothing(10)
    seen.round_s[:] = np.arange(10)
    assert set(select("capable", rng(), 0.3, seen, deadline_s=4.5)) <= {0, 1, 2, 3, 4}
    assert select("capable", rng(), 0.5, seen, deadline_s=1.5).tolist() == [0, 1, 2, 3, 4]


def test_epochs_by_a_deadline_are_whole_and_leave_time_to_send():
    pace = Pace(np.array([1.0, 2.0, 10.0]), np.array([0.5, 0.5, 0.5]))
    assert pace.epochs_by(4.6, 5, np.array([0, 1, 2])).tolist() == [4, 2, 0]
    assert pace.round_s(2).tolist() == [2.5, 4.5, 20.5]
    assert pace.moved(0.1).link_s == pytest.approx([0.05] * 3)


@pytest.mark.parametrize("kind", ["adaptive", "capable"])
def test_who_misses_every_round_is_asked_seldom_and_gets_another_chance(kind):
    seen, asked = Seen.nothing(10), np.zeros(10)
    for number in range(60):
        chosen = select(kind, rng(number), 0.3, seen, 30.0)
        asked[chosen] += 1
        sound = chosen[chosen != 4]
        seen.learn(sound, np.full(len(sound), 0.5), np.full(len(sound), 20))
        seen.round_s[sound] = 1.0
        seen.miss(chosen[chosen == 4], 30.0)
        seen.forgive(chosen)
    assert 1 <= asked[4] < 0.6 * np.delete(asked, 4).mean()


def test_one_that_comes_again_after_a_miss_is_known_by_what_it_tells():
    seen = Seen.nothing(3)
    seen.miss(np.array([1]), 10.0)
    assert (seen.round_s[1], seen.missed, bool(np.isnan(seen.losses[1]))) == (20.0, {1}, False)
    seen.forgive(np.array([0]))
    assert seen.round_s.tolist() == [0, 16.0, 0]
    seen.learn(np.array([1]), np.array([0.3]), np.array([7]))
    seen.round_s[1] = 2.0
    seen.forgive(np.array([0]))
    assert (seen.losses[1], seen.round_s[1], seen.missed) == (0.3, 2.0, set())
