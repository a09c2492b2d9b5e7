"""The nouns of learning: what a client is told, what it sends back, and what a round came to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.command import Arg
from app.engine.base.errors import BadInput
from app.engine.learning.nets import DIGITS_MODEL, check_size

ALGORITHMS: Final = (
    "fedavg", "fedprox", "fednova", "scaffold", "fedadam", "fedyogi", "fedadagrad", "fedbuff", "ditto", "fedper", "fedrep",
    "client-momentum",
)  # fmt: skip
# Settings of a simulation that mean something only where rounds end, each with what it usually is; none goes with fedbuff.
OF_ROUNDS: Final[Mapping[str, Any]] = {"selection": "random", "deadline_s": 0.0, "drop_stragglers": False, "dropout_rate": 0.0}
SESSIONS_KEPT: Final = 16  # of which a node remembers something; the newest
_SPEC = (
    Arg("algorithm", str, "What clients do and how the server combines it.", "fedavg", choices=ALGORITHMS),
    Arg("model", str, "Layers of the network.", DIGITS_MODEL),
    Arg("epochs", int, "Passes over a client's own data per round.", 2, low=1, high=1000),
    Arg("batch", int, "Examples per step; 0 means all of them.", 16, low=0, high=4096),
    Arg("learning_rate", float, "Step size of a client's gradient descent.", 0.2, low=0, high=100),
    Arg("seed", int, "Seed of the run.", 0, low=0, high=2**64 - 1),
    Arg("round", int, "Number of the round, from 1.", 1, low=0, high=2**32 - 1),
    Arg("client", int, "Place of the client in the run's fixed order, from 0.", 0, low=0, high=2**32 - 1),
    Arg("data", str, "Name of the client's own data.", "digits"),
    Arg("mu", float, "Pull towards the global model (FedProx, Ditto).", 0.1, low=0, high=1e6),
    Arg("beta", float, "Share of the past in a client's momentum.", 0.9, low=0, high=0.999),
    Arg("compress", str, "How updates are made smaller.", "none", choices=("none", "top-k", "quantise", "sketch")),
    Arg("keep_ratio", float, "Ratio of an update's numbers that top-k or a sketch sends.", 0.1, low=1e-6, high=1),
    Arg("session", str, "Session under which a client keeps what it remembers between rounds.", ""),
)


@dataclass(frozen=True)
class LocalSpec:
    """What one client is told to do in one round; `batch` 0 means full batch."""

    algorithm: str = "fedavg"
    model: str = DIGITS_MODEL
    epochs: int = 2
    batch: int = 16
    learning_rate: float = 0.2
    seed: int = 0
    round: int = 1
    client: int = 0
    data: str = "digits"
    mu: float = 0.1
    beta: float = 0.9
    compress: str = "none"
    keep_ratio: float = 0.1
    session: str = ""

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "LocalSpec":
        """Return the spec a document describes; unknown fields are ignored, a bad value raises `BadInput`."""
        taken = {arg.name: arg.take(document[arg.name]) for arg in _SPEC if arg.name in document}
        spec = cls(**taken)
        check_size(spec.model, 2 if spec.algorithm == "scaffold" else 1)  # whose control variate travels beside it
        if spec.compress != "none" and spec.algorithm == "scaffold":
            raise BadInput(
                "Scaffold needs whole updates: from a compressed one the server cannot tell the control variates",
                field="compress",
            )
        return spec

    def to_json(self) -> dict[str, Any]:
        """Return the spec as a wire document."""
        return {"schema": 1, **self.__dict__}


@dataclass(frozen=True)
class LocalUpdate:
    """A client's answer: new minus old parameters (float32), how many examples it used, mean loss in its last epoch.

    `steps` of gradient descent it took, 0 when it does not say; `memory` (float32) is what it keeps for the session's later
    rounds and never sends; `sent` is what travels instead of the update where that is compressed; `row` is the update as one
    flat row, once it was accepted.
    """

    update: dict[str, NDArray[np.float32]]
    examples: int
    loss: float
    steps: int = 0
    memory: NDArray[np.float32] | None = None
    sent: dict[str, NDArray[np.float32]] | None = None
    row: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Part:
    """One client's share in one round; `state` is waiting, done, late, offline, refused, bad or failed."""

    client: int
    name: str
    state: str
    examples: int = 0
    steps: int = 0
    norm: float | None = None
    bytes: int = 0
    loss: float | None = None
    cpu_s: float = 0.0
    time_s: float | None = None
    reason: str = ""
    digest: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the part as it is stored and shown."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Round:
    """One finished round: accuracy (ratio) and mean cross-entropy on the test set, CPU seconds it cost here.

    `bytes` of numbers went to and from clients; `time_s` is simulated in simulations, measured over live nodes; `drift` is how
    far clients pulled apart, see `insight`; `drill` is what was drilled in it, see `drill`.
    """

    round: int
    accuracy: float
    loss: float
    cpu_s: float
    bytes: int = 0
    time_s: float | None = None
    parts: tuple[Part, ...] = field(default=())
    drift: float | None = None
    drill: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the round as the command contract names it."""
        return {
            "round": self.round, "accuracy": self.accuracy, "loss": self.loss, "cpu_s": self.cpu_s,
            "bytes": self.bytes, "time_s": self.time_s, "drift": self.drift, **({"drill": self.drill} if self.drill else {}),
        }  # fmt: skip
