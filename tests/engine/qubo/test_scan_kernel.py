import numpy as np
import pytest

from app.engine.qubo import scan_kernel as kernel
from app.engine.qubo.anneal import _Form
from app.engine.qubo.exact import spectrum
from app.engine.qubo.planted import torus
from app.engine.qubo.problem import build


def glass(n=10, seed=8, whole=True):
    rng = np.random.default_rng(seed)
    i, j = np.triu_indices(n, 1)
    weights = rng.integers(-2, 3, len(i)) if whole else rng.normal(size=len(i))
    return build(rng.integers(-3, 4, n), (i, j, weights))


def started(problem, seed=0):
    form, rng = _Form(problem), np.random.default_rng(seed)
    spins = np.ones(form.size, form.type)
    spins[: problem.n] = rng.integers(0, 2, problem.n) * 2 - 1
    state = (spins, np.empty_like(spins))
    return form, state, kernel.set_fields(form.h, state, form.graph)


def energy_of(form, spins):
    return form.problem.energy(form.sample(spins))


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("half_t", [1.5, 4.0])
def test_a_constant_temperature_samples_the_exact_boltzmann_distribution(whole: bool, half_t: float) -> None:
    problem = glass(whole=whole)
    form, state, _ = started(problem)
    half_t = half_t if whole else half_t * 0.4
    place, seen, draws = np.uint32(11), np.zeros(2**10), 20_000
    for _ in range(draws):
        _, _, place = kernel.anneal(state, form.graph, np.full(4, half_t), form.logs, place)
        seen[form.sample(state[0]) @ (1 << np.arange(10))] += 1
    energies = spectrum(problem)
    weights = np.exp(-(energies - energies.min()) / (2 * half_t * form.ising.unit))
    exact, measured = weights / weights.sum(), seen / draws
    # Total variation of that many independent draws would be about this; sweeps are correlated.
    noise = 0.5 * np.sqrt(2 * exact / (np.pi * draws)).sum()
    assert 0.5 * np.abs(exact - measured).sum() < 2.5 * noise
    assert measured @ energies == pytest.approx(exact @ energies, abs=0.03 * energies.std())


@pytest.mark.parametrize("problem", [glass(40), glass(40, whole=False), torus(8, 6, 2)[0]])
def test_the_change_of_energy_is_that_of_the_state(problem) -> None:
    form, state, before = started(problem)
    assert form.ising.unit * before + form.constant == pytest.approx(energy_of(form, state[0]))
    change, flips, _ = kernel.anneal(state, form.graph, np.linspace(3.0, 0.2, 30), form.logs, np.uint32(5))
    assert flips > 0
    assert form.ising.unit * (before + change) + form.constant == pytest.approx(energy_of(form, state[0]), abs=1e-3)


def test_a_block_is_asked_spin_by_spin_as_a_plain_loop_would() -> None:
    problem = glass(50)
    form, state, _ = started(problem)
    limits = np.full(kernel.POOL + 32, -3, form.type)
    spins, fields = state[0][:50].astype(int), state[1][:50].astype(int)
    couplings = np.zeros((50, 50), int)
    couplings[np.repeat(np.arange(50), np.diff(form.graph[0])), form.graph[1]] = form.graph[2]
    kernel.sweep(state, form.graph, limits, np.uint32(7))
    for i in range(50):
        if spins[i] * fields[i] >= -3:
            fields += couplings[i] * (-2 * spins[i])
            spins[i] = -spins[i]
    np.testing.assert_array_equal(state[0][:50], spins)


def test_how_a_run_is_cut_into_calls_does_not_matter() -> None:
    half_ts = np.linspace(2.0, 0.2, 24)
    form, one, _ = started(glass(40))
    _, other, _ = started(glass(40))
    kernel.anneal(one, form.graph, half_ts, form.logs, np.uint32(3))
    place = np.uint32(3)
    for part in (half_ts[:5], half_ts[5:6], half_ts[6:]):
        _, _, place = kernel.anneal(other, form.graph, part, form.logs, place)
    np.testing.assert_array_equal(one[0], other[0])


def test_a_descent_ends_where_no_flip_helps() -> None:
    form, state, before = started(glass(40))
    change = kernel.descend(state, form.graph, 1)
    assert (state[0] * state[1] <= 0)[:40].all()
    assert form.ising.unit * (before + change) + form.constant == energy_of(form, state[0])


def test_recombination_takes_exactly_the_clusters_that_help() -> None:
    problem, best_cut, sample = torus(10, 8, 4)
    form = _Form(problem)
    best = np.ones(form.size, form.type)
    best[: problem.n] = sample[form.order].astype(int) * 2 - 1
    rng = np.random.default_rng(1)
    worse = best.copy()
    worse[rng.choice(problem.n, 9, replace=False)] *= -1
    before = energy_of(form, worse)
    change = kernel.recombine(form.h, worse, best, form.graph)
    assert form.ising.unit * change == energy_of(form, worse) - before
    assert problem.objective(form.sample(worse)) == best_cut
    kept = best.copy()
    assert kernel.recombine(form.h, kept, worse, form.graph) == 0
