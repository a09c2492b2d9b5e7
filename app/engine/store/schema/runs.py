"""Tables of the domains: model versions, and one row per run of each kind of work."""

from typing import Any

from sqlalchemy import Column, Index, Table

from app.engine.store.schema.columns import document, real, synced, text, whole

MODEL_VERSIONS = synced(
    "model_versions",
    text("name"),
    whole("version"),
    text("artifact", "append"),
    whole("size_bytes", "append"),
    document("metrics", default=dict),
    document("lineage", "append", dict),
    text("state", "guarded"),
    document("inputs", default=dict),
    text("file", "local", None),
    Index(None, "name", "version"),
    Index(None, "artifact"),
    lasting=True,
)


def run_columns() -> tuple[Column[Any], ...]:
    """Return the columns that every table of runs has."""
    return (
        text("job_id"),
        text("title"),
        text("source", "append"),
        document("spec", "append", dict),
        document("result"),
        text("state"),
    )


def _runs(name: str) -> Table:
    return synced(name, *run_columns(), Index(f"ix_{name}_created_us", "created_us"))


QUBO_RUNS = _runs("qubo_runs")
CIRCUIT_RUNS = _runs("circuit_runs")
TASK_RUNS = _runs("task_runs")
LEARNING_RUNS = _runs("learning_runs")
CONTROL_RUNS = _runs("control_runs")

LEARNING_ROUNDS = synced(
    "learning_rounds",
    text("run_id", "append"),
    whole("round", "append"),
    real("accuracy", "append"),
    real("loss", "append"),
    document("details", "append", dict),
    Index(None, "run_id", "round"),
)
