"""Chains, against networkx, and their strength against every state of the embedded problem."""

import itertools

import networkx as nx
import numpy as np
import pytest

from app.engine.qubo.embedding.chains import faults, lanes, regular, strength
from app.engine.qubo.embedding.fabric import FABRICS, fabric
from app.engine.qubo.problem import build


def complete(n):
    return np.array(list(itertools.combinations(range(n), 2)), np.int64).reshape(-1, 2)


@pytest.mark.parametrize("name", FABRICS)
@pytest.mark.parametrize("n", [1, 2, 9, 20])
def test_the_regular_layout_joins_every_two_variables(name, n):
    ground = fabric(name, 6)
    chains = regular(ground, n)
    assert faults(ground, chains, complete(n)) == []
    graph = nx.Graph(ground.edges.tolist())
    assert all(nx.is_connected(graph.subgraph(chain)) for chain in chains)
    assert len({qubit for chain in chains for qubit in chain}) == sum(map(len, chains))


@pytest.mark.parametrize("name, known", [("chimera", 24), ("pegasus", 60), ("zephyr", 88)])
def test_it_reaches_near_the_largest_complete_graph_known_to_fit(name, known):
    ground = fabric(name, 6)
    most = max(n for n in range(1, known + 1) if regular(ground, n))
    assert most >= known - 12
    assert regular(ground, len(lanes(ground)) + 1) is None


def test_what_is_wrong_with_a_layout_is_told():
    ground = fabric("chimera", 1)
    assert faults(ground, [[0], [1]], complete(2)) == ["variables 0 and 1 have no coupler"]
    assert faults(ground, [[0, 1], [4]], complete(2)) == ["the chain of variable 0 is broken"]
    assert "variable 1 shares a qubit" in faults(ground, [[0, 4], [4]], complete(2))
    assert "variable 0 has no qubit" in faults(ground, [[], [4]], np.empty((0, 2), np.int64))


@pytest.mark.parametrize("seed", range(4))
def test_from_its_strength_on_a_broken_chain_never_pays(seed):
    """The best of all states of the qubits holds every chain together, and is the best of the problem."""
    rng = np.random.default_rng(seed)
    ground = fabric("chimera", 1)
    problem = build(rng.integers(-5, 6, 4), (*complete(4).T, rng.integers(-5, 6, 6)))
    chains = regular(ground, 4)
    owner = {qubit: variable for variable, chain in enumerate(chains) for qubit in chain}
    weight = {(i, j): w for i, j, w in zip(problem.rows.tolist(), problem.cols.tolist(), problem.weights, strict=True)}
    hold, terms = strength(problem, chains), []
    for one, other in ground.edges.tolist():
        if owner.get(one) == owner.get(other) is not None:
            terms.append((one, other, None))
        elif one in owner and other in owner:
            pair = tuple(sorted((owner[one], owner[other])))
            if pair in weight:
                terms.append((one, other, weight.pop(pair)))
    qubits = sorted(owner)
    states = np.array(list(itertools.product((0, 1), repeat=len(qubits))))
    at = {qubit: states[:, k] for k, qubit in enumerate(qubits)}
    energies = sum(problem.linear[owner[q]] / len(chains[owner[q]]) * at[q] for q in qubits).astype(float)
    for one, other, w in terms:
        # In spins, a link of strength F costs F when its ends differ and gives F when they are equal.
        energies += w * at[one] * at[other] if w is not None else hold * (2 * (at[one] != at[other]) - 1)
    links = sum(w is None for _, _, w in terms)
    every = np.array(list(itertools.product((0, 1), repeat=4)))
    assert energies.min() == pytest.approx(problem.energies(every).min() - hold * links)
