"""Paired, trace-driven trials in the simulator: what a model gains against peers on loads neither was tuned on.

Model and peers get the same number of tuning candidates each on the same tuning loads. `static` is the default size, staffed
by Erlang C for the mean load; `static-best` the best size on the tuning loads; `static-hindsight` the best on the test
loads themselves, which nobody can know beforehand. The automatic model gives way to a classical law that does better than it
on the tuning loads, so it has the candidates of all of those to choose from; what was picked is told.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Report, Stop, never, silent
from app.engine.base.errors import BadInput
from app.engine.control import loads, peers, queueing, stats, windows
from app.engine.control.laws import ADMISSION, Law, need
from app.engine.control.loads import AGAIN, TEST, TUNE, Load, draw
from app.engine.control.records import need_simulated
from app.engine.control.simulate import CONTENDED, SHED_PRICE, Outcome, Plant, simulate
from app.engine.control.traces import read_trace
from app.engine.control.tune import CLASSICAL, Tuned, pick, static_candidates, tune

Floats = NDArray[np.float64]
STATICS: Final = ("static", "static-best", "static-hindsight")
WEIGHTS: Final = (0.25, 1.0, 4.0)
_BLOCK: Final = 100
_AA: Final = 1000
_HALF_PERCENT: Final = 0.005
_OVERSIZED: Final = 32.0
# Mean demand of a trace as it is played: a thin one is dull, and of one that cannot be served every law drowns alike.
_LEAST_ERLANG: Final = 10.0
_BEARABLE: Final = 0.75


@dataclass(frozen=True)
class Asked:
    """What a trial is asked: the model, its peers, the load and the plant, test seeds, tuning candidates and seeds."""

    model: str
    against: tuple[str, ...]
    load: Load
    plant: Plant
    seeds: int = 1000
    candidates: int = 40
    tuning_seeds: int = 12
    weight: float = 1.0
    faster: float = 1.0
    # Of a recording: how many windows of its reported half stand for what chance could be; 0 where it is too short.
    windows: int = 0


def plant_of(resource: str, own: Mapping[str, float] | None = None) -> Plant:
    """Return the simulated plant that stands for a resource's kind: 2 to 64 workers, the kind's delay, turns of 0.1 s.

    What is known better stands in `own`: low, high, lag_s, tick_s, start. How much slower a contended plant grows is ours.
    Raises `BadInput` for kinds that no simulated plant is like.
    """
    kind = need_simulated(resource)
    plant = CONTENDED if kind.plant == ADMISSION else Plant(low=2, high=64, lag_s=kind.delay_s)
    if not own:
        return plant
    sizes = {name: int(own[name]) for name in ("low", "high", "start") if name in own}
    times = {name: float(own[name]) for name in ("lag_s", "tick_s") if name in own}
    plant = replace(plant, **sizes, **times)  # type: ignore[arg-type]
    return replace(plant, start=min(max(plant.start, plant.low), plant.high))


def asked_of(spec: dict[str, Any]) -> Asked:
    """Return the trial that a plain `spec` asks for; raises `BadInput` for unknown names."""
    plant = plant_of(str(spec.get("resource", "threadpool")), spec.get("plant"))
    model = str(spec.get("model", "auto"))
    need(model, plant.kind)
    against = tuple(dict.fromkeys(str(name).strip() for name in spec.get("against", ("static", "pid", "gradient2"))))
    for name in against:
        if name not in STATICS:
            need(name, plant.kind)
    if not against or model in against:
        raise BadInput("A trial needs peers other than the model itself", field="against")
    service_s, faster = float(spec.get("service_s", 0.05)), 1.0
    rate_hz = float(spec.get("rate_hz", 200.0))
    load = Load(str(spec.get("load", "bursty")), float(spec.get("seconds", 80.0)), rate_hz, service_s)
    if "trace_s" in spec or spec.get("trace"):
        arrivals = np.asarray(spec["trace_s"], float) if "trace_s" in spec else read_trace(Path(spec["trace"]))
        most = _BEARABLE * plant.erlang
        load, faster = loads.trace_load(arrivals, service_s, least_erlang=min(_LEAST_ERLANG, most), most_erlang=most)
    elif load.name not in loads.NAMES or load.name == "trace":
        raise BadInput("There is no load {name}; choose from {known}", field="load", name=load.name,
                       known=", ".join(name for name in loads.NAMES if name != "trace"))  # fmt: skip
    return Asked(
        model, against, load, plant, int(spec.get("seeds", 1000)), int(spec.get("candidates", 40)),
        int(spec.get("tuning_seeds", 12)), float(spec.get("weight", 1.0)), faster, windows.count_of(load),
    )  # fmt: skip


def trial(spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never) -> dict[str, Any]:
    """Return {per: [{against, effect, low, high, p_holm, …}], floor, seeds, trace}; effects as fractions of the peer's J."""
    asked = asked_of(spec)
    names = (asked.model, *asked.against)
    bench = Bench(asked, seed, stop)
    total = float(len(bench.names(names)) + len(names) * asked.seeds / _BLOCK)
    done = 0.0
    for name in bench.names(names):
        bench.tuned(name)
        done += 1
        report(done, total, unit="blocks", partial={"phase": "tuning", "law": name})
    tuned = {name: bench.tuned(name) for name in asked.against} | {asked.model: bench.picked(asked.model)}
    costs: dict[str, list[Outcome]] = {name: [] for name in names}
    played = 0
    for first in range(0, asked.seeds, _BLOCK):
        if stop() and played:
            break
        count = min(_BLOCK, asked.seeds - first)
        batch = draw(asked.load, TEST, seed, count, first=first)
        for name in names:
            costs[name].append(_played(name, tuned[name].law, batch, asked))
            done += count / _BLOCK
            report(min(done, total), total, unit="blocks", partial={"phase": "test", "law": name})
        played += count
    outcomes = {name: _joined(parts) for name, parts in costs.items()}
    document = _document(asked, outcomes, tuned, seed, played)
    document["aa"] = _same(asked, tuned[asked.model].law, outcomes[asked.model], seed, min(played, _AA))
    document["trace"] = spec.get("trace", "")
    return document


