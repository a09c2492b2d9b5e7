import numpy as np
import pytest
from scipy import stats as oracle

from app.engine.control.stats import holm, means, paired, sign_flip_p


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_sign_flips_agree_with_the_t_test():
    random = np.random.default_rng(1)
    for shift in (0.0, 0.1, 0.2):
        values = random.normal(shift, 1.0, 200)
        assert sign_flip_p(values, random) == pytest.approx(oracle.ttest_1samp(values, 0).pvalue, abs=0.03)


def test_bootstrap_interval_agrees_with_the_normal_one():
    random = np.random.default_rng(2)
    values = random.normal(0.3, 1.0, 500)
    low, high = np.quantile(means(values, random), [0.025, 0.975])
    half = 1.96 * values.std() / np.sqrt(500)
    assert (low, high) == (pytest.approx(values.mean() - half, abs=0.02), pytest.approx(values.mean() + half, abs=0.02))


def test_a_known_gain_is_found_and_none_is_called_none():
    random = np.random.default_rng(3)
    model = random.uniform(2, 3, 300)
    better, same = paired(model, {"slow": model / 0.9, "same": model * random.uniform(0.98, 1.02, 300)}, seed=0, floor=1.0)
    assert better.effect == pytest.approx(0.1)
    assert better.verdict == "better"
    assert better.excess > 0.1
    assert same.verdict == "no improvement"
    assert same.low < 0 < same.high
    assert paired(model, {"itself": model}, seed=0)[0].p_holm == 1.0
