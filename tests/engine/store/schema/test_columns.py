import pytest
from sqlalchemy import Table

from app.engine.store.schema import MERGE_KINDS, STAMPS, metadata

SYNCED = {
    "edge_nodes", "edge_layers", "edge_twins", "saved_views", "edge_deployments", "model_versions", "qubo_runs", "circuit_runs", "task_runs", "learning_runs", "learning_rounds",
    "control_runs", "qubo_comparisons", "quantum_tasks", "quantum_executions", "quantum_optimizations", "sync_conflicts",
    "federated_training_sessions", "federated_updates",
}  # fmt: skip


@pytest.mark.parametrize("table", metadata.tables.values(), ids=lambda table: table.name)
def test_every_column_says_how_it_merges(table: Table) -> None:
    assert {column.name for column in table.columns if column.info.get("merge") not in MERGE_KINDS} == set()


@pytest.mark.parametrize("table", metadata.tables.values(), ids=lambda table: table.name)
def test_a_column_that_may_not_be_null_has_a_default_or_is_part_of_the_key(table: Table) -> None:
    assert [c.name for c in table.columns if not (c.nullable or c.primary_key or c.default is not None)] == []


def test_exactly_the_tables_meant_to_travel_are_synced() -> None:
    assert {table.name for table in metadata.tables.values() if table.info["synced"]} == SYNCED


@pytest.mark.parametrize("name", sorted(SYNCED))
def test_a_synced_table_has_a_text_key_and_all_stamps(name: str) -> None:
    table = metadata.tables[name]
    assert [column.name for column in table.columns][: len(STAMPS)] == list(STAMPS)
    assert [column.name for column in table.primary_key.columns] == ["id"]
    assert table.c.id.info["merge"] == "append"
    assert table.c.base_version.info["merge"] == "local"


def test_what_only_this_machine_knows_of_a_node_stays_here() -> None:
    nodes = metadata.tables["edge_nodes"]
    assert {c.name for c in nodes.columns if c.info["merge"] == "local"} == {
        "base_version", "status", "last_heartbeat", "cursor_epoch", "cursor_seq", "home", "models",
    }  # fmt: skip
