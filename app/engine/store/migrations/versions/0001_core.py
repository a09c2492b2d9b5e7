"""The first tables: jobs, audit, outbox, the fleet, models and the runs of every domain."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001_core"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers by itself only what is INTEGER

_RUNS = ("qubo_runs", "circuit_runs", "learning_runs", "control_runs")
_TABLES = (
    "meta", "jobs", "artifacts", "audit", "outbox", "edge_nodes", "edge_deployments", "edge_telemetry",
    "model_versions", *_RUNS, "learning_rounds",
)  # fmt: skip


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _wholes(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _reals(*names: str, null: bool = True) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Float(), nullable=null) for name in names]


def _documents(*names: str, null: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.JSON(), nullable=null) for name in names]


def _key(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), primary_key=True, nullable=False) for name in names]


def _stamps() -> list[sa.Column[Any]]:
    deleted = sa.Column("deleted_us", sa.BigInteger(), nullable=True)
    return [*_key("id"), *_wholes("created_us", "updated_us", "base_version"), *_texts("author"), deleted]


def _table(name: str, *columns: sa.Column[Any], **options: Any) -> None:
    key = [column.name for column in columns if column.primary_key]
    op.create_table(name, *columns, sa.PrimaryKeyConstraint(*key, name=f"pk_{name}"), **options)


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _core() -> None:
    _table("meta", *_key("id"), *_documents("value", null=True))
    _table(
        "jobs",
        *_key("id"),
        *_texts("kind", "target", "title", "state"),
        *_documents("spec"),
        *_wholes("seed", "created_us", "started_us", "ended_us"),
        *_reals("done", "total", null=False),
        *_texts("unit"),
        *_documents("partial"),
        *_documents("result", null=True),
        *_texts("artifact"),
        *_documents("error", null=True),
        *_texts("cause", "actor"),
    )
    _index("jobs", "state", "created_us")
    _index("jobs", "artifact")
    _table("artifacts", *_key("id"), *_texts("kind", "media_type"), *_wholes("size_bytes", "created_us"))
    _table(
        "audit",
        *_key("id"),
        *_wholes("at_us"),
        *_texts("actor", "command"),
        *_documents("args"),
        *_texts("cause", "outcome", "detail"),
        *_reals("duration_s"),
    )
    _index("audit", "at_us")
    _index("audit", "command", "at_us")
    _index("audit", "actor", "at_us")
    _table(
        "outbox",
        sa.Column("seq", _NUMBER, primary_key=True, autoincrement=True, nullable=False),
        *_texts("txn", "table_name", "row_id", "action"),
        *_documents("fields"),
        *_wholes("base_version", "at_us"),
        *_texts("actor", "cause"),
        sqlite_autoincrement=True,
    )


def _fleet() -> None:
    _table(
        "edge_nodes",
        *_stamps(),
        *_texts("node_identifier", "name", "address"),
        *_reals("location_lat", "location_lon"),
        *_documents("hardware_profile"),
        *_texts("connectivity_type", "status"),
        *_wholes("last_heartbeat", "registered_at"),
        *_texts("site"),
        *_documents("labels"),
        *_texts("certificate"),
        *_documents("identity"),
        *_texts("cursor_epoch"),
        *_wholes("cursor_seq"),
        *_texts("home"),
    )
    alive = sa.text("deleted_us IS NULL")
    op.create_index(
        "uq_edge_nodes_node_identifier",
        "edge_nodes",
        ["node_identifier"],
        unique=True,
        sqlite_where=alive,
        postgresql_where=alive,
    )
    _table(
        "edge_deployments",
        *_stamps(),
        *_texts("deployment_name", "model_id"),
        *_documents("target_nodes", "deployment_config"),
        *_texts("rollout_strategy", "status"),
        *_wholes("deployed_at"),
    )
    _table(
        "edge_telemetry",
        *_key("node_id", "epoch"),
        sa.Column("seq", sa.BigInteger(), primary_key=True, nullable=False),
        *_documents("metrics_snapshot"),
        *_wholes("inference_count"),
        *_reals("average_latency_ms", "error_rate"),
        *_documents("resource_usage"),
        *_wholes("collected_at"),
    )
    _index("edge_telemetry", "node_id", "collected_at")
    _index("edge_telemetry", "collected_at")


def _runs() -> None:
    _table(
        "model_versions",
        *_stamps(),
        *_texts("name"),
        *_wholes("version"),
        *_texts("artifact"),
        *_wholes("size_bytes"),
        *_documents("metrics", "lineage"),
        *_texts("state"),
        *_documents("inputs"),
    )
    _index("model_versions", "name", "version")
    _index("model_versions", "artifact")
    for name in _RUNS:
        documents = (*_documents("spec"), *_documents("result", null=True))
        _table(name, *_stamps(), *_texts("job_id", "title", "source"), *documents, *_texts("state"))
        _index(name, "created_us")
    _table(
        "learning_rounds",
        *_stamps(),
        *_texts("run_id"),
        *_wholes("round"),
        *_reals("accuracy", "loss"),
        *_documents("details"),
    )
    _index("learning_rounds", "run_id", "round")


def upgrade() -> None:
    """Make every table."""
    _core()
    _fleet()
    _runs()


def downgrade() -> None:
    """Drop every table; the file is empty afterwards."""
    for name in reversed(_TABLES):
        op.drop_table(name)
