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


@pytest.mark.parametrize("word", ["yes", "no", "undecided"])
def test_a_comparison_becomes_a_task_its_executions_and_an_outcome(result, word: str) -> None:
    made = rows_of("run", {**result, "verdict": word}, 5)
    assert [table for table, _ in made] == ["quantum_tasks", *["quantum_executions"] * 3, "quantum_optimizations"]
    task, outcome = made[0][1], made[-1][1]
    assert task["problem_formulation"] == {"variables": 100, "couplings": 200, "name": "<torus>", "sense": "max"}
    assert {row["task_id"] for _, row in made[1:]} == {task["id"]}
    assert (outcome["quantum_advantage"], outcome["quantum_solution"], outcome["improvement_factor"]) == (None, {}, None)
    assert outcome["problem_size"] == 100
    assert outcome["classical_baseline"]["solver"] in {row["solver"] for row in result["rows"]}
    assert made[1][1]["error_rate"] == 1 - result["rows"][0]["success"]
    assert (task["quantum_provider"], task["quantum_circuit"]) == ("classical", None)
    assert outcome["validation_status"] == "energies verified; all solvers classical"


def outcome_of(result, solvers: str, word: str) -> dict:
    """Return the outcome of a comparison of `solvers`, the later the slower."""
    rows = [{**result["rows"][0], "solver": name, "ttt99": 1.0 + k} for k, name in enumerate(solvers.split())]
    return rows_of("run", {**result, "rows": rows, "verdict": word}, 5)[-1][1]


@pytest.mark.parametrize(
    "solvers, word, flag",
    [
        ("qaoa anneal", "yes", 1), ("qaoa anneal", "no", 0), ("qaoa anneal", "undecided", None), ("qaoa anneal tabu", "yes", 1),
        ("anneal qaoa", "yes", 0), ("anneal qaoa", "no", 1), ("anneal qaoa", "undecided", None), ("anneal tabu", "yes", None),
        ("anneal qaoa tabu", "yes", 0), ("anneal qaoa tabu", "no", None), ("qaoa qaoa", "yes", None),
        ("qaoa qaoa anneal", "yes", None),
    ],
)  # fmt: skip
def test_a_quantum_advantage_is_that_of_a_simulated_solver_over_classical_ones(result, solvers, word, flag) -> None:
    outcome, names = outcome_of(result, solvers, word), solvers.split()
    assert outcome["quantum_advantage"] == flag
    assert outcome["quantum_solution"].get("solver") == ("qaoa" if "qaoa" in names else None)
    assert outcome["classical_baseline"].get("solver") == next((name for name in names if name != "qaoa"), None)


def test_the_improvement_is_how_many_times_sooner_the_simulated_solver_is(result) -> None:
    assert outcome_of(result, "qaoa anneal", "yes")["improvement_factor"] == 2.0
    assert outcome_of(result, "anneal qaoa", "yes")["improvement_factor"] == 0.5


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
