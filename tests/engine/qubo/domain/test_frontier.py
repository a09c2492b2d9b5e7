import numpy as np
import pytest

from app.engine.qubo.domain.frontier import frontier, least_variance


def test_two_independent_assets_share_as_their_variances_say():
    # The least variance of independent assets holds them in inverse proportion to their variances.
    shares = least_variance(np.array([0.1, 0.2]), np.diag([0.01, 0.03]), None)
    assert shares == pytest.approx([0.75, 0.25], abs=1e-6)


def test_a_target_between_two_assets_fixes_the_shares():
    shares = least_variance(np.array([0.1, 0.3]), np.array([[0.04, 0.01], [0.01, 0.09]]), 0.15)
    assert shares == pytest.approx([0.75, 0.25], abs=1e-6)


def test_the_frontier_rises_from_the_least_variance_to_the_highest_return():
    rng = np.random.default_rng(1)
    root = rng.normal(size=(6, 6))
    returns = rng.random(6)
    curve = frontier(returns, root @ root.T / 6, 9)
    assert [gain for gain, _ in curve] == sorted(gain for gain, _ in curve)
    assert [risk for _, risk in curve] == sorted(risk for _, risk in curve)
    assert curve[-1][0] == pytest.approx(returns.max(), rel=1e-6)
