"""The instances of `problems.py`: (what `solve` reads, value to hold it against, where that value comes from), by name.

Values are published unless it says otherwise: "proved" ones were proved by a peer, "generated" problems have the best that long
runs of ours and of a peer found, and their gaps are to that.
"""

from itertools import combinations, product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from x_recipe import generated

HERE = Path(__file__).parent / "instances"
PUBLISHED, PROVED, GENERATED = "published", "proved by a peer", "generated, best of long runs"


class Case(NamedTuple):
    """What is given to `solve`, and the value its gap is told to."""

    spec: dict[str, str]
    best: float
    source: str = PUBLISHED


# The README of the data folder tells where the values stand.
FILES = {
    "G1": ("maxcut/G1.txt", 11624), "bqp250_1": ("qubo/bqp250_1.qubo", 45607), "berlin52": ("routing/berlin52.tsp", 7542),
    "A-n32-k5": ("routing/A-n32-k5.vrp", 784), "P-n16-k8": ("routing/P-n16-k8.vrp", 450), "ft06": ("scheduling/ft06.txt", 55),
    "ft10": ("scheduling/ft10.txt", 930), "la01": ("scheduling/la01.txt", 666), "nug12": ("assignment/nug12.dat", 578),
    "chr12a": ("assignment/chr12a.dat", 9552),
}  # fmt: skip
OWN = {"E-n101-k8": 815, "X-n101-k25": 27591, "XML100_2123_01": 12853, "XML100_3362_01": 35916}
# CSPLib, problem 034: 5 sites for so many of 10 shops, 30 each; best 383.
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
# OR-Library, mknap1, problem 1 (Petersen 1967): 6 items, 10 constraints; best 3800.
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
# Kreher, Stinson 1998, "Combinatorial algorithms": 24 items of values and weights, capacity 6404180; best 13549094.
KREHER = (
    (825594, 382745), (1677009, 799601), (1676628, 909247), (1523970, 729069), (943972, 467902), (97426, 44328),
    (69666, 34610), (1296457, 698150), (1679693, 823460), (1902996, 903959), (1844992, 853665), (1049289, 551830),
    (1252836, 610856), (1319836, 670702), (953277, 488960), (2067538, 951111), (675367, 323046), (853655, 446298),
    (1826027, 931161), (65731, 31385), (901489, 496951), (577243, 264724), (466257, 224916), (369261, 169684),
)  # fmt: skip
# MIPLIB 3, p0033 (Crowder, Johnson, Padberg 1983), best 3089. Of each bit: its cost, the row in which one at most is set (0:
# none), its size, the rows in which it has that size, added in row 19 and taken off in the others.
P0033 = """171 14 300 22 23;171 14 300 26 27;171 14 300 19 20 23;171 14 300 19 20 21;163 15 285 19 20 24 25
162 15 285 19 20 22 23
163 15 285 28;69 16 265 19 20 24 25;69 16 265 19 20 22 23;183 17 230 18;183 17 230 24 25;183 17 230 19 20 25
183 17 230 19 20 23;49 0 190 19 20 22 23;183 17 0;258 0 200 18;517 0 400 18;250 0 200 26 27;500 0 400 26 27;250 0 200 27
500 0 400 27;159 0 200 19 20 24 25;318 0 400 19 20 24 25;159 0 200 19 20 25;318 0 400 19 20 25;159 0 200 19 20 22 23
318 0 400 19 20 22 23;159 0 200 19 20 23;318 0 400 19 20 23;114 0 200 19 20 21;228 0 400 19 20 21;159 0 200 28;318 0 400 28"""
P0033_LIMITS = {14: 1, 15: 1, 16: 1, 17: 1, 18: -5, 19: 2700, 20: -2600, 21: -100, 22: -900, 23: -1656, 24: -335, 25: -1026,
                26: -5, 27: -500, 28: -270}  # fmt: skip
# NSFNET with 13 channels a link (Baroni, Bayvel 1997), a path for each pair of nodes; the fewest hops in all were proved by
# HiGHS on the programme of arcs, see `problem_peers.arcs`.
NSFNET = "1-2 1-3 1-8 2-3 2-4 3-6 4-5 4-11 5-6 5-7 6-10 6-13 7-8 8-9 9-10 9-12 9-14 11-12 11-14 12-13 13-14"
NSFNET_HOPS = 195
# CP-SAT in 60 s, the best of what was tried; HiGHS proved in that time that 14405 is not reached.
PLACEMENT_COST = 14621.277273
# Depot, customers, demands and seed of the recipe: the shortest of two runs of 90 s of ours and one of 120 s of OR-Tools.
GENERATED_ROUTES = {
    ("corner", "both", "quadrant", 1): 16_660,
    ("central", "clustered", "few large", 2): 12_960,
}


