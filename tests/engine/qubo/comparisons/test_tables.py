import pytest
import sqlalchemy

from app.engine.qubo.comparisons.report import page
from app.engine.qubo.comparisons.tables import rows_of
from app.engine.store.schema import metadata

# What the tables must hold at least, by the promise of the product.
REQUIRED = {
    "quantum_tasks": "task_type problem_formulation quantum_provider quantum_circuit resource_requirements status created_at",
    "quantum_executions": "task_id provider quantum_processor execution_time_ms quantum_volume error_rate result cost_estimate "
                          "executed_at",
    "quantum_optimizations": "classical_baseline quantum_solution improvement_factor problem_size quantum_advantage "
                             "validation_status created_at",
}  # fmt: skip


@pytest.mark.parametrize("table", REQUIRED)
def test_a_table_has_the_columns_that_were_promised_and_a_comparison_fills_them(result, table: str) -> None:
    wanted = set(REQUIRED[table].split())
    columns = {column.name: column for column in metadata.tables[table].columns}
    assert wanted <= set(columns)
    for name, row in rows_of("run", result, 5):
        if name == table:
            assert wanted <= set(row) <= set(columns)
    if table == "quantum_optimizations":
        assert columns["quantum_advantage"].nullable
        assert isinstance(columns["problem_size"].type, sqlalchemy.Integer)


@pytest.mark.parametrize("word, flag", [("yes", 1), ("no", 0), ("undecided", None)])
def test_a_comparison_becomes_a_task_its_executions_and_an_outcome(result, word: str, flag: int | None) -> None:
    made = rows_of("run", {**result, "verdict": word}, 5)
    assert [table for table, _ in made] == ["quantum_tasks", *["quantum_executions"] * 3, "quantum_optimizations"]
    task, outcome = made[0][1], made[-1][1]
    assert task["problem_formulation"] == {"variables": 100, "couplings": 200, "name": "<torus>", "sense": "max"}
    assert {row["task_id"] for _, row in made[1:]} == {task["id"]}
    assert outcome["quantum_advantage"] == flag
    assert outcome["problem_size"] == 100
    assert outcome["quantum_solution"]["solver"] == "anneal"
    assert outcome["classical_baseline"]["solver"] != "anneal"
    assert made[1][1]["error_rate"] == 1 - result["rows"][0]["success"]
    assert (task["quantum_provider"], task["quantum_circuit"]) == ("classical", None)
    assert outcome["validation_status"] == "energies verified; all solvers classical"


def test_a_simulated_solver_is_told_as_such_with_its_circuit(result) -> None:
    rows = [result["rows"][0], {**result["rows"][1], "solver": "qaoa", "options": {"layers": 3}}, *result["rows"][2:]]
    made = rows_of("run", {**result, "rows": rows}, 5)
    task, outcome = made[0][1], made[-1][1]
    assert task["quantum_provider"] == "simulated"
    assert task["quantum_circuit"] == {"algorithm": "qaoa", "qubits": 100, "layers": 3, "shots": 1000}
    assert outcome["validation_status"] == "energies verified; qaoa simulated, the others classical"
    assert [row["quantum_processor"].startswith("simulator on ") for _, row in made[1:-1]] == [False, True, False]
    assert "Simulated: qaoa; the others are classical." in page("t", {**result, "rows": rows}, 0)
    assert "All solvers are classical." in page("t", result, 0)
