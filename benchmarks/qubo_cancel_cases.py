"""Problems that keep each solver and method at work until its cancel: made from seeds, large or tight enough for that."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from app.engine.qubo import solvers
from app.engine.qubo.planted import cubes, max_cut
from app.engine.qubo.problems.registry import KINDS, sample_of
from app.engine.qubo.readers.gset import write

NODES = (20, 20, 24)
_DENSE = {"highs": 300, "qaoa": 18, "exact": 22}
Case = tuple[str, str, dict[str, Any]]


def cases() -> Iterable[Case]:
    """Yield name, job and spec: all solvers, the methods of all kinds, the layout on a device's graph, a comparison."""
    sparse = write(cubes(NODES, 1)[0])
    for card in solvers.cards():
        text = dense(_DENSE[card.name]) if card.name in _DENSE else sparse
        text = grid(19, 260) if card.name == "dwave-tree" else text
        yield card.name, "app.engine.qubo.work:solve", {"text": text, "solver": card.name}
    for kind in KINDS:
        if kind in ("maxcut", "qubo"):  # without a method of their own
            continue
        text = _MADE[kind]() if kind in _MADE else sample_of(kind).read_text("utf-8")
        spec = {"text": text, "name": kind, "kind": kind, "route": "domain"}
        yield f"{kind} method", "app.engine.qubo.problems.work:solve", spec
    yield "minor embedding", "app.engine.qubo.embedding.work:embed", {
        "text": dense(120), "name": "g", "kind": "maxcut", "topology": "pegasus", "size": 0, "reads": 0,
    }  # fmt: skip
    yield "comparison", "app.engine.qubo.comparisons.work:run", {
        "text": sparse, "name": "g", "kind": "maxcut", "solvers": "anneal;dwave-sa", "runs": 20, "tune": True,
    }  # fmt: skip


def dense(n: int) -> str:
    """Return a graph of `n` nodes, all joined, with weights of 1 and -1."""
    i, j = np.triu_indices(n, 1)
    return write(max_cut(n, (i, j, _rng(n).choice([-1.0, 1.0], len(i)))))


def grid(across: int, along: int) -> str:
    """Return a grid of nodes: its decomposition is as wide as the grid is across."""
    nodes = np.arange(across * along).reshape(across, along)
    pairs = (np.stack([nodes[:-1].ravel(), nodes[1:].ravel()]), np.stack([nodes[:, :-1].ravel(), nodes[:, 1:].ravel()]))
    i, j = np.concatenate(pairs, axis=1)
    return write(max_cut(nodes.size, (i, j, np.ones(len(i)))))


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed))


def _lines(*rows: Iterable[Any]) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def _placement(hosts: int = 25, workloads: int = 150) -> str:
    rng = _rng(1)
    cpu, memory = rng.integers(100, 900, workloads), rng.integers(100, 900, workloads)
    room = [int(1.05 * one.sum() / hosts) for one in (cpu, memory)]
    nodes = "".join(f"node = n{k} {room[0]} {room[1]} {rng.integers(5, 90)}\n" for k in range(hosts))
    rows = ((f"w{k}", cpu[k], memory[k], rng.integers(1, 9)) for k in range(workloads))
    return nodes + _lines(("workload", "cpu", "memory", "rate"), *rows)


def _facility(sites: int = 40, customers: int = 120) -> str:
    rng = _rng(2)
    needs = rng.integers(5, 35, customers)
    names = [f"c{k}" for k in range(customers)]
    rows = ((f"s{k}", rng.integers(300, 600), rng.integers(60, 160), *rng.integers(5, 60, customers)) for k in range(sites))
    return _lines(("site", "opening", "capacity", *names), ("demand", 0, 0, *needs), *rows)