def cases(data: Path) -> dict[str, Case]:
    """Return all instances there are: the files of the data folder where it is, those here, and those a rule makes."""
    found = {name: Case({"file": str(data / path)}, best) for name, (path, best) in FILES.items() if (data / path).exists()}
    found |= {name: Case({"file": str(HERE / f"{name}.vrp")}, best) for name, best in OWN.items()}
    texts: dict[str, tuple[str, float]] = {
        "csplib034": (WAREHOUSES, 383), "dantzig": (dantzig(), 153.675), "myciel4": (myciel4(), 5), "queen5_5": (queen5(), 5),
        "ta001": (ta001(), 1278), "cube6 bisection": (cube6(), 32), "mknap1-1": (MKNAP1, 3800), "p08": (kreher(), 13_549_094),
        "A27": (triples(3), 18), "A81": (triples(4), 61), "p0033": (p0033(), 3089),
    }  # fmt: skip
    found |= {name: Case({"text": text, "name": name}, best) for name, (text, best) in texts.items()}
    found["nsfnet"] = Case({"text": nsfnet(13), "name": "nsfnet"}, NSFNET_HOPS, PROVED)
    found["generated placement"] = Case({"text": placement(), "name": "generated placement"}, PLACEMENT_COST, GENERATED)
    for (depot, customers, demand, seed), best in GENERATED_ROUTES.items():
        name = f"generated {depot} {customers} {demand} {seed}"
        text = generated(100, depot, customers, demand, seed)
        found[name] = Case({"text": text, "name": name}, best, GENERATED)
    if (data / "portfolio" / "hangseng_frontier.txt").exists():
        text, best = hang_seng(data / "portfolio")
        found["port1 in 50 lots"] = Case({"text": text, "name": "port1"}, best, "published frontier, which knows no lots")
    return found


def hang_seng(folder: Path, lots: int = 50, appetite: float = 0.2) -> tuple[str, float]:
    """Return OR-Library's port1 as a table, and the least (1 - a) risk - a return along the published frontier."""
    moments = [line.split()[1:] for line in (folder / "hangseng_return_sd.txt").read_text().splitlines() if line.strip()]
    mean, deviation = np.array(moments, float).T
    covariance = np.zeros((len(mean), len(mean)))
    for line in filter(str.strip, (folder / "hangseng_correlation.txt").read_text().splitlines()):
        i, j, value = line.split()
        at = int(i) - 1, int(j) - 1
        covariance[at] = covariance[at[::-1]] = float(value) * deviation[at[0]] * deviation[at[1]]
    names = [f"a{k + 1}" for k in range(len(mean))]
    rows = [",".join([name, repr(float(gain)), *(repr(float(v)) for v in row)])
            for name, gain, row in zip(names, mean, covariance, strict=True)]  # fmt: skip
    head = f"lots = {lots}\nappetite = {appetite}\nasset,return,{','.join(names)}\n"
    points = np.loadtxt(folder / "hangseng_frontier.txt")
    return head + "\n".join(rows) + "\n", float(((1 - appetite) * points[:, 1] - appetite * points[:, 0]).min())


def kreher() -> str:
    """Return the 24 items as a table."""
    return "capacity = 6404180\nitem,value,weight\n" + "".join(f"i{k},{v},{w}\n" for k, (v, w) in enumerate(KREHER))


def triples(dimension: int) -> str:
    """Return the Steiner triples of the lines of AG(dimension, 3) as a cover: which points meet all lines.

    A27 and A81 of Fulkerson, Nemhauser, Trotter 1974: what is left out is a largest cap set, of 9 and 20 points.
    """
    points = list(product(range(3), repeat=dimension))
    number = {point: k for k, point in enumerate(points)}
    lines = set()
    for one, other in combinations(points, 2):
        third = tuple((-a - b) % 3 for a, b in zip(one, other, strict=True))
        lines.add(tuple(sorted((number[one], number[other], number[third]))))
    held = [" ".join(f"l{k}" for k, line in enumerate(sorted(lines)) if point in line) for point in range(len(points))]
    return "set,cost,elements\n" + "".join(f"p{k},1,{own}\n" for k, own in enumerate(held))


