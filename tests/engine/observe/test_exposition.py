import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.engine.observe.exposition import FAMILIES, Sample, of_control, of_fleet, of_jobs, render

DASHBOARDS = sorted((Path(__file__).resolve().parents[3] / "resources" / "dashboards").glob("*.json"))
UNITS = ("_seconds", "_ratio", "_count", "_size", "_total", "_bytes")


def test_names_carry_units_and_only_counters_end_in_total():
    for name, (kind, told) in FAMILIES.items():
        assert name.startswith("outpost_")
        assert name.endswith(UNITS)
        assert (kind == "counter") == name.endswith("_total")
        assert told.endswith(".")


def test_text_is_grouped_and_labels_are_escaped():
    text = render([
        Sample("outpost_jobs_workers_count", 2), Sample("outpost_fleet_cpu_ratio", 0.5, (("node", 'a"b\\c\nd'),)),
        Sample("outpost_fleet_cpu_ratio", float("nan"), (("node", "x"),)),
    ])  # fmt: skip
    assert text.count("# TYPE outpost_fleet_cpu_ratio gauge") == 1
    assert 'outpost_fleet_cpu_ratio{node="a\\"b\\\\c\\nd"} 0.5\n' in text
    assert 'outpost_fleet_cpu_ratio{node="x"} NaN\n' in text
    with pytest.raises(KeyError):
        render([Sample("outpost_other", 1)])


def test_controllers_nodes_and_jobs_are_told():
    run = SimpleNamespace(id="r1", job_id="j1", source="threadpool", state="running")
    job = SimpleNamespace(id="j1", kind="control", state="running", partial={"size": 7.0, "wait_s": 0.25, "reason": "law"})
    node = SimpleNamespace(name="n1", state=SimpleNamespace(value="online"), cpu_ratio=0.5, mem_ratio=None, latency_p99_s=0.01,
                           error_ratio=0.0, inference_count=12, last_heartbeat_us=1_000_000)  # fmt: skip
    text = render([*of_control([run], {"j1": job}), *of_fleet([node], 3_000_000), *of_jobs([job], 1)])
    for line in (
        'outpost_control_applied_size{controller="r1",resource="threadpool"} 7.0',
        'outpost_control_wait_seconds{controller="r1",resource="threadpool"} 0.25',
        'outpost_control_runs_count{state="running"} 1.0',
        'outpost_fleet_nodes_count{state="online"} 1.0',
        'outpost_fleet_inferences_total{node="n1"} 12.0',
        'outpost_fleet_heartbeat_age_seconds{node="n1"} 2.0',
        'outpost_jobs_count{kind="control",state="running"} 1.0',
    ):
        assert line + "\n" in text
    assert "memory_ratio{" not in text


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_use_only_metrics_there_are(path):
    board = json.loads(path.read_text("utf-8"))
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    used = {name for expression in expressions for name in re.findall(r"outpost_\w+", expression)}
    assert used
    assert used <= set(FAMILIES)
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))


def test_every_metric_is_on_a_dashboard():
    shown = " ".join(path.read_text("utf-8") for path in DASHBOARDS)
    assert [name for name in FAMILIES if name not in shown] == []
