"""The bound of eigenvalues lies below every energy, with fields and without, and is what is known on graphs with closed forms."""

import numpy as np
import pytest

from app.engine.base.contracts import never
from app.engine.qubo import spectral
from app.engine.qubo.exact import spectrum
from app.engine.qubo.problem import build, max_cut


def ring(n):
    return max_cut(n, (np.arange(n), (np.arange(n) + 1) % n, np.ones(n)))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("whole", [True, False])
def test_no_state_is_below_the_bound(seed, whole):
    rng = np.random.default_rng(seed)
    i, j = np.triu_indices(11, 1)
    numbers = rng.integers(-9, 10, 11 + len(i)) if whole else rng.normal(size=11 + len(i))
    problem = build(numbers[:11], (i, j, numbers[11:]), offset=2.0)
    least = float(spectrum(problem).min())
    found = spectral.bound(problem, least, 0.5, never)
    assert found <= least
    assert least - found < 0.6 * abs(least - problem.offset)


def test_an_even_ring_is_closed():
    assert spectral.bound(ring(8), -8.0, 1.0, never) == -8.0


def test_the_ring_of_five_has_the_published_bound():
    # Delorme and Poljak: (25 + 5 sqrt 5) / 8 = 4.52 for five nodes, so that no cut has five edges.
    assert spectral.bound(ring(5), -4.0, 1.0, never) == -4.0
    thirds = max_cut(5, (np.arange(5), (np.arange(5) + 1) % 5, np.full(5, 1 / 3)))
    assert spectral.bound(thirds, -4 / 3, 1e-9, never) == pytest.approx(-(25 + 5 * 5**0.5) / 24, rel=1e-3)


def test_a_large_graph_is_proved_by_its_cholesky_factor():
    rng = np.random.default_rng(4)
    i, j = np.triu_indices(120, 1)
    keep = rng.random(len(i)) < 0.2
    graph = (i[keep], j[keep], np.ones(int(keep.sum())))
    problem = max_cut(120, graph)
    found = spectral.bound(problem, -900.0, 0.2, never)
    matrix = np.zeros((120, 120))
    matrix[graph[0], graph[1]] = matrix[graph[1], graph[0]] = 1.0
    laplacian = np.diag(matrix.sum(1)) - matrix
    # Without a correction the bound is n / 4 times the largest eigenvalue of the Laplacian.
    assert -120 / 4 * np.linalg.eigvalsh(laplacian)[-1] * 1.02 <= found <= -900


def test_none_is_told_of_more_than_it_is_made_for():
    assert spectral.bound(ring(spectral.MOST + 1), 0.0, 1.0, never) is None
