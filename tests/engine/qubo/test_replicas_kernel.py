import numpy as np
import pytest

from app.engine.qubo import replicas_kernel as kernel
from app.engine.qubo.exact import spectrum
from app.engine.qubo.ising import spin_form
from app.engine.qubo.lanes import LANES
from app.engine.qubo.problem import build


def prepared(problem, dtype, seed=0):
    ising, rng = spin_form(problem), np.random.default_rng(seed)
    spins = (rng.integers(0, 2, (problem.n, LANES)) * 2 - 1).astype(dtype)
    state, graph = (spins, np.empty_like(spins)), (ising.start, ising.others, ising.strength.astype(dtype))
    h = ising.h.astype(dtype)
    kernel.set_fields(h, state, graph)
    return ising, h, state, graph


def glass(n=10, seed=8):
    rng = np.random.default_rng(seed)
    i, j = np.triu_indices(n, 1)
    return build(rng.integers(-3, 4, n), (i, j, rng.integers(-2, 3, len(i))))


def test_pool_holds_logarithms_of_uniform_numbers() -> None:
    pool, bits = np.empty(kernel.POOL + LANES, np.float32), np.empty(kernel.POOL + LANES, np.uint32)
    drawn = []
    for key in range(64):
        kernel.fill_pool(pool, bits, np.uint32(key * 7919), 1.0)
        drawn.append(pool[: kernel.POOL].copy())
        np.testing.assert_array_equal(pool[kernel.POOL :], pool[:LANES])
    uniform = np.sort(np.exp(np.concatenate(drawn).astype(np.float64)))
    # Kolmogorov-Smirnov distance; 1.95 / sqrt(n) is its bound at significance 0.001.
    assert np.abs(uniform - (np.arange(len(uniform)) + 0.5) / len(uniform)).max() < 1.95 / np.sqrt(len(uniform))
    assert uniform[0] > 0
    assert uniform[-1] < 1 + 1e-6
    assert abs(np.corrcoef(np.array(drawn)[:, :-1].ravel(), np.array(drawn)[:, 1:].ravel())[0, 1]) < 0.01


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize("half_t", [1.5, 4.0])
def test_a_constant_temperature_samples_the_exact_boltzmann_distribution(dtype, half_t: float) -> None:
    problem = glass()
    ising, _, state, graph = prepared(problem, dtype)
    key, seen = kernel.anneal(state, graph, np.full(300, half_t), np.uint32(11)), np.zeros(2**10)
    draws = 4000
    for _ in range(draws):
        key = kernel.anneal(state, graph, np.full(5, half_t), key)
        np.add.at(seen, (state[0].T > 0) @ (1 << np.arange(10)), 1)
    energies = spectrum(problem)
    weights = np.exp(-(energies - energies.min()) / (2 * half_t * ising.unit))
    exact, measured = weights / weights.sum(), seen / seen.sum()
    # Total variation of that many independent draws would be about 0.5 * sum(sqrt(2 p / (pi N))); correlated sweeps get twice that.
    noise = 0.5 * np.sqrt(2 * exact / (np.pi * draws * LANES)).sum()
    assert 0.5 * np.abs(exact - measured).sum() < 2 * noise
    assert measured @ energies == pytest.approx(exact @ energies, abs=0.02 * energies.std())


def test_lanes_are_independent_of_each_other() -> None:
    problem, lanes = glass(), []
    _, h, state, graph = prepared(problem, np.int16)
    key = kernel.anneal(state, graph, np.full(100, 2.0), np.uint32(5))
    for _ in range(3000):
        key = kernel.anneal(state, graph, np.full(3, 2.0), key)
        lanes.append(kernel.lane_energies(h, state))
    correlation = np.corrcoef(np.array(lanes).T) - np.eye(LANES)
    assert np.abs(correlation).max() < 0.12
    assert abs(correlation.mean()) < 0.01


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_fields_and_energies_stay_those_of_the_spins(dtype) -> None:
    problem = glass()
    ising, h, state, graph = prepared(problem, dtype)
    kernel.anneal(state, graph, np.linspace(5, 0.5, 50), np.uint32(3))
    after = state[1].copy()
    kernel.set_fields(h, state, graph)
    np.testing.assert_allclose(after, state[1], atol=1e-3)
    constant = problem.linear.sum() / 2 + problem.weights.sum() / 4
    energies = kernel.lane_energies(h, state) * ising.unit + constant
    np.testing.assert_allclose(energies, problem.energies((state[0].T > 0).astype(int)), atol=1e-3)


def test_a_run_cut_into_calls_is_the_same_run() -> None:
    temperatures = np.linspace(4, 0.2, 60)
    _, _, whole, graph = prepared(glass(), np.int16)
    _, _, cut, _ = prepared(glass(), np.int16)
    kernel.anneal(whole, graph, temperatures, np.uint32(9))
    key = np.uint32(9)
    for part in np.split(temperatures, [1, 2, 30]):
        key = kernel.anneal(cut, graph, part, key)
    np.testing.assert_array_equal(whole[0], cut[0])


@pytest.mark.parametrize("dtype, least", [(np.int16, 1), (np.float32, 1e-6)])
def test_descent_ends_where_no_flip_helps(dtype, least) -> None:
    _, _, state, graph = prepared(glass(), dtype)
    kernel.descend(state, graph, least)
    assert (state[0] * state[1] <= least).all()


def test_the_hash_spreads_neighbouring_counters() -> None:
    drawn = np.array([kernel.mix(np.uint32(k)) for k in range(2000)], np.uint32)
    assert len(set(drawn.tolist())) == 2000
    bits = (drawn[:, None] >> np.arange(32, dtype=np.uint32)) & 1
    assert np.abs(bits.mean(0) - 0.5).max() < 0.06
