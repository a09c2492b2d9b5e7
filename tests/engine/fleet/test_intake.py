import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import Offline
from app.engine.fleet.health import Health
from app.engine.fleet.intake import SERIES, document_of, fresh, heard, missed, node_of, rows_of, series_of, with_model
from app.engine.fleet.records import DEMO_SITES, Node, demo_name, demo_site
from app.engine.link.records import Batch
from app.wire.status import ModelStatus, Status
from app.wire.telemetry import Measurement

NODE = Node("n1", "d" * 32, "north", "10.0.0.1:1")


def at(seq, **given):
    return Measurement(seq, seq * 1_000_000, **given)


@given(st.integers(0, 50), st.integers(0, 50))
def test_only_what_is_after_the_cursor_is_fresh_within_an_epoch(have, seq):
    items = [at(n) for n in range(1, have + 1)]
    assert [item.seq for item in fresh(items, "e", "e", seq)] == list(range(seq + 1, have + 1))
    assert fresh(items, "new", "e", seq) == tuple(items)


def test_what_a_node_tells_of_its_models_is_kept_until_it_tells_more():
    told = {"digits": {"inference_count": 3, "latency_us": {"33": 3}}}
    fresh_one = heard(NODE, Batch("n1", 1, "e", 1), [at(1, metrics={"models": told})])
    assert document_of(fresh_one)["serving"] == told
    assert heard(fresh_one, Batch("n1", 2, "e", 2), [at(2)]).serving == told
    assert heard(fresh_one, Batch("n1", 2, "e", 2), [at(2, metrics={"models": 7})]).serving == told


def test_series_hold_nan_where_nothing_was_measured_and_over_a_silence():
    times, values = series_of([at(10, cpu_ratio=0.5), at(11), at(30, cpu_ratio=0.7)], 9.0, 5.0)
    assert times.tolist() == [10.0, 11.0, 16.0, 30.0]
    assert np.array_equal(values["cpu_ratio"], [0.5, np.nan, np.nan, 0.7], equal_nan=True)
    assert set(values) == set(SERIES)
    times, _ = series_of([at(100)], 9.0, 5.0)
    assert times.tolist() == [14.0, 100.0]
    assert series_of([], None, 5.0)[0].shape == (0,)


def test_rows_hold_the_columns_of_the_issue():
    item = at(3, cpu_ratio=0.5, latency_mean_s=0.002, error_ratio=0.25, inference_count=4, resources={"mem_bytes": 7.0})
    (row,) = rows_of("n1", "e", [item])
    assert (row["node_id"], row["epoch"], row["seq"], row["collected_at"]) == ("n1", "e", 3, 3_000_000)
    assert (row["average_latency_ms"], row["error_rate"], row["inference_count"]) == (2.0, 0.25, 4)
    assert row["metrics_snapshot"]["cpu_ratio"] == 0.5
    assert row["resource_usage"] == {"mem_bytes": 7.0}


def test_a_node_keeps_what_this_batch_did_not_measure():
    models = (ModelStatus("digits", 3), ModelStatus("draft"))
    status = Status("d" * 32, "north", "1", 5, 1, "e", 3, 0, 1.0, models=models)
    first = heard(NODE, Batch("n1", 50, "e", 2, status=status), [at(1, cpu_ratio=0.1, inference_count=2), at(2, mem_ratio=0.3)])
    assert (first.cpu_ratio, first.mem_ratio, first.inference_count, first.models) == (None, 0.3, 2, ("digits:3", "draft"))
    second = heard(first, Batch("n1", 60, "e", 3, round_trip_s=0.02), [at(3, cpu_ratio=0.2, inference_count=1)])
    assert (second.cpu_ratio, second.mem_ratio, second.inference_count, second.seq) == (0.2, 0.3, 3, 3)
    assert (second.last_heartbeat_us, second.as_of_us, second.round_trip_s) == (60, 3_000_000, 0.02)
    assert second.models == ("digits:3", "draft")


def test_a_failed_pull_changes_no_figure_but_tells_why():
    before = heard(NODE, Batch("n1", 50, "e", 1), [at(1, cpu_ratio=0.1)])
    after = missed(before, Batch("n1", 99, problem=Offline("{n} is away", n="north").problem()))
    assert after.trouble == "north is away"
    assert (after.cpu_ratio, after.last_heartbeat_us) == (0.1, 50)
    assert heard(after, Batch("n1", 100, "e", 1), []).trouble == ""


def test_a_row_with_an_unknown_status_is_still_a_node():
    row = {
        "id": "n1", "node_identifier": "d" * 32, "name": "north", "address": "a:1", "status": "hibernating", "site": "S",
        "location_lat": 1.0, "location_lon": None, "last_heartbeat": 7, "registered_at": 5, "labels": None,
        "hardware_profile": None, "connectivity_type": "", "home": None, "models": ["digits:2"],
        "cursor_epoch": "e", "cursor_seq": 4, "held": None, "tier": None, "link_bytes_s": None, "link_bytes_day": None,
    }  # fmt: skip
    node = node_of(row)
    assert (node.state, node.epoch, node.seq, node.demo, node.as_of_us) == (Health.UNKNOWN, "e", 4, False, 7)
    assert document_of(node)["state"] == "unknown"
    assert node.models == ("digits:2",)
    assert node_of({**row, "models": None}).models == ()


def test_a_version_takes_the_place_of_the_one_before():
    node = with_model(with_model(NODE, "digits", 1), "tiny", 3)
    assert with_model(node, "digits", 2).models == ("digits:2", "tiny:3")


def test_demo_nodes_have_names_and_six_real_sites():
    assert [demo_name(0), demo_name(11)] == ["node-01", "node-12"]
    assert [demo_site(index) for index in range(6)] == list(DEMO_SITES)
    assert demo_site(6).name == demo_site(0).name
    assert demo_site(6) != demo_site(0)
    assert all(-90 <= site.lat <= 90 and -180 <= site.lon <= 180 for site in DEMO_SITES)
