"""What a client does in a round under each algorithm, for one client or for many that stand in rows.

A simulation runs this over chunks of clients, a node over one row, so both send equal bits. What a client keeps between
rounds is its memory: a float32 row that never leaves it.

FedProx: Li et al., "Federated optimization in heterogeneous networks", 2020, eq. 2. SCAFFOLD: Karimireddy et al., 2020,
algorithm 1, option II for the control variates; a node keeps its own variate, and the server works out how it changed from
the update, so that it need not be sent. Ditto: Li et al., 2021, algorithm 1. FedPer: Arivazhagan et al., 2019. FedRep:
Collins et al., 2021: first the head for half of the epochs, then the body; both in a single one. Momentum of clients:
Karimireddy, He, Jaggi, "Learning from history for Byzantine robust optimization", 2021; the first update stands for itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine.learning.compress import FEEDBACK, dense
from app.engine.learning.nets import Array
from app.engine.learning.records import LocalSpec
from app.engine.learning.sgd import PLAIN, Bench, Cohort, Pull, Track, descend

PERSONAL: Final = ("ditto", "fedper", "fedrep")
HEADLESS: Final = ("fedper", "fedrep")  # the last layer of the common model is as it began: each client trains one of its own


def kept_width(spec: LocalSpec, count: int, head: int) -> int:
    """Return the floats the algorithm has a client keep of `count` parameters, the last `head` of them its last layer."""
    return {"scaffold": count, "ditto": count, "client-momentum": count, "fedper": head, "fedrep": head}.get(spec.algorithm, 0)


def memory_widths(spec: LocalSpec, count: int, head: int) -> tuple[int, int, int]:
    """Return the floats a client remembers: what its algorithm keeps, what compression left out, the rounds it has seen."""
    own, left = kept_width(spec, count, head), count if spec.compress in FEEDBACK else 0
    return own, left, int(own + left > 0)


def steps_of(spec: LocalSpec, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many steps of gradient descent clients of `sizes` examples take in a round."""
    return np.asarray(spec.epochs * (-(-sizes // spec.batch) if spec.batch else np.minimum(sizes, 1)), np.int64)


@dataclass
class Turn:
    """One round of some clients: where they train, on what, and from which `start` (params,).

    Updates are left in `theta` (clients, params). `control` (params,) is what the server sends besides; what clients remember
    is changed in place: what the algorithm keeps (`own`), what compression left out (`left`), the rounds they have `seen`, each
    (clients, …) as `memory_widths` says.
    """

    bench: Bench
    theta: Array
    cohort: Cohort
    order: list[NDArray[np.int64]]
    spec: LocalSpec
    start: Array
    control: Array | None
    own: Array
    left: Array
    seen: Array
    whole: Array | None = None  # updates before they were compressed

    @property
    def known(self) -> NDArray[np.bool_]:
        """Return which clients have taken part before."""
        return np.asarray(self.seen[:, 0] > 0)

    def train(self, *tracks: Track, order: list[NDArray[np.int64]] | None = None) -> NDArray[np.float64]:
        """Train in place and return the losses of the first track."""
        return descend(self.bench, self.cohort, self.order if order is None else order, self.spec, tracks)

    def fresh(self, pull: Pull = PLAIN) -> Track:
        """Return the track of a model that begins as the server sent it."""
        return Track(self.theta, self.start, pull)


def work(turn: Turn) -> NDArray[np.float64]:
    """Leave the clients' updates in `turn.theta` and return their losses; numbers that run over are left as they are."""
    with np.errstate(over="ignore", invalid="ignore"):
        losses = _ALGORITHMS.get(turn.spec.algorithm, _plain)(turn)
        if turn.spec.compress != "none":
            _compress(turn)
    turn.seen += 1
    return losses


def _compress(turn: Turn) -> None:
    """Replace updates by what a server will read of them; what top-k and sketch leave out is remembered."""
    spec, feedback = turn.spec, turn.spec.compress in FEEDBACK
    turn.whole = turn.theta + turn.left if feedback else turn.theta.copy()
    turn.theta[:] = dense(
        spec.compress, turn.whole, spec.keep_ratio, seed=spec.seed, round_number=spec.round, clients=turn.cohort.clients
    )
    if feedback:
        np.subtract(turn.whole, turn.theta, out=turn.left)


def _plain(turn: Turn) -> NDArray[np.float64]:
    losses = turn.train(turn.fresh())
    turn.theta[:] -= turn.start
    return losses


def _prox(turn: Turn) -> NDArray[np.float64]:
    losses = turn.train(turn.fresh(Pull(anchor=turn.start, strength=turn.spec.mu)))
    turn.theta[:] -= turn.start
    return losses


def _scaffold(turn: Turn) -> NDArray[np.float64]:
    control = np.zeros_like(turn.start) if turn.control is None else turn.control
    own, rate = turn.own, np.float32(turn.spec.learning_rate)
    spare = np.subtract(control, own, out=turn.bench.spare[: len(own)])
    spare *= rate
    losses = turn.train(turn.fresh(Pull(drift=spare)))
    turn.theta[:] -= turn.start
    pace = steps_of(turn.spec, turn.cohort.sizes).astype(np.float32) * rate
    own -= control
    own -= np.multiply(turn.theta, 1 / np.maximum(pace, _TINY)[:, None], out=spare)
    return losses


def _momentum(turn: Turn) -> NDArray[np.float64]:
    losses = _plain(turn)
    past, beta = turn.own, np.float32(turn.spec.beta)
    mixed = beta * past + (1 - beta) * turn.theta
    turn.theta[:] = past[:] = np.where(turn.known[:, None], mixed, turn.theta)
    return losses


def _ditto(turn: Turn) -> NDArray[np.float64]:
    own = turn.own
    own[~turn.known] = turn.start
    losses = turn.train(turn.fresh(), Track(own, None, Pull(anchor=turn.start, strength=turn.spec.mu)))
    turn.theta[:] -= turn.start
    return losses


def _per(turn: Turn) -> NDArray[np.float64]:
    head = _take_head(turn)
    losses = turn.train(Track(turn.theta))
    return _keep_head(turn, head, losses)


def _rep(turn: Turn) -> NDArray[np.float64]:
    head = _take_head(turn)
    first = len(turn.order) // 2
    if first:
        turn.train(Track(turn.theta, None, Pull(frozen=slice(0, head.start))), order=turn.order[:first])
    pull = Pull(frozen=head) if first else PLAIN  # who has time for a single pass gives it to both
    losses = turn.train(Track(turn.theta, None, pull), order=turn.order[first:])
    return _keep_head(turn, head, losses)


def _take_head(turn: Turn) -> slice:
    """Put each client's own last layer in its place; return where that is."""
    head = slice(turn.theta.shape[1] - turn.own.shape[1], turn.theta.shape[1])
    turn.theta[:] = turn.start
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