def p0033() -> str:
    """Return the programme in LP format."""
    columns = [tuple(map(int, words.split())) for words in P0033.replace("\n", ";").split(";")]
    rows: dict[int, list[str]] = {row: [] for row in P0033_LIMITS}
    for k, (_cost, group, size, *at) in enumerate(columns):
        if group:
            rows[group].append(f"+ x{k}")
        for row in at:
            rows[row].append(f"{'+' if row == 19 else '-'} {size} x{k}")
    cost = " + ".join(f"{column[0]} x{k}" for k, column in enumerate(columns))
    told = "".join(f" r{row}: {' '.join(words)} <= {P0033_LIMITS[row]}\n" for row, words in rows.items())
    return f"Minimize\n cost: {cost}\nSubject To\n{told}Binaries\n {' '.join(f'x{k}' for k in range(len(columns)))}\nEnd\n"


def nsfnet(capacity: int) -> str:
    """Return a demand of one channel for every pair of nodes, and links that cost a hop."""
    demands = "".join(f"demand = {a} {b} 1\n" for a, b in combinations(range(1, 15), 2))
    links = "".join(f"{link.replace('-', ',')},1,{capacity}\n" for link in NSFNET.split())
    return f"{demands}from,to,cost,capacity\n{links}"


def placement(nodes: int = 12, workloads: int = 60, seed: int = 20_260) -> str:
    """Return a generated fleet whose processors are filled to nine tenths."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    needs = np.column_stack([rng.integers(1, 9, workloads) * 100, rng.integers(1, 9, workloads) * 128])
    room = np.ceil(needs.sum(axis=0) / 0.9 / nodes * rng.uniform(0.8, 1.2, (nodes, 2)))
    far = rng.integers(5, 80, nodes)
    hosts = "".join(f"node = n{k} {int(cpu)} {int(memory)} {far[k]}\n" for k, (cpu, memory) in enumerate(room))
    rows = "".join(f"w{k},{cpu},{memory},{int(rng.integers(1, 20))}\n" for k, (cpu, memory) in enumerate(needs.tolist()))
    return f"{hosts}workload,cpu,memory,rate\n{rows}"


def myciel4() -> str:
    """Return the graph of Mycielski 1955 with 23 nodes, as DIMACS has it."""
    edges, n = [(0, 1)], 2
    for _ in range(3):
        edges = edges + [(i, n + j) for a, b in edges for i, j in ((a, b), (b, a))] + [(n + k, 2 * n) for k in range(n)]
        n = 2 * n + 1
    return f"p edge {n} {len(edges)}\n" + "".join(f"e {a + 1} {b + 1}\n" for a, b in edges)


def queen5() -> str:
    """Return the graph of queens' moves on a board of 5 by 5."""
    at = list(product(range(5), repeat=2))
    moves = [(a, b) for a in range(25) for b in range(a) if _queen(at[a], at[b])]
    return f"p edge 25 {len(moves)}\n" + "".join(f"e {a + 1} {b + 1}\n" for a, b in moves)


def _queen(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    down, right = one[0] - other[0], one[1] - other[1]
    return 0 in (down, right) or abs(down) == abs(right)


def ta001() -> str:
    """Return the first flow-shop of Taillard 1993, by his generator."""
    seed, times = 873654221, []
    for _ in range(100):
        high, low = divmod(seed, 127773)
        seed = 16807 * low - 2836 * high
        seed += 2**31 - 1 if seed < 0 else 0
        times.append(1 + int(99 * seed / (2**31 - 1)))
    rows = [" ".join(f"{m} {times[20 * m + j]}" for m in range(5)) for j in range(20)]
    return "20 5\n" + "\n".join(rows) + "\n"


def cube6() -> str:
    """Return the cube of six dimensions, whose halves are 32 edges apart."""
    edges = [(a, a ^ (1 << k)) for a in range(64) for k in range(6) if a < a ^ (1 << k)]
    return "problem = partition\nfrom,to\n" + "".join(f"{a},{b}\n" for a, b in edges)


def dantzig() -> str:
    """Return the transport of Dantzig 1963: two plants, three markets, 90 a thousand miles and case."""
    miles = {"Seattle": (2.5, 1.7, 1.8), "SanDiego": (2.5, 1.8, 1.4)}
    markets = {"NewYork": 325, "Chicago": 300, "Topeka": 275}
    ways = [(plant, name, far) for plant, row in miles.items() for name, far in zip(markets, row, strict=True)]
    needs = "".join(f"demand = {name} {need}\n" for name, need in markets.items())
    costs = "".join(f"{plant},{name},{90 * far / 1000:.3f},600\n" for plant, name, far in ways)
    return f"supply = Seattle 350\nsupply = SanDiego 600\n{needs}from,to,cost,capacity\n{costs}"
