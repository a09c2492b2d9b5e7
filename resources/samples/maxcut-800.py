"""Makes maxcut-800.txt: a random graph of 800 nodes and 4800 edges of weight 1 or -1, in G-set text format.

Run it from the root of the repository: python resources/samples/maxcut-800.py > resources/samples/maxcut-800.txt
"""

import random
import sys

NODES, EDGES, SEED = 800, 4800, 20260
# Found by two solvers that share nothing, and by neither exceeded: ours and the annealer of dwave-samplers, some seconds each.
BEST_KNOWN = 1040


def text() -> str:
    """Return the whole file."""
    rng = random.Random(SEED)
    edges: dict[tuple[int, int], int] = {}
    while len(edges) < EDGES:
        i, j = sorted(rng.sample(range(1, NODES + 1), 2))
        edges.setdefault((i, j), rng.choice((-1, 1)))
    head = f"# Made by maxcut-800.py with seed {SEED}; best known cut {BEST_KNOWN}\n{NODES} {EDGES}\n"
    return head + "".join(f"{i} {j} {weight}\n" for (i, j), weight in sorted(edges.items()))


if __name__ == "__main__":
    sys.stdout.write(text())
