"""Comparisons of solvers: their runs, tasks, executions and what came of them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005_quantum"
down_revision: str | None = "0004_rollouts"
branch_labels: str | None = None
depends_on: str | None = None

_TABLES = ("qubo_comparisons", "quantum_tasks", "quantum_executions", "quantum_optimizations")


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _wholes(*names: str, null: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger(), nullable=null) for name in names]


def _reals(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Float(), nullable=True) for name in names]


def _documents(*names: str, null: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.JSON(), nullable=null) for name in names]


def _table(name: str, *columns: sa.Column[Any]) -> None:
    deleted = sa.Column("deleted_us", sa.BigInteger(), nullable=True)
    stamps = [*_texts("id"), *_wholes("created_us", "updated_us", "base_version"), *_texts("author"), deleted]
    op.create_table(name, *stamps, *columns, sa.PrimaryKeyConstraint("id", name=f"pk_{name}"))


def upgrade() -> None:
    """Make the tables."""
    _table(
        "qubo_comparisons", *_texts("job_id", "title", "source"), *_documents("spec"), *_documents("result", null=True),
        *_texts("state"),
    )  # fmt: skip
    op.create_index("ix_qubo_comparisons_created_us", "qubo_comparisons", ["created_us"])
    _table(
        "quantum_tasks", *_texts("run_id", "task_type"), *_documents("problem_formulation"), *_texts("quantum_provider"),
        *_documents("quantum_circuit", null=True), *_documents("resource_requirements"), *_texts("status"),
        *_wholes("created_at"),
    )  # fmt: skip
    op.create_index("ix_quantum_tasks_run_id", "quantum_tasks", ["run_id"])
    _table(
        "quantum_executions", *_texts("task_id", "provider", "quantum_processor"),
        *_reals("execution_time_ms", "quantum_volume", "error_rate"), *_documents("result"), *_reals("cost_estimate"),
        *_wholes("executed_at"),
    )  # fmt: skip
    op.create_index("ix_quantum_executions_task_id", "quantum_executions", ["task_id"])
    _table(
        "quantum_optimizations", *_texts("task_id"), *_documents("classical_baseline", "quantum_solution"),
        *_reals("improvement_factor"), *_wholes("problem_size"), *_wholes("quantum_advantage", null=True),
        *_texts("validation_status"), *_wholes("created_at"),
    )  # fmt: skip
    op.create_index("ix_quantum_optimizations_task_id", "quantum_optimizations", ["task_id"])


def downgrade() -> None:
    """Drop them."""
    for name in reversed(_TABLES):
        op.drop_table(name)