def _default_static(asked: Asked) -> float:
    if asked.plant.kind == ADMISSION:
        return _OVERSIZED
    load = asked.load
    rate = load.rate_hz * (1 + 2 * 0.8 / 2.8) if load.name == "bursty" else load.rate_hz
    return float(queueing.staff_for(rate, load.service_s, 0.01, asked.plant.low, asked.plant.high))


class Bench:
    """The laws of a trial, each tuned once on the tuning loads, with the same number of candidates."""

    def __init__(self, asked: Asked, seed: int, stop: Stop) -> None:
        self._asked, self._seed, self._stop = asked, seed, stop
        self._found: dict[str, Tuned] = {}

    def _gives_way(self, name: str) -> bool:
        return name == "auto" and self._asked.plant.kind != ADMISSION

    def names(self, asked: Iterable[str]) -> tuple[str, ...]:
        """Return whom to tune for a trial of the `asked`: the automatic model is weighed against the classical laws."""
        asked = tuple(asked)
        return tuple(dict.fromkeys((*asked, *(CLASSICAL if any(map(self._gives_way, asked)) else ()))))

    def tuned(self, name: str) -> Tuned:
        """Return the law tuned by itself; a default size is left as it is."""
        if name not in self._found:
            self._found[name] = self._search(name)
        return self._found[name]

    def picked(self, name: str) -> Tuned:
        """Return the law tuned; of the automatic model, what did best on the tuning loads: itself or a classical law."""
        own = self.tuned(name)
        return pick(own, {rival: self.tuned(rival) for rival in CLASSICAL}) if self._gives_way(name) else own

    def _search(self, name: str) -> Tuned:
        asked = self._asked
        if name == "static":
            level = _default_static(asked)
            return Tuned(peers.Static(level), {"level": level}, math.nan, 1)
        law: Any = peers.Static() if name in STATICS else need(name, asked.plant.kind)
        if name == "static-hindsight":
            return Tuned(law, {}, math.nan, 0)
        return tune(law, asked.load, asked.plant, count=asked.candidates, seeds=asked.tuning_seeds, seed=self._seed,
                    weight=asked.weight, stop=self._stop)  # fmt: skip


