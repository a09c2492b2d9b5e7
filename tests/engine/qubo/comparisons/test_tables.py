import pytest

from app.engine.qubo.comparisons.tables import rows_of


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
