import numpy as np
import pytest

from app.engine.circuits.tasks import bb84
from app.engine.circuits.tasks.base import wilson


def rng(seed=1):
    return np.random.default_rng(seed)


def test_a_quiet_channel_gives_both_ends_the_same_key():
    told = bb84.exchange(60_000, 0.02, 0.0, rng())
    assert told["keys_equal"]
    assert told["key_start"] == told["other_key_start"]
    assert 0.49 < told["sifted_ratio"] < 0.51
    assert 0 < told["key_rate_ratio"] < told["asymptotic_ratio"] * told["sifted_ratio"]
    assert told["corrected"] > 0


def test_full_interception_shows_a_quarter_of_errors_and_ends_the_exchange():
    told = bb84.exchange(60_000, 0.0, 1.0, rng(2))
    assert told["qber_low_ratio"] <= 0.25 <= told["qber_high_ratio"]
    assert told["aborted"]
    assert told["key_bits"] == 0


@pytest.mark.parametrize("noise, aborted", [(0.125, True), (0.09, False)])
def test_the_exchange_ends_at_eleven_percent(noise, aborted):
    assert bb84.exchange(60_000, noise, 0.0, rng(3))["aborted"] is aborted


@pytest.mark.parametrize("error", [0.005, 0.02, 0.08])
def test_cascade_corrects_every_error_at_near_the_limit_of_shannon(error):
    draw = rng(4)
    alice = draw.integers(0, 2, 20_000, dtype=np.uint8)
    bob = alice ^ (draw.random(20_000) < error).astype(np.uint8)
    corrected, leaked = bb84.cascade(alice, bob, error, draw)
    assert (corrected == alice).all()
    limit = 20_000 * bb84.binary_entropy(error)
    assert limit < leaked < 1.35 * limit


def test_amplification_is_the_toeplitz_matrix_of_its_seed():
    draw = rng(5)
    key, seed = draw.integers(0, 2, 37, dtype=np.uint8), draw.integers(0, 2, 37 + 12 - 1, dtype=np.uint8)
    matrix = np.array([[seed[row + 36 - column] for column in range(37)] for row in range(12)])
    assert (bb84.amplify(key, 12, seed) == matrix @ key % 2).all()


def test_the_length_of_the_key_nears_the_rate_of_infinite_keys():
    assert bb84.key_length(0, 10, 0.0, 0) == 0
    count, error = 10**9, 0.03
    leak = round(count * bb84.binary_entropy(error))
    limit = 1 - 2 * bb84.binary_entropy(error)
    assert bb84.key_length(count, count // 2, error, leak) / count == pytest.approx(limit, abs=0.01)
    assert bb84.key_length(5000, 2500, 0.02, 800) < 5000 * (1 - 2 * bb84.binary_entropy(0.02))


def test_the_interval_is_wilsons():
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
