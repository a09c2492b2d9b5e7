"""The law all problems keep, on their samples and on cases small enough to try every state."""

import itertools

import numpy as np
import pytest

from app.engine.qubo.domain.methods import method_of
from app.engine.qubo.exact import spectrum, state_of
from app.engine.qubo.problems import registry
from app.engine.qubo.problems.coloring import greedy

SAMPLES = {kind: registry.read(registry.sample_of(kind).read_text("utf-8"), f"{kind} sample") for kind in registry.KINDS}
every_kind = pytest.mark.parametrize("kind", registry.KINDS)

TINY = {
    "maxcut": "problem = maxcut\nfrom,to,weight\na,b,2\nb,c,-1\nc,a,3\nc,d,1\n",
    "qubo": "i,j,value\n0,0,1\n0,1,-3\n1,2,2\n",
    "tsp": "name,x,y\na,0,0\nb,3,0\nc,9,4\nd,0,7\ne,5,5\n",
    "cvrp": "capacity = 4\nvehicles = 2\nname,x,y,demand\nd,0,0,0\na,3,1,2\nb,0,4,2\nc,5,5,3\n",
    "portfolio": "lots = 3\nappetite = 0.4\nasset,return,a,b,c,d\na,0.1,0.04,0.01,0,0.01\nb,0.2,0.01,0.09,0.02,0\nc,0.05,0,0.02,0.01,0\nd,0.15,0.01,0,0,0.06\n",
    "jobshop": "horizon = 5\njob,machine,time\na,x,1\na,y,2\nb,y,2\nb,x,1\n",
    "flowshop": "problem = flowshop\nhorizon = 6\njob,m1,m2\na,1,2\nb,2,1\n",
    "placement": "node = n1 2 4 5\nnode = n2 3 3 9\nworkload,cpu,memory,rate\nw1,1,2,2\nw2,2,1,1\nw3,1,2,3\n",
    "facility": "site,opening,capacity,c1,c2,c3\ndemand,0,0,2,1,2\na,5,3,1,4,6\nb,4,4,5,2,1\n",
    "network": "demand = A C 2\ndemand = B C 1\nfrom,to,cost,capacity\nA,B,1,2\nB,C,1,2\nA,C,5,2\n",
    "supply": "supply = A 3\ndemand = C 2\nfrom,to,cost,capacity\nA,B,1,2\nB,C,1,1\nA,C,3,2\n",
    "knapsack": "capacity = 7\nitem,value,weight\na,6,4\nb,5,3\nc,4,2\nd,3,3\ne,1,1\n",
    "coloring": "colors = 3\nfrom,to\n1,2\n2,3\n1,3\n3,4\n",
    "partition": "problem = partition\nfrom,to,weight\na,b,3\nb,c,1\nc,d,3\nd,e,2\ne,a,1\na,c,1\n",
    "cover": "set,cost,elements\nA,3,x y\nB,2,y z\nC,2,x\nD,1,z\nE,4,x y z\n",
    "qap": "a,b,flow,distance\n1,2,5,2\n1,3,2,7\n2,3,3,3\n",
    "programme": "max\n 3 x + 2 y - z + [ 2 x * y ] / 2\nst\n c1: x + y + z <= 3\n c2: x - y = 0\n c3: z + y >= 1\nbounds\n 0 <= z <= 3\n"
                 "binary\n x y\ngeneral\n z\nend\n",
}  # fmt: skip