def _network(nodes: int = 40, links: int = 140, demands: int = 300) -> str:
    rng = _rng(3)
    ring = {(k, (k + 1) % nodes) for k in range(nodes)}
    while len(ring) < links:
        i, j = rng.choice(nodes, 2, replace=False).tolist()
        if (j, i) not in ring:
            ring.add((i, j))
    asked = (rng.choice(nodes, 2, replace=False).tolist() for _ in range(demands))
    head = "".join(f"demand = n{i} n{j} {rng.integers(3, 20)}\n" for i, j in asked)
    return head + _lines(
        ("from", "to", "cost", "capacity"),
        *((f"n{i}", f"n{j}", rng.integers(1, 20), rng.integers(420, 640)) for i, j in sorted(ring)),
    )


def _supply(plants: int = 60, hubs: int = 60, markets: int = 60) -> str:
    rng = _rng(4)
    head = "".join(f"supply = p{k} 50\n" for k in range(plants)) + "".join(f"demand = m{k} 45\n" for k in range(markets))
    arcs = [(f"p{i}", f"h{j}") for i in range(plants) for j in range(hubs)]
    arcs += [(f"h{i}", f"m{j}") for i in range(hubs) for j in range(markets)]
    return head + _lines(("from", "to", "cost", "capacity"), *((*arc, rng.integers(1, 99), rng.integers(1, 9)) for arc in arcs))


def _cover(sets: int = 1500, elements: int = 400) -> str:
    rng = _rng(5)
    rows = ((f"s{k}", rng.integers(50, 60), " ".join(f"e{e}" for e in rng.choice(elements, 8, replace=False)))
            for k in range(sets))  # fmt: skip
    return _lines(("set", "cost", "elements"), *rows, ("all", 9999, " ".join(f"e{e}" for e in range(elements))))


def _coloring(nodes: int = 90, colors: int = 18) -> str:
    i, j = np.triu_indices(nodes, 1)
    kept = _rng(6).random(len(i)) < 0.5
    return f"problem = coloring\ncolors = {colors}\n" + _lines(("from", "to"), *zip(i[kept], j[kept], strict=True))


def _partition(nodes: int = 300, edges: int = 1900) -> str:
    rng = _rng(7)
    i, j = np.triu_indices(nodes, 1)
    at = rng.choice(len(i), edges, replace=False)
    rows = zip(i[at], j[at], rng.integers(1, 9, edges), strict=True)
    return "problem = partition\n" + _lines(("from", "to", "weight"), *rows)


def _programme(variables: int = 60, rows: int = 8) -> str:
    rng = _rng(8)
    weights = rng.integers(100, 1000, (rows, variables))
    values = weights.sum(0) // rows + rng.integers(0, 100, variables)

    def total(factors: Any) -> str:
        return " + ".join(f"{c} x{k}" for k, c in enumerate(factors))

    kept = "".join(f" c{k}: {total(row)} <= {int(row.sum()) // 2}\n" for k, row in enumerate(weights))
    names = " ".join(f"x{k}" for k in range(variables))
    return f"Maximize\n o: {total(values)}\nSubject To\n{kept}Binaries\n {names}\nEnd\n"


def _knapsack(items: int = 3900, capacity: int = 100_000) -> str:
    rng = _rng(9)
    weights = rng.integers(100, 900, items)
    rows = ((f"i{k}", w + rng.integers(1, 60), w) for k, w in enumerate(weights))
    return f"capacity = {capacity}\n" + _lines(("item", "value", "weight"), *rows)


def _portfolio(assets: int = 120, factors: int = 6) -> str:
    rng = _rng(10)
    loads = rng.normal(size=(assets, factors)) * 0.02
    risk = loads @ loads.T + np.diag(rng.uniform(1e-4, 2e-3, assets))
    names = [f"a{k}" for k in range(assets)]
    rows = ((names[k], f"{rng.uniform(0.002, 0.02):.5f}", *(f"{c:.9f}" for c in risk[k])) for k in range(assets))
    return "lots = 60\nappetite = 0.3\n" + _lines(("asset", "return", *names), *rows)


_MADE: dict[str, Callable[[], str]] = {
    "placement": _placement, "facility": _facility, "network": _network, "supply": _supply, "cover": _cover,
    "coloring": _coloring, "partition": _partition, "programme": _programme, "knapsack": _knapsack, "portfolio": _portfolio,
}  # fmt: skip