def _played(name: str, law: Any, batch: loads.Batch, asked: Asked) -> Outcome:
    if name != "static-hindsight":
        return _judged(law, batch, asked)
    contended = asked.plant.kind == ADMISSION
    best: tuple[float, Outcome] | None = None
    for level in static_candidates(asked.plant)["level"]:
        outcome = _judged(peers.Static(float(level)), batch, asked)
        mean = float(outcome.cost(asked.load.service_s, weight=asked.weight, contended=contended).mean())
        if best is None or mean < best[0]:
            best = mean, outcome
        elif mean > 2 * best[0]:
            break
    assert best is not None
    return best[1]


def _judged(law: Any, batch: loads.Batch, asked: Asked) -> Outcome:
    """Return what `law` makes of loads that are reported: of a recording, by its windows."""
    more: dict[str, Any] = {}
    if asked.windows:
        more = {"windows": asked.windows, "span_s": loads.half_of(asked.load, TEST)[1]}
    return simulate(law, batch, asked.plant, asked.load.seconds, **more)


def _joined(parts: list[Outcome]) -> Outcome:
    columns = ("p99_s", "resource_ratio", "shed_ratio", "resizes_hz", "most_size")
    told = np.sum([part.told for part in parts], axis=0)
    return Outcome(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}, told=told)


def _cost(outcome: Outcome, asked: Asked, weight: float) -> Floats:
    return outcome.cost(asked.load.service_s, weight=weight, contended=asked.plant.kind == ADMISSION)


def _floor(asked: Asked, weight: float) -> float:
    return weight if asked.plant.kind == ADMISSION else weight + 1.0


def _effects(
    asked: Asked, outcomes: Mapping[str, Outcome], model: str, against: Iterable[str], *, weight: float, seed: int
) -> list[stats.Effect]:
    """Return what `model` gains against each; of a recording with intervals over its windows, or none where it is too short."""
    mine = _cost(outcomes[model], asked, weight)
    others = {name: _cost(outcomes[name], asked, weight) for name in against}
    effects = stats.paired(mine, others, seed=seed, floor=_floor(asked, weight))
    if asked.load.name != "trace":
        return effects
    drawn: dict[str, Floats] = {}
    if asked.windows:
        shares = windows.drawn(asked.windows, seed)
        shed_price = SHED_PRICE if asked.plant.kind == ADMISSION else 0.0
        price: dict[str, float] = {"service_s": asked.load.service_s, "weight": weight, "shed_price": shed_price}
        drawn = {name: windows.costs(outcomes[name].told, shares, **price) for name in (model, *others)}
    return windows.judged(effects, drawn, model, asked.windows)


def _interval(asked: Asked) -> dict[str, Any]:
    """Say what the intervals are over: loads drawn anew, or windows of the one recording, of which there may be too few."""
    recorded = asked.load.name == "trace"
    over = "loads" if not recorded else "windows of one recording" if asked.windows else "none, the recording is too short"
    return {"interval": over, "windows": asked.windows if recorded else None}


def _document(asked: Asked, outcomes: dict[str, Outcome], tuned: Mapping[str, Tuned], seed: int, played: int) -> dict[str, Any]:
    effects = _effects(asked, outcomes, asked.model, asked.against, weight=asked.weight, seed=seed)
    return {
        "schema": 1,
        "kind": "simulated",
        "model": asked.model,
        "picked": {"law": tuned[asked.model].law.name, "costs": tuned[asked.model].costs},
        "load": asked.load.name,
        "plant": {"kind": asked.plant.kind, "delay_s": asked.plant.lag_s, "tick_s": asked.plant.tick_s},
        "seeds": played,
        "floor": _floor(asked, asked.weight),
        "weight": asked.weight,
        "played_faster_ratio": asked.faster,
        **_interval(asked),
        "per": [{**asdict(effect), "verdict": effect.verdict} for effect in effects],
        "laws": {
            name: {
                "cost": float(_cost(outcome, asked, asked.weight).mean()),
                "p99_s": float(outcome.p99_s.mean()),
                "resource_ratio": float(outcome.resource_ratio.mean()),
                "shed_ratio": float(outcome.shed_ratio.mean()),
                "resizes_hz": float(outcome.resizes_hz.mean()),
                "most_size": float(outcome.most_size.max()),
                "settings": tuned[name].settings,
            }
            for name, outcome in outcomes.items()
        },
        "weights": [
            {"weight": weight, "per": [
                {"against": e.against, "effect": e.effect, "low": e.low, "high": e.high}
                for e in _effects(asked, outcomes, asked.model, asked.against, weight=weight, seed=seed)
            ]}
            for weight in WEIGHTS
        ],
    }  # fmt: skip


