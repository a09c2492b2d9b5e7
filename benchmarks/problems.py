"""Gaps to published values of one instance per problem, by the QUBO route and by the domain's own method at equal time.

    python benchmarks/problems.py --data ../shared/data --seconds 20 [--only ft10] [--seeds 1]

Prints a JSON line per instance and route: {figure, value (gap, ratio), unit, objective, best, peer, settings}.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.engine.base.contracts import never, silent
from app.engine.base.errors import OutpostError
from app.engine.qubo.problems.work import solve

# File, best published value, and where that stands (the README of the data folder).
INSTANCES = {
    "G1": ("maxcut/G1.txt", 11624), "bqp250_1": ("qubo/bqp250_1.qubo", 45607), "berlin52": ("routing/berlin52.tsp", 7542),
    "A-n32-k5": ("routing/A-n32-k5.vrp", 784), "P-n16-k8": ("routing/P-n16-k8.vrp", 450), "ft06": ("scheduling/ft06.txt", 55),
    "ft10": ("scheduling/ft10.txt", 930), "la01": ("scheduling/la01.txt", 666), "nug12": ("assignment/nug12.dat", 578),
    "chr12a": ("assignment/chr12a.dat", 9552),
}  # fmt: skip
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


def made() -> dict[str, tuple[str, float]]:
    """Return instances that a rule makes: (text, published value)."""
    edges, n = [(0, 1)], 2
    for _ in range(3):
        edges = edges + [(i, n + j) for a, b in edges for i, j in ((a, b), (b, a))] + [(n + k, 2 * n) for k in range(n)]
        n = 2 * n + 1
    myciel4 = f"p edge {n} {len(edges)}\n" + "".join(f"e {a + 1} {b + 1}\n" for a, b in edges)
    cells = [(r, c) for r in range(5) for c in range(5)]
    queens = [
        (a, b) for a in range(25) for b in range(a)
        if 0 in (cells[a][0] - cells[b][0], cells[a][1] - cells[b][1])
        or abs(cells[a][0] - cells[b][0]) == abs(cells[a][1] - cells[b][1])
    ]  # fmt: skip
    queen5 = f"p edge 25 {len(queens)}\n" + "".join(f"e {a + 1} {b + 1}\n" for a, b in queens)
    seed, times = 873654221, []
    for _ in range(100):
        high, low = divmod(seed, 127773)
        seed = 16807 * low - 2836 * high
        seed += 2**31 - 1 if seed < 0 else 0
        times.append(1 + int(99 * seed / (2**31 - 1)))
    rows = [" ".join(f"{m} {times[20 * m + j]}" for m in range(5)) for j in range(20)]
    ta001 = "20 5\n" + "\n".join(rows) + "\n"
    cube = "problem = partition\nfrom,to\n" + "".join(
        f"{a},{a ^ (1 << k)}\n" for a in range(64) for k in range(6) if a < a ^ (1 << k)
    )
    miles = {"Seattle": (2.5, 1.7, 1.8), "SanDiego": (2.5, 1.8, 1.4)}
    markets = {"NewYork": 325, "Chicago": 300, "Topeka": 275}
    dantzig = "supply = Seattle 350\nsupply = SanDiego 600\n"
    dantzig += "".join(f"demand = {name} {need}\n" for name, need in markets.items()) + "from,to,cost,capacity\n"
    dantzig += "".join(
        f"{plant},{name},{90 * far / 1000:.3f},600\n"
        for plant, row in miles.items() for name, far in zip(markets, row, strict=True)
    )  # fmt: skip
    return {
        "csplib034": (WAREHOUSES, 383),
        "dantzig": (dantzig, 153.675),
        "myciel4": (myciel4, 5),
        "queen5_5": (queen5, 5),
        "ta001": (ta001, 1278),
        "cube6 bisection": (cube, 32),
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    files = {
        name: ({"file": str(args.data / path)}, best) for name, (path, best) in INSTANCES.items() if (args.data / path).exists()
    }
    cases = files | {name: ({"text": text, "name": name}, best) for name, (text, best) in made().items()}
    for name, (spec, best) in cases.items():
        if args.only in ("", name):
            for seed in range(args.seeds):
                measure(name, spec, best, args.seconds, seed)


def measure(name: str, spec: dict[str, str], best: float, seconds: float, seed: int) -> None:
    """Print a line per route of one run."""
    settings = {"seconds": seconds, "seed": seed, "threads": 1, "route": "auto"}
    try:
        result = solve({**spec, "seconds": seconds}, seed, silent, never)
    except OutpostError as error:
        print(json.dumps({"figure": f"{name}: gap", "value": None, "unit": "ratio", "peer": str(error), "settings": settings}))
        return
    for row in result["routes"]:
        objective = row["objective"]
        gap = None if objective is None else round(abs(objective - best) / best, 6)
        print(json.dumps({
            "figure": f"{name}: gap to {best:g} by the {row['route']} route", "value": gap, "unit": "ratio",
            "objective": objective, "peer": row["solver"] or row["why_not"], "proved": row["proved"],
            "wall_s": row["wall_s"], "settings": settings,
        }), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
