"""What a client does in a round under each algorithm, for one client or for many that stand in rows.

A simulation runs this over chunks of clients, a node over one row, so both send equal bits. What a client keeps between
rounds is its memory: a float32 row that never leaves it.

FedProx: Li et al., "Federated optimization in heterogeneous networks", 2020, eq. 2. SCAFFOLD: Karimireddy et al., 2020,
algorithm 1, option II for the control variates; a node keeps its own variate, and the server works out how it changed from
the update, so that it need not be sent. Ditto: Li et al., 2021, algorithm 1. FedPer: Arivazhagan et al., 2019. FedRep:
Collins et al., 2021: first the head for half of the epochs, then the body. Momentum of clients: Karimireddy, He, Jaggi,
"Learning from history for Byzantine robust optimization", 2021; the first update stands for itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine.learning.compress import FEEDBACK, dense
from app.engine.learning.nets import Array
from app.engine.learning.records import LocalSpec
from app.engine.learning.sgd import PLAIN, Bench, Cohort, Pull, descend

PERSONAL: Final = ("ditto", "fedper", "fedrep")
_SEEN: Final = -1  # the last column of a memory: how many rounds the client took part in


def kept_width(spec: LocalSpec, count: int, head: int) -> int:
    """Return the floats the algorithm has a client keep of `count` parameters, the last `head` of them its last layer."""
    return {"scaffold": count, "ditto": count, "client-momentum": count, "fedper": head, "fedrep": head}.get(spec.algorithm, 0)


def memory_width(spec: LocalSpec, count: int, head: int) -> int:
    """Return the floats a client remembers: what its algorithm keeps, what compression left out, and the rounds it has seen."""
    width = kept_width(spec, count, head) + (count if spec.compress in FEEDBACK else 0)
    return width + 1 if width else 0


def steps_of(spec: LocalSpec, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many steps of gradient descent clients of `sizes` examples take in a round."""
    return np.asarray(spec.epochs * (-(-sizes // spec.batch) if spec.batch else np.minimum(sizes, 1)), np.int64)


@dataclass
class Turn:
    """One round of some clients: where they train, on what, and from which `start` (params,).

    `control` (params,) is what the server sends besides; `memory` (clients, width) is changed in place.
    """

    bench: Bench
    cohort: Cohort
    order: list[NDArray[np.int64]]
    spec: LocalSpec
    start: Array
    control: Array | None
    memory: Array
    whole: Array | None = None  # updates before they were compressed

    @property
    def theta(self) -> Array:
        """Return the clients' parameters, (clients, params), in place."""
        return self.bench.theta[: len(self.cohort.sizes)]

    @property
    def own(self) -> Array:
        """Return what the algorithm keeps, (clients, kept), in place."""
        left_out = self.theta.shape[1] if self.spec.compress in FEEDBACK else 0
        return self.memory[:, : self.memory.shape[1] - 1 - left_out]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Return which clients have taken part before."""
        return np.asarray(self.memory[:, _SEEN] > 0)

    def train(self, pull: Pull = PLAIN, order: list[NDArray[np.int64]] | None = None) -> NDArray[np.float64]:
        """Train in place and return the losses."""
        return descend(self.bench, self.cohort, self.order if order is None else order, self.spec, pull)


def work(turn: Turn) -> NDArray[np.float64]:
    """Leave the clients' updates in `turn.theta` and return their losses."""
    turn.theta[:] = turn.start
    losses = _ALGORITHMS.get(turn.spec.algorithm, _plain)(turn)
    if turn.spec.compress != "none":
        _compress(turn)
    if turn.memory.shape[1]:
        turn.memory[:, _SEEN] += 1
    return losses


def _compress(turn: Turn) -> None:
    """Replace updates by what a server will read of them; what top-k and sketch leave out is remembered."""
    spec, width = turn.spec, turn.theta.shape[1]
    left = turn.memory[:, -1 - width : -1] if spec.compress in FEEDBACK else np.zeros((1, 1), np.float32)
    turn.whole = turn.theta + left
    turn.theta[:] = dense(
        spec.compress, turn.whole, spec.keep_ratio, seed=spec.seed, round_number=spec.round, clients=turn.cohort.clients
    )
    if spec.compress in FEEDBACK:
        np.subtract(turn.whole, turn.theta, out=left)


def _plain(turn: Turn) -> NDArray[np.float64]:
    losses = turn.train()
    turn.theta[:] -= turn.start
    return losses


def _prox(turn: Turn) -> NDArray[np.float64]:
    losses = turn.train(Pull(anchor=turn.start, strength=turn.spec.mu))
    turn.theta[:] -= turn.start
    return losses


def _scaffold(turn: Turn) -> NDArray[np.float64]:
    control = np.zeros_like(turn.start) if turn.control is None else turn.control
    own = turn.own
    drift = control - own
    losses = turn.train(Pull(drift=drift))
    turn.theta[:] -= turn.start
    pace = steps_of(turn.spec, turn.cohort.sizes).astype(np.float32) * np.float32(turn.spec.learning_rate)
    own[:] = -drift
    own -= turn.theta / np.maximum(pace, _TINY)[:, None]
    return losses


def _momentum(turn: Turn) -> NDArray[np.float64]:
    losses = _plain(turn)
    past, beta = turn.own, np.float32(turn.spec.beta)
    mixed = beta * past + (1 - beta) * turn.theta
    turn.theta[:] = past[:] = np.where(turn.known[:, None], mixed, turn.theta)
    return losses


def _ditto(turn: Turn) -> NDArray[np.float64]:
    losses = _plain(turn)
    update, own = turn.theta.copy(), turn.own
    turn.theta[:] = np.where(turn.known[:, None], own, turn.start)
    turn.train(Pull(anchor=turn.start, strength=turn.spec.mu))
    own[:] = turn.theta
    turn.theta[:] = update
    return losses


def _per(turn: Turn) -> NDArray[np.float64]:
    head = _take_head(turn)
    losses = turn.train()
    return _keep_head(turn, head, losses)


def _rep(turn: Turn) -> NDArray[np.float64]:
    head = _take_head(turn)
    first = max(1, len(turn.order) // 2)
    losses = turn.train(Pull(frozen=slice(0, head.start)), turn.order[:first])
    if turn.order[first:]:
        losses = turn.train(Pull(frozen=head), turn.order[first:])
    return _keep_head(turn, head, losses)


def _take_head(turn: Turn) -> slice:
    """Put each client's own last layer in its place; return where that is."""
    head = slice(turn.theta.shape[1] - turn.own.shape[1], turn.theta.shape[1])
    turn.theta[:, head] = np.where(turn.known[:, None], turn.own, turn.start[head])
    return head


def _keep_head(turn: Turn, head: slice, losses: NDArray[np.float64]) -> NDArray[np.float64]:
    turn.own[:] = turn.theta[:, head]
    turn.theta[:] -= turn.start
    turn.theta[:, head] = 0
    return losses


_TINY = np.float32(np.finfo(np.float32).tiny)
_ALGORITHMS: Final[dict[str, Callable[[Turn], NDArray[np.float64]]]] = {
    "fedprox": _prox, "scaffold": _scaffold, "client-momentum": _momentum, "ditto": _ditto, "fedper": _per, "fedrep": _rep,
}  # fmt: skip