def _costs(asked: Asked, law: Any, part: int, seed: int, numbers: range) -> Floats:
    parts = []
    for first in range(numbers.start, numbers.stop, _BLOCK):
        batch = draw(asked.load, part, seed, min(_BLOCK, numbers.stop - first), first=first)
        parts.append(simulate(law, batch, asked.plant, asked.load.seconds))
    return _cost(_joined(parts), asked, asked.weight)


def _either_way(one: Floats, other: Floats) -> Floats:
    # The mean over both directions: 1 - a/b alone is biased by the noise of b.
    return (one - other) / (0.5 * (one + other))


def same_against_same(asked: Asked, law: Any, seed: int, numbers: range) -> Floats:
    """Return what `law` differs from itself by on each of the loads `numbers`, as shares: the A/A test alone.

    Both play the same arrivals, one with the services of the test, one with others; nothing else tells them apart.
    """
    return _either_way(_costs(asked, law, TEST, seed, numbers), _costs(asked, law, AGAIN, seed, numbers))


def _same(asked: Asked, law: Any, outcome: Outcome, seed: int, count: int) -> dict[str, float | bool]:
    """Return the A/A test: the model against itself on the same arrivals with other service times; it should be 0.

    `tells_half_percent` says whether chance leaves less than half a percent either way: where it does not, no figure below that
    is one.
    """
    both = _either_way(_cost(outcome, asked, asked.weight)[:count], _costs(asked, law, AGAIN, seed, range(count)))
    random = np.random.default_rng(np.random.SeedSequence([seed, 98]))
    low, high = (float(one) for one in np.quantile(stats.means(both, random), [0.025, 0.975]))
    error = float(both.std(ddof=1)) / math.sqrt(count) if count > 1 else math.inf
    return {
        "effect": float(both.mean()), "low": low, "high": high, "standard_error": error,
        "tells_half_percent": high - low <= 2 * _HALF_PERCENT,
    }  # fmt: skip


def tuning(
    spec: dict[str, Any], seed: int, report: Report = silent, stop: Stop = never, before: Law | None = None
) -> dict[str, Any]:
    """Tune one model and confirm it on loads it has not seen; refused when the interval reaches zero.

    It is to be better than `before`, the law in force, which is the model with its defaults where none is given.
    """
    asked = asked_of({**spec, "against": ["static-best"]})
    before = before or need(asked.model, asked.plant.kind)
    found = Bench(asked, seed, stop).picked(asked.model)
    report(1, 2, unit="parts", partial={"phase": "confirming"})
    batch = draw(asked.load, TEST, seed, asked.seeds)
    outcomes = {"after": _judged(found.law, batch, asked), "before": _judged(before, batch, asked)}
    old, new = (_cost(outcomes[name], asked, asked.weight) for name in ("before", "after"))
    effect = _effects(asked, outcomes, "after", ("before",), weight=asked.weight, seed=seed)[0]
    accepted = effect.verdict == "better"
    return {
        "schema": 1, "kind": "simulated", "model": asked.model, "load": asked.load.name, "law": found.law.name,
        "settings": found.settings, "costs": found.costs,
        "tried": found.tried, "tuning_part": TUNE, "test_part": TEST, "accepted": accepted, "verdict": effect.verdict,
        "effect": effect.effect, "low": effect.low, "high": effect.high, "cost_before": float(old.mean()),
        "cost_after": float(new.mean()), "trace": spec.get("trace", ""), "played_faster_ratio": asked.faster,
        **_interval(asked),
    }  # fmt: skip
