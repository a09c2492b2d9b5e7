import numpy as np
import pytest

from app.engine.learning.attacks import NAMES, poison, tamper
from app.engine.learning.batched import Population
from app.engine.learning.work import simulate

ROWS = np.array([[9.0], [1.0], [3.0]], np.float32)
HOSTILE = np.array([True, False, False])


@pytest.mark.parametrize(("name", "sent"), [("none", 9.0), ("sign-flip", -36.0), ("alie", 0.5), ("ipm", -1.2)])
def test_each_attack_sends_what_its_paper_says(name, sent):
    rows = ROWS.copy()
    tamper(name, rows, HOSTILE)
    assert rows.ravel() == pytest.approx([sent, 1.0, 3.0])
    assert name in NAMES


def population(clients=4, each=6):
    rng = np.random.default_rng(0)
    total = clients * each
    x, y = rng.random((total, 9), dtype=np.float32), rng.integers(0, 10, total)
    return Population.of(x, y, np.split(np.arange(total), clients))


@pytest.mark.parametrize("name", ["label-flip", "backdoor"])
def test_spoilt_data_is_that_of_the_hostile_alone(name):
    clean = population()
    spoilt = poison(name, clean, 2, 10)
    for client in (2, 3):
        rows = spoilt.parts[client]
        assert np.array_equal(rows, clean.parts[client])
        assert np.array_equal(spoilt.y[rows], clean.y[rows])
    labels = [(clean.y[clean.parts[client]], spoilt.y[spoilt.parts[client]]) for client in (0, 1)]
    assert all(
        np.array_equal(after, 9 - before) if name == "label-flip" else (after[::2] == 0).all() for before, after in labels
    )
    assert clean.sizes().tolist() == spoilt.sizes().tolist()
    assert np.array_equal(clean.x, population().x)


def test_noise_is_the_same_for_equal_seeds_and_another_each_round():
    def noise(seed, number):
        rows = np.ones((5, 40), np.float32)
        tamper("gaussian", rows, np.arange(5) < 2, seed, number)
        assert (rows[2:] == 1).all()
        return rows[:2]

    assert np.array_equal(noise(1, 1), noise(1, 1))
    assert not np.array_equal(noise(1, 1), noise(1, 2))
    assert noise(1, 1).std() == pytest.approx(4, rel=0.3)


def result(**more):
    return simulate({"clients": 20, "rounds": 12, "partition": "iid", "attackers": 4, **more}, 1)


@pytest.fixture(scope="module")
def clean():
    return result(attack="none")["final_accuracy"]


def test_four_of_twenty_flipping_signs_ruin_the_mean(clean):
    assert result(attack="sign-flip")["final_accuracy"] <= 0.15 < clean


@pytest.mark.parametrize("attack", [name for name in NAMES if name != "none"])
def test_mixing_and_a_trimmed_mean_bear_every_attack(attack, clean):
    assert result(attack=attack, aggregator="mixed-trimmed")["final_accuracy"] >= clean - 0.015


SKEWED = {"partition": "dirichlet", "alpha": 0.3, "rounds": 25}


@pytest.fixture(scope="module")
def skewed():
    return result(**SKEWED, attack="none")["final_accuracy"]


@pytest.mark.parametrize("attack", [name for name in NAMES if name not in ("none", "ipm")])
def test_on_skewed_data_they_lose_at_most_three_points_to_all_but_inner_products(attack, skewed):
    assert result(**SKEWED, attack=attack, aggregator="mixed-trimmed")["final_accuracy"] >= skewed - 0.03


def test_a_backdoor_opens_under_the_mean_and_less_under_mixing():
    opened = result(attack="backdoor")["backdoor_ratio"]
    assert opened >= 0.8
    assert result(attack="backdoor", aggregator="mixed-trimmed")["backdoor_ratio"] < 0.5 * opened
