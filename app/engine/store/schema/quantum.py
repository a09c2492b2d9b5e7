"""Tables of comparisons: what was asked of which solvers, every solver's part, and what came of it."""

from sqlalchemy import Index

from app.engine.store.schema.columns import document, real, synced, text, whole
from app.engine.store.schema.runs import run_columns

COMPARISONS = synced("qubo_comparisons", *run_columns(), Index("ix_qubo_comparisons_created_us", "created_us"))

TASKS = synced(
    "quantum_tasks",
    text("run_id", "append"),
    text("task_type", "append"),
    document("problem_formulation", "append", dict),
    text("quantum_provider", "append"),
    document("quantum_circuit", "append"),
    document("resource_requirements", "append", dict),
    text("status"),
    whole("created_at", "append"),
    Index(None, "run_id"),
)

EXECUTIONS = synced(
    "quantum_executions",
    text("task_id", "append"),
    text("provider", "append"),
    text("quantum_processor", "append"),
    real("execution_time_ms", "append"),
    real("quantum_volume", "append"),
    real("error_rate", "append"),
    document("result", "append", dict),
    real("cost_estimate", "append"),
    whole("executed_at", "append"),
    Index(None, "task_id"),
)

# `quantum_advantage` is 1, 0, or null while undecided, or where nothing quantum was compared with anything classical.
OPTIMIZATIONS = synced(
    "quantum_optimizations",
    text("task_id", "append"),
    document("classical_baseline", "append", dict),
    document("quantum_solution", "append", dict),
    real("improvement_factor", "append"),
    whole("problem_size", "append"),
    whole("quantum_advantage", "append", None),
    text("validation_status"),
    whole("created_at", "append"),
    Index(None, "task_id"),
)
