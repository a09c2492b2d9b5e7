"""Metrics of controllers, fleet and jobs as Prometheus text (exposition format 0.0.4); names carry their units.

`FAMILIES` is the whole list; the dashboards in resources/dashboards may use nothing else.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

FAMILIES: Final[Mapping[str, tuple[str, str]]] = {
    "outpost_control_target_size": ("gauge", "Size a controller asks for, in its resource's unit."),
    "outpost_control_applied_size": ("gauge", "Size in force, in its resource's unit."),
    "outpost_control_force_size": ("gauge", "Size asked for less the size in force."),
    "outpost_control_queue_count": ("gauge", "Tasks that wait at a controlled resource."),
    "outpost_control_wait_seconds": ("gauge", "Wait of the tasks started last at a controlled resource."),
    "outpost_control_runs_count": ("gauge", "Runs of controllers and trials, by state."),
    "outpost_fleet_nodes_count": ("gauge", "Paired nodes, by state."),
    "outpost_fleet_cpu_ratio": ("gauge", "Processor use of a node, 0 to 1."),
    "outpost_fleet_memory_ratio": ("gauge", "Memory use of a node, 0 to 1."),
    "outpost_fleet_latency_p99_seconds": ("gauge", "99th percentile of inference latency of a node."),
    "outpost_fleet_error_ratio": ("gauge", "Share of inferences that failed on a node, 0 to 1."),
    "outpost_fleet_inferences_total": ("counter", "Inferences a node has served."),
    "outpost_fleet_heartbeat_age_seconds": ("gauge", "Time since a node last answered."),
    "outpost_jobs_count": ("gauge", "Jobs known to this process, by kind and state."),
    "outpost_jobs_workers_count": ("gauge", "Worker processes alive."),
}
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Sample:
    """One value of a family, with its labels."""

    family: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


def render(samples: Iterable[Sample]) -> str:
    """Return the text of `samples`, grouped by family in the order of `FAMILIES`; an unknown family raises `KeyError`."""
    groups: dict[str, list[Sample]] = {name: [] for name in FAMILIES}
    for sample in samples:
        groups[sample.family].append(sample)
    lines: list[str] = []
    for name, group in groups.items():
        if group:
            kind, told = FAMILIES[name]
            lines += [f"# HELP {name} {told}", f"# TYPE {name} {kind}"]
            lines += [f"{name}{_labels(one.labels)} {_number(one.value)}" for one in group]
    return "\n".join(lines) + "\n"


def _labels(labels: tuple[tuple[str, str], ...]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return repr(float(value)) if value == value else "NaN"  # noqa: PLR0124 - only NaN differs from itself


_CONTROL: Final = (
    ("target", "outpost_control_target_size"), ("size", "outpost_control_applied_size"),
    ("force", "outpost_control_force_size"),
    ("queue", "outpost_control_queue_count"), ("wait_s", "outpost_control_wait_seconds"),
)  # fmt: skip
_NODE: Final = (
    ("cpu_ratio", "outpost_fleet_cpu_ratio"), ("mem_ratio", "outpost_fleet_memory_ratio"),
    ("latency_p99_s", "outpost_fleet_latency_p99_seconds"), ("error_ratio", "outpost_fleet_error_ratio"),
    ("inference_count", "outpost_fleet_inferences_total"),
)  # fmt: skip


def of_control(runs: Iterable[Any], jobs: Mapping[str, Any]) -> list[Sample]:
    """Return the samples of control runs; `jobs` holds the live jobs by id."""
    runs = list(runs)
    found = [
        Sample("outpost_control_runs_count", count, (("state", state),))
        for state, count in sorted(Counter(run.state for run in runs).items())
    ]
    for run in runs:
        job = jobs.get(run.job_id)
        if job is not None:
            labels = (("controller", run.id), ("resource", run.source))
            found += [Sample(family, job.partial[key], labels) for key, family in _CONTROL if job.partial.get(key) is not None]
    return found


def of_fleet(nodes: Iterable[Any], now_us: int) -> list[Sample]:
    """Return the samples of nodes."""
    nodes = list(nodes)
    found = [
        Sample("outpost_fleet_nodes_count", count, (("state", state),))
        for state, count in sorted(Counter(str(node.state.value) for node in nodes).items())
    ]
    for node in nodes:
        labels = (("node", node.name),)
        found += [
            Sample(family, float(value), labels) for name, family in _NODE if (value := getattr(node, name, None)) is not None
        ]
        if node.last_heartbeat_us:
            found.append(Sample("outpost_fleet_heartbeat_age_seconds", max(0, now_us - node.last_heartbeat_us) / 1e6, labels))
    return found


def of_jobs(jobs: Iterable[Any], workers: int) -> list[Sample]:
    """Return the samples of jobs."""
    counted = Counter((job.kind, job.state) for job in jobs)
    found = [
        Sample("outpost_jobs_count", count, (("kind", kind), ("state", state)))
        for (kind, state), count in sorted(counted.items())
    ]
    return [*found, Sample("outpost_jobs_workers_count", workers)]
