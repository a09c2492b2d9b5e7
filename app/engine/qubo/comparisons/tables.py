"""A comparison as rows of the tables quantum_tasks, quantum_executions and quantum_optimizations."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.engine.base.ids import new_id
from app.engine.qubo import solvers

_FLAG = {"yes": 1, "no": 0}


def rows_of(run_id: str, result: Mapping[str, Any], now_us: int) -> list[tuple[str, dict[str, Any]]]:
    """Return (table, row) for the task, an execution per solver, and the outcome; the advantage is null while undecided.

    Costs are CPU seconds. `validation_status` tells that every energy was summed again, and which solvers are simulated, none
    or some: the row speaks of an advantage of the first solver, whatever it runs on. The circuit is that of a simulated one.
    """
    first, others = result["rows"][0], result["rows"][1:]
    baseline = min(others, key=lambda row: row["ttt99"] if row["ttt99"] is not None else float("inf"))
    task_id, processor = new_id(), result["machine"]["processor"]
    simulated = solvers.simulated(row["solver"] for row in result["rows"])
    circuit = next((_circuit(row, result["n"]) for row in result["rows"] if row["solver"] in simulated), None)
    formulation = {"variables": result["n"], "couplings": result["edges"]} | {key: result[key] for key in ("name", "sense")}
    needed = {"threads": 1, "solvers": [row["label"] for row in result["rows"]]} | {
        key: result[key] for key in ("seconds", "runs")
    }
    task = {
        "id": task_id, "run_id": run_id, "task_type": "qubo", "problem_formulation": formulation,
        "quantum_provider": "simulated" if simulated else "classical", "quantum_circuit": circuit,
        "resource_requirements": needed, "status": "completed", "created_at": now_us,
    }  # fmt: skip
    executions = [
        {
            "id": new_id(), "task_id": task_id, "provider": row["label"],
            "quantum_processor": f"simulator on {processor}" if row["solver"] in simulated else processor,
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
        "validation_status": f"energies verified; {_on_what(simulated)}", "created_at": now_us,
    }  # fmt: skip
    return [
        ("quantum_tasks", task),
        *(("quantum_executions", row) for row in executions),
        ("quantum_optimizations", outcome),
    ]


def _circuit(row: Mapping[str, Any], qubits: int) -> dict[str, Any]:
    """Return the circuit of a solver: a qubit for each variable, and the options it was given, or has by itself."""
    card = next(card for card in solvers.cards() if card.name == row["solver"])
    return {"algorithm": row["solver"], "qubits": qubits, **{arg.name: arg.default for arg in card.options}, **row["options"]}


def _on_what(simulated: Sequence[str]) -> str:
    return f"{', '.join(simulated)} simulated, the others classical" if simulated else "all solvers classical"


def _part(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("solver", "setting", "success", "ttt99", "low", "high", "gap", "cost_per_success")}
