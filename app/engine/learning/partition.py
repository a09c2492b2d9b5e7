"""Who owns which examples: even and skewed ways to part one data set among clients, from a seed.

Shards of few classes follow McMahan et al., "Communication-efficient learning of deep networks from decentralized
data", 2017, section 3; Dirichlet label skew follows Hsu, Qi, Brown, "Measuring the effects of non-identical data
distribution", 2019. Skew of features leaves every client its share of each class, but what looks alike within a class
goes to one client: classes are cut along the direction in which the examples vary most. These part the data: every
example has exactly one owner. `drawn` instead gives each client a sample of its own with replacement, for populations
larger than the data.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.learning.draws import Purpose, generator

Parts = tuple[NDArray[np.int64], ...]
Rows = NDArray[np.float32]
KINDS: Final = ("dirichlet", "shards", "iid", "features")
ALPHA: Final = 0.5
FEWEST: Final = 16  # examples a client should have; with fewer to go round they are drawn with replacement
_TRIES: Final = 20
_WINDOW: Final = 0.2  # of a class is what one client sees where features are skewed


def part(
    kind: str, labels: NDArray[np.int64], clients: int, seed: int, alpha: float = ALPHA, *, x: Rows | None = None
) -> Parts:  # fmt: skip
    """Return the rows of each client under the partition `kind`; raise `BadInput` when it cannot be made.

    `x` (n, in) is needed for skew of features only.
    """
    if kind not in KINDS:
        raise BadInput(
            "There is no partition {kind}", field="partition", kind=kind, hint="Use dirichlet, shards, iid or features."
        )
    if clients < 1 or clients > len(labels):
        raise BadInput(
            "{count} examples cannot be parted among {clients} clients",
            field="clients", count=len(labels), clients=clients,
        )  # fmt: skip
    rng = generator(seed, Purpose.PARTITION)
    if kind == "iid":
        return tuple(np.sort(rows) for rows in np.array_split(rng.permutation(len(labels)), clients))
    if kind == "features":
        return _featured(labels, clients, rng, _needed(x))
    return _shards(labels, clients, rng) if kind == "shards" else _dirichlet(labels, clients, rng, alpha)


def drawn(
    kind: str, labels: NDArray[np.int64], clients: int, seed: int, *, each: int, alpha: float = ALPHA, x: Rows | None = None
) -> Parts:  # fmt: skip
    """Return `each` rows per client, drawn with replacement from the client's own mix of classes, or part of each class."""
    rng = generator(seed, Purpose.PARTITION)
    by_class = np.argsort(labels, kind="stable")
    if kind == "features":
        along = _along(_needed(x), rng)
        by_class = np.lexsort((along, labels))
    counts = np.bincount(labels)
    edges = np.concatenate([[0], np.cumsum(counts)])
    classes = len(counts)
    if kind in ("iid", "features"):
        mix = np.tile(counts / counts.sum(), (clients, 1))
    elif kind == "shards":
        mix = np.zeros((clients, classes))
        np.put_along_axis(mix, rng.random((clients, classes)).argsort(axis=1)[:, :2], 0.5, axis=1)
    else:
        mix = rng.dirichlet(np.full(classes, alpha), clients)
    bars = mix.cumsum(axis=1)[:, None, :-1]
    picked = (rng.random((clients, each))[:, :, None] > bars).sum(axis=2)
    place = rng.random((clients, each))
    if kind == "features":
        place = _WINDOW * place + (1 - _WINDOW) * rng.random((clients, 1))
    rows = by_class[edges[picked] + (place * counts[picked]).astype(np.int64)]
    return tuple(np.sort(rows, axis=1))


def share_out(
    kind: str, labels: NDArray[np.int64], clients: int, seed: int, alpha: float = ALPHA, *, x: Rows | None = None
) -> tuple[Parts, str]:  # fmt: skip
    """Return parts and how they came about: `parted` while the data goes round, else `drawn` with replacement."""
    if clients * FEWEST <= len(labels):
        return part(kind, labels, clients, seed, alpha, x=x), "parted"
    return drawn(kind, labels, clients, seed, each=FEWEST, alpha=alpha, x=x), "drawn"


def _needed(x: Rows | None) -> Rows:
    if x is None:
        raise BadInput("Skew of features needs the examples themselves", field="partition")
    return x


def _along(x: Rows, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return where each example lies along the direction in which all vary most, by power iteration."""
    wide = x - np.asarray(x.mean(axis=0, dtype=np.float64), np.float32)
    way = rng.standard_normal((x.shape[1],), np.float32)
    for _ in range(_TRIES):
        way = wide.T @ (wide @ way)
        way /= max(float(np.linalg.norm(way)), 1e-12)
    return np.asarray(wide @ way, np.float64)


def _featured(labels: NDArray[np.int64], clients: int, rng: np.random.Generator, x: Rows) -> Parts:
    """Cut each class into as many neighbouring pieces as there are clients; pieces larger by one go round by turns."""
    along, turn = _along(x, rng), rng.permutation(clients)
    hands: list[list[NDArray[np.int64]]] = [[] for _ in range(clients)]
    at = 0
    for label in range(int(labels.max(initial=0)) + 1):
        rows = np.flatnonzero(labels == label)
        rows = rows[np.argsort(along[rows], kind="stable")]
        whole, more = divmod(len(rows), clients)
        sizes = np.full(clients, whole)
        sizes[(at + np.arange(more)) % clients] += 1
        at = (at + more) % clients
        for hand, piece in zip(hands, np.split(rows, np.cumsum(sizes)[:-1]), strict=True):
            hand.append(piece)
    return tuple(np.sort(np.concatenate(hands[at])) for at in turn)


def _shards(labels: NDArray[np.int64], clients: int, rng: np.random.Generator) -> Parts:
    """Sort by label, cut into two shards per client, deal two to each."""
    shards = min(2 * clients, len(labels))
    cut = np.array_split(np.argsort(labels, kind="stable"), shards)
    dealt = rng.permutation(shards)
    hands = [dealt[client::clients] for client in range(clients)]
    return tuple(np.sort(np.concatenate([cut[shard] for shard in hand])) for hand in hands)


def _dirichlet(labels: NDArray[np.int64], clients: int, rng: np.random.Generator, alpha: float) -> Parts:
    """Deal each class by Dirichlet proportions; draw again while a client is left with next to nothing."""
    least = min(FEWEST, len(labels) // (2 * clients))
    owner = np.empty(len(labels), np.int64)
    for _ in range(_TRIES):
        for label in range(int(labels.max(initial=0)) + 1):
            rows = rng.permutation(np.flatnonzero(labels == label))
            edges = np.round(np.cumsum(rng.dirichlet(np.full(clients, alpha))) * len(rows)).astype(np.int64)
            edges[-1] = len(rows)
            owner[rows] = np.repeat(np.arange(clients), np.diff(edges, prepend=0))
        if np.bincount(owner, minlength=clients).min() >= least:
            break
    else:
        owner = _fill(owner, clients, least)
    return tuple(np.flatnonzero(owner == client) for client in range(clients))


def _fill(owner: NDArray[np.int64], clients: int, least: int) -> NDArray[np.int64]:
    """Give every client `least` examples at the cost of those that own most."""
    for client in range(clients):
        while (owner == client).sum() < least:
            owner[np.flatnonzero(owner == np.bincount(owner, minlength=clients).argmax())[0]] = client
    return owner
