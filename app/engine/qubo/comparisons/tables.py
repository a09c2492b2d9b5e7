"""A comparison as rows of the tables quantum_tasks, quantum_executions and quantum_optimizations."""

from collections.abc import Mapping
from typing import Any

from app.engine.base.ids import new_id

_FLAG = {"yes": 1, "no": 0}


def rows_of(run_id: str, result: Mapping[str, Any], now_us: int) -> list[tuple[str, dict[str, Any]]]:
    """Return (table, row) for the task, an execution per solver, and the outcome; the advantage is null while undecided.

    Costs are CPU seconds. `validation_status` tells that every energy was summed again, and that the solvers are classical:
    the row speaks of an advantage of the first solver, whatever it runs on.
    """
    first, others = result["rows"][0], result["rows"][1:]
    baseline = min(others, key=lambda row: row["ttt99"] if row["ttt99"] is not None else float("inf"))
    task_id, processor = new_id(), result["machine"]["processor"]
    formulation = {"variables": result["n"], "couplings": result["edges"]} | {key: result[key] for key in ("name", "sense")}
    needed = {"threads": 1, "solvers": [row["label"] for row in result["rows"]]} | {
        key: result[key] for key in ("seconds", "runs")
    }
    task = {
        "id": task_id, "run_id": run_id, "task_type": "qubo", "problem_formulation": formulation,
        "quantum_provider": "classical", "quantum_circuit": None, "resource_requirements": needed,
        "status": "completed", "created_at": now_us,
    }  # fmt: skip
    executions = [
        {
            "id": new_id(), "task_id": task_id, "provider": row["label"], "quantum_processor": processor,
            "execution_time_ms": 1000 * row["wall_s"], "quantum_volume": None, "error_rate": 1.0 - row["success"],
            "result": {name: row[name] for name in ("success", "ttt99", "low", "high", "gap", "cost_per_success")},
            "cost_estimate": row["cpu_s"], "executed_at": now_us,
        }
        for row in result["rows"]
    ]  # fmt: skip
    outcome = {
        "id": new_id(), "task_id": task_id, "classical_baseline": _part(baseline), "quantum_solution": _part(first),
        "improvement_factor": result["views"]["wall"]["factor"], "problem_size": result["n"],
        "quantum_advantage": _FLAG.get(result["verdict"]),
        "validation_status": "energies verified; all solvers classical", "created_at": now_us,
    }  # fmt: skip
    return [
        ("quantum_tasks", task),
        *(("quantum_executions", row) for row in executions),
        ("quantum_optimizations", outcome),
    ]


def _part(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("solver", "setting", "success", "ttt99", "low", "high", "gap", "cost_per_success")}
