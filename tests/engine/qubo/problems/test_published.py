"""Instances that others published, with their published values: files where the data folder is there, or made by their rule."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from app.engine.base.contracts import never, silent
from app.engine.qubo.exact import spectrum
from app.engine.qubo.problems import registry
from app.engine.qubo.problems.work import solve

DATA = Path(__file__).parents[4].parent / "shared" / "data"
# OR-Library, mknap1, problem 1 (Petersen 1967): 6 items, 10 constraints, optimum 3800.
MKNAP1 = """6 10 3800
100 600 1200 2400 500 2000
8 12 13 64 22 41
8 12 13 75 22 41
3 6 4 18 6 4
5 10 8 32 6 12
5 13 8 42 6 20
5 13 8 48 6 20
0 0 0 0 8 0
3 0 4 0 8 0
3 2 4 0 8 4
3 2 4 8 8 4
80 96 20 36 44 48 10 18 22 24
"""
# CSPLib, problem 034 (warehouse location; Van Hentenryck 1999): 5 sites for so many of 10 shops, 30 each, optimum 383.
WAREHOUSES = """5 10
1 30
4 30
2 30
1 30
3 30
1 20 24 11 25 30
1 28 27 82 83 74
1 74 97 71 96 70
1 2 55 73 69 61
1 46 96 59 83 4
1 42 22 29 67 59
1 1 5 73 59 56
1 10 73 13 43 96
1 93 35 63 85 46
1 47 65 55 71 95
"""
# NSFNET as optical networking has it: 14 nodes, 21 links; a path for each pair loads some link 13 times at the least
# (Baroni, Bayvel 1997, "Wavelength requirements in arbitrarily connected wavelength-routed optical networks").
NSFNET = (
    "1-2 1-3 1-8 2-3 2-4 3-6 4-5 4-11 5-6 5-7 6-10 6-13 7-8 8-9 9-10 9-12 9-14 11-12 11-14 12-13 13-14"
)  # fmt: skip


def nsfnet(capacity):
    pairs = itertools.combinations(range(1, 15), 2)
    links = [link.split("-") for link in NSFNET.split()]
    rows = "".join(f"{a},{b},1,{capacity}\n" for a, b in links)
    return "".join(f"demand = {a} {b} 1\n" for a, b in pairs) + "from,to,cost,capacity\n" + rows


def data(name):
    path = DATA / name
    if not path.exists():
        pytest.skip("shared data absent")
    return path.read_text("utf-8")


def mycielski(times):
    """Return DIMACS text of myciel graphs (Mycielski 1955): myciel3 is `times` = 3 steps from an edge, colours 2 + steps - 1."""
    n, edges = 2, [(0, 1)]
    for _ in range(times - 1):
        more = [(i, n + j) for a, b in edges for i, j in ((a, b), (b, a))]
        edges = edges + more + [(n + k, 2 * n) for k in range(n)]
        n = 2 * n + 1
    return f"p edge {n} {len(edges)}\n" + "".join(f"e {a + 1} {b + 1}\n" for a, b in edges)


@pytest.mark.parametrize("name, optimum", [("nug12", 578), ("chr12a", 9552)])
def test_qaplib_solutions_cost_what_was_published(name, optimum):
    problem = registry.read(data(f"assignment/{name}.dat"), name)
    words = data(f"assignment/{name}.sln").split()
    assert float(words[1]) == optimum
    answer = [int(word) - 1 for word in words[2:]]
    assert problem.objective(answer) == optimum
    qubo = problem.formulation.qubo
    assert qubo.energy(problem.encode(answer)) == pytest.approx(optimum)


@pytest.mark.parametrize("name, optimum", [("A-n32-k5", 784), ("P-n16-k8", 450)])
def test_cvrplib_solutions_cost_what_was_published_and_are_found(name, optimum):
    problem = registry.read(data(f"routing/{name}.vrp"), name)
    lines = [line for line in data(f"routing/{name}.sol").splitlines() if line.startswith("Route")]
    answer = [[int(word) for word in line.split(":")[1].split()] for line in lines]
    assert problem.check(answer) == []
    assert problem.objective(answer) == optimum
    assert problem.formulation.qubo.energy(problem.encode(answer)) == pytest.approx(optimum)
    found = solve({"text": data(f"routing/{name}.vrp"), "name": name, "seconds": 1.0, "route": "domain"}, 1, silent, never)
    assert found["objective"] <= 1.02 * optimum


@pytest.mark.parametrize("name, optimum", [("X-n101-k25", 27591), ("XML100_2123_01", 12853), ("XML100_3362_01", 35916)])
def test_cvrplib_solutions_of_a_hundred_customers_cost_what_was_published(name, optimum):
    folder = Path(__file__).parents[4] / "benchmarks" / "instances"
    problem = registry.read((folder / f"{name}.vrp").read_text("utf-8"), name)
    lines = [line for line in (folder / f"{name}.sol").read_text("utf-8").splitlines() if line.startswith("Route")]
    answer = [[int(word) for word in line.split(":")[1].split()] for line in lines]
    assert problem.places.n == 101
    assert problem.check(answer) == []
    assert problem.objective(answer) == optimum


def test_berlin52_is_found():
    found = solve({"text": data("routing/berlin52.tsp"), "name": "b", "seconds": 0.7, "route": "domain"}, 1, silent, never)
    assert 7542 <= found["objective"] <= 1.01 * 7542


def test_la01_is_proved_and_ft06_found():
    la01 = solve({"text": data("scheduling/la01.txt"), "name": "la01", "seconds": 5.0, "route": "domain"}, 1, silent, never)
    assert (la01["objective"], la01["routes"][0]["proved"]) == (666, True)
    ft06 = solve({"text": data("scheduling/ft06.txt"), "name": "ft06", "seconds": 0.5, "route": "domain"}, 1, silent, never)
    assert ft06["objective"] == 55


def test_the_frontier_of_the_hang_seng_is_the_published_one():
    from app.engine.qubo.domain.frontier import least_variance

    moments = [line.split()[1:] for line in data("portfolio/hangseng_return_sd.txt").splitlines() if line.strip()]
    pairs = [line for line in data("portfolio/hangseng_correlation.txt").splitlines() if line.strip()]
    text = f"{len(moments)}\n" + "".join(f"{a} {b}\n" for a, b in moments) + "\n".join(pairs)
    problem = registry.read(text, "port1")
    assert len(problem.assets) == 31
    rows = [line.split() for line in data("portfolio/hangseng_frontier.txt").splitlines() if line.strip()]
    for gain, risk in [map(float, rows[k]) for k in range(0, len(rows), len(rows) // 8)]:
        shares = least_variance(problem.returns, problem.covariance, gain)
        assert shares @ problem.covariance @ shares == pytest.approx(risk, rel=2e-4)


def test_the_warehouses_of_csplib_are_proved():
    problem = registry.read(WAREHOUSES, "csplib034")
    assert problem.kind == "facility"
    result = solve({"text": WAREHOUSES, "name": "csplib034", "seconds": 20.0, "route": "domain"}, 1, silent, never)
    assert (result["objective"], result["routes"][0]["proved"]) == (383, True)
    assert problem.formulation.qubo.energy(problem.encode(result["answer"])) == pytest.approx(383)


def test_the_nsfnet_joins_all_its_nodes_over_thirteen_channels_a_link_and_no_fewer():
    ends = np.array([[int(end) - 1 for end in link.split("-")] for link in NSFNET.split()])
    sides = (np.arange(1, 2**13)[:, None] >> np.arange(14)) & 1
    cut = (sides[:, ends[:, 0]] != sides[:, ends[:, 1]]).sum(axis=1)
    assert max(-(-(sides.sum(axis=1) * (14 - sides.sum(axis=1))) // cut)) == 13
    result = solve({"text": nsfnet(13), "name": "nsfnet", "seconds": 20.0, "route": "domain"}, 1, silent, never)
    assert result["feasible"]
    problem = registry.read(nsfnet(13), "nsfnet")
    assert problem.check(result["answer"]) == []
    assert problem.terms(result["answer"])["fullest link, %"] == 100


def test_the_flow_of_the_dimacs_format_page_costs_fourteen():
    # The example of the format's description: 4 nodes, 5 arcs, from node 1 to node 4.
    text = "c\np min 4 5\nn 1 4\nn 4 -4\na 1 2 0 4 2\na 1 3 0 2 2\na 2 3 0 2 1\na 2 4 0 3 3\na 3 4 0 5 1\n"
    assert registry.read(text, "f").kind == "supply"
    result = solve({"text": text, "name": "f", "seconds": 2.0}, 1, silent, never)
    domain, qubo = result["routes"]
    assert (domain["objective"], domain["proved"], qubo["objective"]) == (14, True, 14)


def test_the_transport_of_dantzig_costs_what_is_published():
    # Dantzig 1963: two plants, three markets, 90 a thousand miles and case; 153.675 thousand (the first model of GAMS' library).
    miles = {"Seattle": (2.5, 1.7, 1.8), "SanDiego": (2.5, 1.8, 1.4)}
    text = "supply = Seattle 350\nsupply = SanDiego 600\n"
    text += "demand = NewYork 325\ndemand = Chicago 300\ndemand = Topeka 275\nfrom,to,cost,capacity\n"
    for plant, row in miles.items():
        for market, far in zip(("NewYork", "Chicago", "Topeka"), row, strict=True):
            text += f"{plant},{market},{90 * far / 1000:.3f},600\n"
    result = solve({"text": text, "name": "t", "seconds": 20.0, "route": "domain"}, 1, silent, never)
    assert result["objective"] == pytest.approx(153.675)
    assert result["routes"][0]["proved"]
    assert sum(result["answer"][6:]) == 50


def test_mknap1_has_its_published_optimum():
    problem = registry.read(MKNAP1, "mknap1")
    assert problem.kind == "knapsack"
    subsets = [list(some) for size in range(7) for some in itertools.combinations(range(6), size)]
    best = max(problem.objective(some) for some in subsets if not problem.check(some))
    assert best == problem.optimum == 3800
    answer = next(some for some in subsets if not problem.check(some) and problem.objective(some) == best)
    assert problem.formulation.qubo.energy(problem.encode(answer)) == pytest.approx(-3800)


def test_myciel3_needs_four_colours_though_it_has_no_triangle():
    result = solve({"text": mycielski(3), "name": "myciel3", "seconds": 1.0}, 1, silent, never)
    assert (result["problem"]["facts"][0], result["problem"]["facts"][1]) == (["nodes", "11"], ["edges", "20"])
    assert (result["feasible"], result["objective"]) == (True, 4)


def test_the_steiner_triples_of_nine_points_need_five():
    # Fulkerson, Nemhauser, Trotter 1974: stein9 has 9 variables, 12 triples of the affine plane, and optimum 5.
    plane = list(itertools.product(range(3), repeat=2))
    triples = {
        tuple(sorted((a, b, tuple((-x - y) % 3 for x, y in zip(a, b, strict=True)))))
        for a, b in itertools.combinations(plane, 2)
    }
    holders = [sorted(plane.index(point) + 1 for point in triple) for triple in sorted(triples)]
    text = f"{len(holders)} 9\n{'1 ' * 9}\n" + "".join(f"3\n{' '.join(map(str, row))}\n" for row in holders)
    problem = registry.read(text, "stein9")
    assert (problem.kind, len(holders)) == ("cover", 12)
    result = solve({"text": text, "name": "stein9", "seconds": 0.7}, 1, silent, never)
    assert (result["feasible"], result["objective"]) == (True, 5)


def test_the_four_dimensional_cube_is_halved_through_eight_edges():
    # The bisection width of the d-dimensional cube is 2^(d-1).
    edges = [(a, a ^ (1 << k)) for a in range(16) for k in range(4) if a < a ^ (1 << k)]
    text = "16 32\n" + "".join(f"{a + 1} {b + 1} 1\n" for a, b in edges)
    problem = registry.read(text, "cube", "partition")
    assert spectrum(problem.formulation.qubo).min() == 8


def test_places_on_the_earth_are_drawn_where_they_are():
    head = "NAME: u\nTYPE: TSP\nDIMENSION: 3\nEDGE_WEIGHT_TYPE: GEO\nNODE_COORD_SECTION\n"
    # The first places of ulysses16 (TSPLIB): 38.24 20.42 is 38 degrees 24 minutes north, 20 degrees 42 minutes east.
    picture = registry.read(head + "1 38.24 20.42\n2 39.57 26.15\n3 40.56 25.32\nEOF\n", "u").draw([0, 1, 2])
    assert picture["earth"] is True
    assert (picture["points"][0]["x"], picture["points"][0]["y"]) == pytest.approx((20.7, 38.4))
    table = "name,lat,lon\nA,38.4,20.7\nB,39.95,26.25\n"
    assert registry.read(table, "t").draw(None)["points"][0]["y"] == 38.4
    assert "earth" not in registry.read("name,x,y\nA,1,2\nB,3,4\n", "t").draw(None)


def test_distances_of_tsplib_are_rounded_as_it_asks():
    head = (
        "NAME: x\nTYPE: TSP\nDIMENSION: 3\nEDGE_WEIGHT_TYPE: {kind}\nNODE_COORD_SECTION\n1 0 0\n2 3 4.4\n3 10.30 20.15\nEOF\n"
    )
    got = {
        kind: registry.read(head.format(kind=kind), "x").places.distances[0, 1]
        for kind in ("EUC_2D", "CEIL_2D", "ATT", "MAN_2D", "MAX_2D", "GEO")
    }
    assert {kind: got[kind] for kind in ("EUC_2D", "CEIL_2D", "ATT", "MAN_2D", "MAX_2D")} == {
        "EUC_2D": 5, "CEIL_2D": 6, "ATT": 2, "MAN_2D": 7, "MAX_2D": 4,
    }  # fmt: skip
    # 3 degrees north and 4.4 (4 degrees 40 minutes) east of the origin: 617 km by the spherical law of cosines.
    near = 6378.388 * np.arccos(np.cos(np.radians(3)) * np.cos(np.radians(4 + 2 / 3)))
    assert got["GEO"] == int(near + 1)
