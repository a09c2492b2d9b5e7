"""A comparison as rows of the tables quantum_tasks, quantum_executions and quantum_optimizations."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.engine.base.ids import new_id
from app.engine.qubo import solvers

_FLAG = {"yes": 1, "no": 0}


def rows_of(run_id: str, result: Mapping[str, Any], now_us: int) -> list[tuple[str, dict[str, Any]]]:
    """Return (table, row) for the task, an execution per solver, and the outcome; see `_outcome`.

    Costs are CPU seconds. `validation_status` tells that every energy was summed again, and which solvers are simulated, none
    or some. The circuit is that of a simulated one.
    """
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
        "id": new_id(), "task_id": task_id, "problem_size": result["n"], **_outcome(result, simulated),
        "validation_status": f"energies verified; {_on_what(simulated)}", "created_at": now_us,
    }  # fmt: skip
    return [
        ("quantum_tasks", task),
        *(("quantum_executions", row) for row in executions),
        ("quantum_optimizations", outcome),
    ]


def _outcome(result: Mapping[str, Any], simulated: Sequence[str]) -> dict[str, Any]:
    """Return the best simulated and the best classical row, how many times sooner the former was, and whether that is told.

    The verdict is about the first solver: where it is the simulated one its word is the advantage, where the simulated one
    is among the others a yes denies it, and a no grants it if there is no other. All else is null: a comparison among
    classical solvers knows no quantum advantage, whoever wins.
    """
    quantum = [row for row in result["rows"] if row["solver"] in simulated]
    classical = [row for row in result["rows"] if row["solver"] not in simulated]
    ours, theirs = (min(rows, key=_ttt, default=None) for rows in (quantum, classical))
    flag = _FLAG.get(result["verdict"]) if len(quantum) == 1 and classical else None
    if flag is not None and result["rows"][0]["solver"] not in simulated:
        flag = 0 if flag else (1 if len(classical) == 1 else None)
    known = ours is not None and theirs is not None and ours["ttt99"] and theirs["ttt99"] is not None
    return {
        "classical_baseline": {} if theirs is None else _part(theirs), "quantum_solution": {} if ours is None else _part(ours),
        "improvement_factor": theirs["ttt99"] / ours["ttt99"] if known and ours and theirs else None,
        "quantum_advantage": flag,
    }  # fmt: skip


def _ttt(row: Mapping[str, Any]) -> float:
    return float("inf") if row["ttt99"] is None else float(row["ttt99"])


def _circuit(row: Mapping[str, Any], qubits: int) -> dict[str, Any]:
    """Return the circuit of a solver: a qubit for each variable, and the options it was given, or has by itself."""
    card = next(card for card in solvers.cards() if card.name == row["solver"])
    return {"algorithm": row["solver"], "qubits": qubits, **{arg.name: arg.default for arg in card.options}, **row["options"]}


def _on_what(simulated: Sequence[str]) -> str:
    return f"{', '.join(simulated)} simulated, the others classical" if simulated else "all solvers classical"


def _part(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("solver", "setting", "success", "ttt99", "low", "high", "gap", "cost_per_success")}