def answers(problem):  # noqa: C901, PLR0912 - a branch a kind
    """Yield every answer of a tiny problem, feasible or not, by means of its own (never of the QUBO)."""
    kind = problem.kind
    if kind in ("maxcut", "partition"):
        yield from map(list, itertools.product((0, 1), repeat=problem.graph.n))
    elif kind == "qubo":
        yield from map(list, itertools.product((0, 1), repeat=problem.qubo.n))
    elif kind == "tsp":
        yield from ([0, *rest] for rest in itertools.permutations(range(1, problem.places.n)))
    elif kind == "cvrp":
        for order in itertools.permutations(range(1, problem.places.n)):
            for cut in range(len(order)):
                yield [tour for tour in (list(order[:cut]), list(order[cut:])) if tour]
    elif kind == "portfolio":
        yield from map(list, itertools.product(range(problem.lots + 1), repeat=len(problem.assets)))
    elif kind in ("jobshop", "flowshop"):
        jobs, steps = problem.times.shape
        for flat in itertools.product(range(problem.latest), repeat=jobs * steps):
            yield np.reshape(flat, (jobs, steps)).tolist()
    elif kind in ("knapsack", "cover"):
        n = len(problem.values) if kind == "knapsack" else len(problem.sets)
        for size in range(n + 1):
            yield from map(list, itertools.combinations(range(n), size))
    elif kind == "coloring":
        yield from map(list, itertools.product(range(problem.colors), repeat=problem.graph.n))
    elif kind == "qap":
        yield from map(list, itertools.permutations(range(len(problem.first))))
    elif kind in ("programme", "supply"):
        bounds = problem if kind == "programme" else problem.programme
        yield from map(list, itertools.product(*(range(a, b + 1) for a, b in zip(bounds.low, bounds.high, strict=True))))
    elif kind == "network":
        yield from map(list, itertools.product(*(range(len(paths)) for paths in problem.paths)))
    else:
        choices = len(problem.hosts) if kind == "placement" else len(problem.sites)
        many = len(problem.workloads) if kind == "placement" else len(problem.customers)
        yield from map(list, itertools.product(range(choices), repeat=many))


def feasible(problem):
    return [answer for answer in answers(problem) if not problem.check(answer)]


def best(problem, found):
    pick = max if problem.sense == "max" else min
    return pick(problem.objective(answer) for answer in found)


@every_kind
def test_a_tiny_case_is_recognised_as_what_it_is(kind):
    assert registry.kind_of(TINY[kind], "tiny") == kind
    assert registry.kind_of(registry.sample_of(kind).read_text("utf-8"), "sample") == kind


@every_kind
def test_decoding_an_encoded_answer_gives_it_back_and_its_energy_is_its_objective(kind):
    problem = registry.read(TINY[kind], "tiny", kind)
    found = feasible(problem)
    assert found
    for answer in found:
        sample = problem.encode(answer)
        assert problem.decode(sample) == answer
        qubo = problem.formulation.qubo
        assert qubo.objective_of(qubo.energy(sample)) == pytest.approx(problem.objective(answer), abs=1e-9)


@every_kind
def test_the_lowest_energy_of_all_states_is_a_feasible_answer_with_the_best_objective(kind):
    problem = registry.read(TINY[kind], "tiny", kind)
    qubo = problem.formulation.qubo
    energies = spectrum(qubo)
    found = best(problem, feasible(problem))
    assert qubo.objective_of(float(energies.min())) == pytest.approx(found, abs=1e-9)
    for index in np.flatnonzero(energies <= energies.min() + 1e-9)[:50]:
        answer = problem.decode(state_of(int(index), qubo.n))
        assert problem.check(answer) == []
        assert problem.objective(answer) == pytest.approx(found, abs=1e-9)


@every_kind
def test_penalties_are_shown_with_their_reason(kind):
    for penalty in SAMPLES[kind].formulation.penalties:
        told = penalty.to_json()
        assert told["weight"] > 0
        assert len(told["why"]) > 10
    assert SAMPLES[kind].formulation.penalties or kind in ("maxcut", "qubo")


@every_kind
def test_every_problem_says_what_was_understood_and_can_be_drawn_bare(kind):
    problem = SAMPLES[kind]
    assert all(label and value for label, value in problem.facts())
    assert problem.conflicts() == []
    assert problem.draw(None)["type"] in ("graph", "routes", "gantt", "frontier")


def test_a_greedy_colouring_is_a_colouring():
    graph = SAMPLES["coloring"].graph
    worn = greedy(graph)
    assert all(worn[i] != worn[j] for i, j in zip(graph.i, graph.j, strict=True))


@every_kind
def test_the_methods_a_kind_names_are_the_ones_its_sample_is_solved_by(kind):
    method = method_of(SAMPLES[kind])
    named = registry.KINDS[kind].methods
    assert (method[0] if method else None) in (*named, None)
    assert bool(named) == bool(method)


@pytest.mark.parametrize("comment", ["", "c\n", "c one\n", "c some words of it\nc more of them\n"])
def test_a_qbsolv_file_is_read_whatever_its_comments_look_like(comment):
    text = comment + "p qubo 0 2 2 1\n0 0 1\n1 1 2\n0 1 -4\n"
    assert registry.kind_of(text, "f") == "qubo"
    problem = registry.read(text, "f")
    assert [problem.objective(answer) for answer in ([0, 0], [1, 0], [0, 1], [1, 1])] == [0, 1, 2, -1]
