"""A problem on a device's graph: whole chains cost what the problem costs, broken ones are counted and mended."""

import numpy as np
import pytest

from app.engine.base.contracts import never
from app.engine.qubo.embedding import sampling
from app.engine.qubo.embedding.chains import regular, strength
from app.engine.qubo.embedding.fabric import fabric
from app.engine.qubo.exact import spectrum, state_of
from app.engine.qubo.problem import build


@pytest.fixture
def laid():
    rng = np.random.default_rng(3)
    i, j = np.triu_indices(6, 1)
    keep = rng.random(len(i)) < 0.8
    problem = build(rng.normal(size=6), (i[keep], j[keep], rng.normal(size=int(keep.sum()))), offset=1.5)
    ground = fabric("chimera", 3)
    return problem, regular(ground, 6), ground


def test_whole_chains_cost_what_the_problem_costs_and_spins_are_spread_evenly(laid):
    problem, chains, ground = laid
    there = sampling.physical(problem, chains, ground, 2.5)
    assert there.problem.n == sum(map(len, chains))
    values = state_of(np.arange(64), 6)
    np.testing.assert_allclose(there.problem.energies(values[:, there.owner]), problem.energies(values))


def test_the_physical_problem_is_the_one_of_dwaves_own_embedding(laid):
    embedding = pytest.importorskip("dwave.embedding")
    import dimod

    problem, chains, ground = laid
    bqm = dimod.BinaryQuadraticModel.from_numpy_vectors(
        problem.linear, (problem.rows, problem.cols, problem.weights), problem.offset, "BINARY"
    ).change_vartype("SPIN")
    graph = {q: set() for q in range(ground.qubits)}
    for a, b in ground.edges.tolist():
        graph[a].add(b)
        graph[b].add(a)
    theirs = embedding.embed_bqm(bqm, dict(enumerate(chains)), graph, chain_strength=2.5)
    there = sampling.physical(problem, chains, ground, 2.5)
    samples = np.random.default_rng(1).integers(0, 2, (40, there.problem.n)).astype(np.int8)
    order = [q for chain in chains for q in chain]
    found = theirs.energies((2 * samples - 1, order))
    np.testing.assert_allclose(there.problem.energies(samples), found)


def test_at_the_computed_strength_the_least_energy_has_whole_chains():
    # Three spins that would each differ from both others; where their chains may break, more of them can.
    problem = build([-4.1, -4.0, -4.2], ([0, 0, 1], [1, 2, 2], [4.0, 4.0, 4.0]))
    ground = fabric("chimera", 1)
    chains = regular(ground, 3)
    there = sampling.physical(problem, chains, ground, strength(problem, chains))
    energies = spectrum(there.problem)
    assert energies.min() == pytest.approx(spectrum(problem).min())
    weak = sampling.physical(problem, chains, ground, 0.0)
    assert spectrum(weak.problem).min() < energies.min() - 1e-9
    torn = state_of(np.array([int(spectrum(weak.problem).argmin())]), weak.problem.n)
    assert sampling.broken(weak, torn).any()


def test_broken_chains_are_counted_and_mended_both_ways(laid):
    problem, chains, ground = laid
    there = sampling.physical(problem, chains, ground, 1.0)
    samples = np.zeros((2, there.problem.n), np.int8)
    samples[1, : len(chains[0]) - 1] = 1
    torn = sampling.broken(there, samples)
    assert torn.tolist() == [[False] * 6, [True] + [False] * 5]
    major = sampling.by_majority(there, samples)
    assert major.tolist() == [[0] * 6, [1] + [0] * 5]
    mended = sampling.by_energy(problem, major, torn)
    assert mended[1, 0] == (problem.linear[0] < 0)
    assert (problem.energies(mended) <= problem.energies(major) + 1e-12).all()


def test_weaker_chains_break_more_often_and_equal_seeds_give_equal_figures(laid):
    problem, chains, ground = laid
    full = strength(problem, chains)
    rows = sampling.sample(problem, chains, ground, full, 40, 5, never)
    assert [row["ratio"] for row in rows] == list(sampling.RATIOS)
    assert rows == sampling.sample(problem, chains, ground, full, 40, 5, never)
    least = float(spectrum(problem).min())
    assert rows[0]["energy"] == pytest.approx(least)
    assert all(0 <= row["broken"] <= row["torn_reads"] <= 1 for row in rows)
    weak = sampling.sample(problem, chains, ground, full / 50, 40, 5, never)
    assert weak[-1]["broken"] > rows[0]["broken"]


def test_without_a_chain_there_is_one_row_and_nothing_breaks():
    problem = build([1.0, -1.0], ([0], [1], [1.0]))
    ground = fabric("chimera", 1)
    a, b = ground.edges[0].tolist()
    rows = sampling.sample(problem, [[a], [b]], ground, 0.0, 10, 1, never)
    assert [(row["broken"], row["majority"]) for row in rows] == [(0.0, -1.0)]
