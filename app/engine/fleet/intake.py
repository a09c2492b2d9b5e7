"""What becomes of a batch of telemetry, as pure functions: samples for the eye, rows for later, the node's new record."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.fleet.health import read_health
from app.engine.fleet.records import Node
from app.engine.link.records import Batch
from app.wire.identity import PublicIdentity
from app.wire.status import ModelStatus
from app.wire.telemetry import Measurement

SERIES: Final = ("cpu_ratio", "mem_ratio", "latency_p99_s", "error_ratio")
WRITTEN: Final = (
    "name", "address", "site", "lat", "lon", "registered_us", "labels", "hardware", "connectivity", "tier", "link_bytes_s",
    "link_bytes_day",
)  # fmt: skip
_SUMMARY: Final = (
    "name", "state", "site", "cpu_ratio", "mem_ratio", "latency_p99_s", "error_ratio", "inference_count", "models",
    "last_heartbeat_us", "as_of_us", "address", "trouble", "demo", "tier", "measured_tier", "lat", "lon", "device_id", "id",
)  # fmt: skip
_SNAPSHOT: Final = (*SERIES, "latency_p50_s", "latency_mean_s")

Floats = NDArray[np.float64]


class _Shared:
    """Equal mappings as one object; forgets all when there are too many kinds."""

    def __init__(self, most: int = 4096) -> None:
        self._most, self._known = most, dict[str, Mapping[str, Any]]()

    def mapping(self, told: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """Return a mapping equal to `told`, the same one for equal ones."""
        if not told:
            return _NOTHING
        key = json.dumps(told, sort_keys=True, default=str)
        if len(self._known) >= self._most:
            self._known.clear()
        return self._known.setdefault(key, told)


_LONG_S: Final = 1e9
_NOTHING: Final[Mapping[str, Any]] = {}
_SHARED: Final = _Shared()


def fresh(items: Sequence[Measurement], batch_epoch: str, epoch: str, seq: int) -> tuple[Measurement, ...]:
    """Return the items after the cursor (`epoch`, `seq`); all of them when the node began a new spool."""
    return tuple(items) if batch_epoch != epoch else tuple(item for item in items if item.seq > seq)


def series_of(items: Sequence[Measurement], last_s: float | None, gap_s: float) -> tuple[Floats, dict[str, Floats]]:
    """Return times (n,) and the values of each series (n,), NaN where nothing was measured.

    A silence longer than `gap_s` since `last_s` or between items gets one NaN sample, so that no line is drawn over it.
    """
    times: list[float] = []
    rows: list[tuple[float, ...]] = []
    for item in items:
        at_s = item.at_us / 1e6
        if last_s is not None and at_s - last_s > gap_s:
            times.append(last_s + gap_s)
            rows.append((float("nan"),) * len(SERIES))
        times.append(at_s)
        rows.append(tuple(_number(getattr(item, name)) for name in SERIES))
        last_s = at_s
    values = np.array(rows, float).reshape(len(rows), len(SERIES))
    return np.array(times, float), {name: values[:, column] for column, name in enumerate(SERIES)}


def rows_of(node_id: str, epoch: str, items: Iterable[Measurement]) -> list[dict[str, Any]]:
    """Return the rows of `edge_telemetry` for `items`."""
    return [
        {
            "node_id": node_id,
            "epoch": epoch,
            "seq": item.seq,
            "metrics_snapshot": {**{name: getattr(item, name) for name in _SNAPSHOT}, **item.metrics},
            "inference_count": item.inference_count,
            "average_latency_ms": None if item.latency_mean_s is None else 1e3 * item.latency_mean_s,
            "error_rate": item.error_ratio,
            "resource_usage": dict(item.resources),
            "collected_at": item.at_us,
        }
        for item in items
    ]


def heard(node: Node, batch: Batch, items: Sequence[Measurement]) -> Node:
    """Return `node` after a batch it answered with; figures not measured this time keep the last known value."""
    fields: dict[str, Any] = {
        "last_heartbeat_us": batch.at_us, "epoch": batch.epoch, "seq": batch.seq, "round_trip_s": batch.round_trip_s,
        "trouble": "",
    }  # fmt: skip
    if batch.status is not None:
        fields["models"] = tuple(_model_text(model) for model in batch.status.models)
    if items:
        last = items[-1]
        fields |= {name: value for name in SERIES if (value := getattr(last, name)) is not None}
        count = node.inference_count + sum(item.inference_count for item in items)
        fields |= {"as_of_us": last.at_us, "inference_count": count}
        if isinstance(served := last.metrics.get("models"), dict):
            fields["serving"] = served
    return replace(node, **fields)


def with_model(node: Node, name: str, version: int) -> Node:
    """Return `node` with `version` of the model `name` in place of what it had of it."""
    others = (each for each in node.models if each.partition(":")[0] != name)
    return replace(node, models=tuple(sorted((*others, f"{name}:{version}"))))


def peers_of(batch: Batch) -> dict[str, float]:
    """Return how long ago (s) the node last reached each of its neighbours, by device id, as its newest measurement says."""
    last = batch.items[-1] if batch.items else None
    told = None if last is None else last.metrics.get("peers")
    if last is None or not isinstance(told, dict):
        return {}
    now_us = batch.at_us if batch.status is None else batch.status.at_us  # the node's own clock, where it is known
    waited_s = max(0.0, (now_us - last.at_us) / 1e6)
    return {device: age + waited_s for device, age in told.items() if isinstance(age, (int, float)) and 0 <= age < _LONG_S}


def missed(node: Node, batch: Batch) -> Node:
    """Return `node` after a pull that failed; what was known stays, with its age."""
    return replace(node, trouble=str(batch.error))


def node_of(row: dict[str, Any]) -> Node:
    """Return the record of a row of `edge_nodes`; its health is what it was when the console last ran.

    Nodes made alike share what describes them: a fleet of 100,000 has few kinds of hardware, sites and sets of labels.
    """
    labels, hardware = _SHARED.mapping(row["labels"]), _SHARED.mapping(row["hardware_profile"])
    return Node(
        id=row["id"], device_id=row["node_identifier"], name=row["name"], address=row["address"],
        state=read_health(row["held"] or row["status"]), site=sys.intern(row["site"]),
        lat=row["location_lat"], lon=row["location_lon"],
        last_heartbeat_us=row["last_heartbeat"] or 0, as_of_us=row["last_heartbeat"] or 0,
        registered_us=row["registered_at"] or 0, labels=labels, hardware=hardware,
        connectivity=sys.intern(row["connectivity_type"] or ""), tier=sys.intern(row["tier"] or ""),
        link_bytes_s=row["link_bytes_s"], link_bytes_day=row["link_bytes_day"], home=row["home"] or "",
        epoch=row["cursor_epoch"] or "", seq=row["cursor_seq"] or 0, models=_same(tuple(row["models"] or ())),
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _same(models: tuple[str, ...]) -> tuple[str, ...]:
    """Return a tuple equal to `models`, the same one for equal ones."""
    return models


def identities_of(stored: Iterable[dict[str, Any]]) -> dict[str, PublicIdentity]:
    """Return the pinned identity of each row, by its id."""
    found: dict[str, PublicIdentity] = {}
    for row in stored:
        try:
            found[row["id"]] = PublicIdentity.from_json(row["identity"])
        except BadInput:
            continue  # A node whose pinned identity is damaged cannot be reached; its row stays for a person to see.
    return found


def document_of(node: Node) -> dict[str, Any]:
    """Return `node` as plain JSON, for commands."""
    return {
        **{name: getattr(node, name) for name in node.__dataclass_fields__},
        "state": str(node.state),
        "demo": node.demo,
        "measured_tier": node.measured_tier,
    }


def summary_of(node: Node) -> dict[str, Any]:
    """Return what a list of nodes shows of `node`, as plain JSON."""
    whole = document_of(node)
    return {name: whole[name] for name in _SUMMARY}


def _model_text(model: ModelStatus) -> str:
    return model.name if model.version is None else f"{model.name}:{model.version}"


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
