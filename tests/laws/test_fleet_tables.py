"""The tables of the fleet hold at least the columns that were asked for; names are part of what others build on."""

import pytest

from app.engine.store.schema import metadata

ASKED = {
    "edge_nodes": "node_identifier location_lat location_lon hardware_profile connectivity_type status last_heartbeat registered_at",
    "edge_deployments": "deployment_name model_id target_nodes deployment_config rollout_strategy status deployed_at",
    "edge_telemetry": (
        "node_id metrics_snapshot inference_count average_latency_ms error_rate resource_usage collected_at"
    ),
}  # fmt: skip


@pytest.mark.parametrize("table", ASKED)
def test_a_table_of_the_fleet_has_every_column_asked_for(table):
    assert set(ASKED[table].split()) - set(metadata.tables[table].c.keys()) == set()
