"""What training will cost before it begins: bytes, by count, and time, from earlier runs or else from a plain assumption.

Bytes are a count of numbers that go to and from those who are asked. How good it is, is told: `exact` where nothing is left to
chance; at `most` so many where clients may be late or lost or a run may end early; the `mean` where each client is drawn by a
throw of its own; and over live nodes, when all `answer` at once (one that is offline costs nothing; what is sent again while a
round waits is counted neither here nor in the round's record).
A gradient step costs about three forward passes (forward, and two products backward). The pace of a machine, floating-point
operations a second, is the median over the rounds of earlier runs of the same kind.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from app.engine.learning.buffered import size_of
from app.engine.learning.compress import bytes_of
from app.engine.learning.nets import count_of, flops_of
from app.engine.learning.partition import FEWEST
from app.engine.learning.records import LocalSpec
from app.engine.learning.tune import total_of

_PAST: Final = 5  # runs whose rounds a forecast goes by
_PASSES: Final = 3
_TWICE: Final = ("ditto",)
_ASSUMED: Final = {"simulation": 1.2e10, "live": 1e9}
_ROUND_S: Final = {"simulation": 0.001, "live": 0.05}  # what a round costs besides training


def forecast(
    kind: str, spec: Mapping[str, Any], clients: int, examples: float, past: Iterable[tuple[float, float]] = ()
) -> dict[str, Any]:
    """Return {asked, round_bytes, bytes, bytes_are, round_s, time_s, seen} of a run of `kind` (simulation, live).

    `examples` is what one client has; `past` holds (work, seconds) of rounds gone by, work as `work_of` gives it; `seen` tells
    how many of them there were. A simulation's work is that of all clients, a live round's that of one: they work at once.
    With several `settings` to try, of which one in `keep` goes on, the rounds are those of all. Raises `BadInput` as
    `LocalSpec` does.
    """
    local = LocalSpec.from_json(spec)
    asked = asked_of(kind, spec, clients)
    count = count_of(local.model)
    down = 4 * count * (2 if local.algorithm == "scaffold" else 1)
    moved = asked * (down + bytes_of(local.compress, count, local.keep_ratio))
    known = [work / max(spent - _ROUND_S[kind], 1e-4) for work, spent in past if work > 0 and spent > 0]
    pace = statistics.median(known) if known else _ASSUMED[kind]
    work = work_of(local, examples) * (asked if kind == "simulation" else 1)
    round_s = work / pace + _ROUND_S[kind]
    rounds, settings = int(spec.get("rounds", 1)), int(spec.get("settings", 1))
    if settings > 1:
        rounds = total_of(settings, rounds, int(spec["keep"]))
    return {
        "asked": asked, "round_bytes": moved, "bytes": moved * rounds, "bytes_are": _certainty(kind, spec),
        "round_s": round_s, "time_s": round_s * rounds, "seen": len(known),
    }  # fmt: skip


def seen(
    kind: str, runs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], examples: int
) -> list[tuple[float, float]]:  # fmt: skip
    """Return (work, seconds) of the rounds of earlier `runs` (spec, result) of `kind` over data of `examples`, newest first."""
    told: list[tuple[float, float]] = []
    for spec, result in runs[:_PAST]:
        people = len(spec.get("nodes", ())) if kind == "live" else int(spec.get("clients", 0))
        if not result.get("rounds") or not people or "architecture" not in result:
            continue
        local = LocalSpec.from_json({**spec, "model": result["architecture"]})
        asked = 1 if kind == "live" else asked_of("simulation", spec, people)
        work = work_of(local, max(float(FEWEST), examples / people)) * asked
        told += [(work, float(row.get("time_s" if kind == "live" else "cpu_s") or 0.0)) for row in result["rounds"]]
    return told


def asked_of(kind: str, spec: Mapping[str, Any], clients: int) -> int:
    """Return how many updates a round of a run of `kind` over `clients` is made of; with fedbuff, so many fill the buffer."""
    ratio = float(spec.get("sample_ratio", 1.0))
    if spec.get("algorithm") != "fedbuff":
        return min(clients, max(1, round(clients * ratio)))
    if kind == "simulation":
        return size_of(clients, ratio)
    return max(1, math.ceil(max(1, round(clients * ratio)) * float(spec.get("quorum_ratio", 1.0))))


def _certainty(kind: str, spec: Mapping[str, Any]) -> str:
    if kind == "live":
        return "answer"
    if spec.get("selection") == "poisson" and float(spec.get("sample_ratio", 1.0)) < 1:
        return "mean"
    fewer = ("deadline_s", "dropout_rate", "until_accuracy", "plateau_rounds")
    return "most" if any(float(spec.get(name) or 0) > 0 for name in fewer) else "exact"


def work_of(local: LocalSpec, examples: float) -> float:
    """Return the floating-point operations of one client's round."""
    return _PASSES * flops_of(local.model) * examples * local.epochs * (2 if local.algorithm in _TWICE else 1)
