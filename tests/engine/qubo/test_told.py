from app.engine.base.contracts import never, silent
from app.engine.qubo import told
from app.engine.qubo.problems import registry
from app.engine.qubo.problems.work import solve

RING = "problem = coloring\ncolors = 2\nfrom,to\n" + "".join(f"{k},{k % 5 + 1}\n" for k in range(1, 6))


def test_a_solved_problem_is_told_with_a_line_for_each_route():
    result = solve({"file": str(registry.sample_of("knapsack")), "seconds": 0.4}, 3, silent, never)
    lines = told.solved({"id": "7", **result}).splitlines()
    assert lines[0] == f"objective {result['objective']:g}"
    assert lines[1].startswith("answer [")
    assert lines[2] == "proved best, by dynamic programming"
    head, own, qubo = lines[-4:-1]
    assert head.split() == ["Solver", "Objective", "Gap", "Feasible", "Time", "Why"]
    assert own.startswith("dynamic programming  27 ")
    assert "yes" in own
    assert qubo.index("27") == own.index("27") == head.index("Objective")
    assert lines[-1] == "run 7"
    assert "{" not in "\n".join(lines)


def test_without_an_answer_what_the_nearest_breaks_is_told():
    result = solve({"text": RING, "name": "t", "route": "qubo", "solver": "dwave-descent", "seconds": 0.1}, 1, silent, never)
    lines = told.solved(result).splitlines()
    assert lines[0] == "no answer; the nearest breaks:"
    assert lines[1] == f"  {result['violations'][0]}"
    assert lines[-1].split()[-1] != "yes"
    assert " no " in lines[-1]


def test_a_run_is_told_with_its_state_and_a_cancelled_one_with_what_it_had():
    ended = {
        "id": "1",
        "title": "g, 5 s",
        "outcome": "infeasible",
        "result": {"feasible": False, "infeasible": "t is infeasible"},
    }
    assert told.run(ended).splitlines() == ["g, 5 s: infeasible", "no answer", "t is infeasible", "run 1"]
    partial = {"objective": 12.0, "solver": "anneal", "best_energy": -12.0}
    lines = told.run({**ended, "outcome": "cancelled", "result": partial}).splitlines()
    assert lines[:3] == ["g, 5 s: cancelled", "objective 12", "best so far, as the solver told it; not checked"]
    assert lines[4].split() == ["Annealing", "12", "–", "–", "–"]
    lines = told.run({**ended, "result": {**partial, "verified": True}}).splitlines()
    assert [len(lines), lines[3].split()[3]] == [5, "yes"]
    assert told.run({**ended, "outcome": "running", "result": None}).splitlines() == ["g, 5 s: running", "run 1"]


def test_a_comparison_is_told_with_its_verdict_and_a_line_for_each_solver():
    row = {"solver": "anneal", "setting": "as it comes", "success": 1.0, "ttt99": 0.2, "low": 0.1, "high": 0.3, "gap": 0.0}
    other = {**row, "solver": "dwave-sa", "setting": "sweeps 1000", "success": 0.0, "ttt99": None, "low": None, "high": None}
    lines = told.compared(
        {"id": "4", "rows": [row, other], "verdict": "undecided", "confidence": 0.5, "target": 12.5}
    ).splitlines()  # fmt: skip
    assert lines[0].startswith("verdict: undecided, 50")
    few = {"id": "4", "rows": [row, other], "verdict": "undecided", "confidence": 0.5, "target": 12.5, "runs": 8}
    assert told.compared(few).splitlines()[0] == "verdict: undecided, fewer than 15 runs decide nothing; target 12.5"
    assert [len(lines), lines[-1]] == [5, "run 4"]
    assert lines[3].index("sweeps 1000") == lines[2].index("as it comes")


def test_a_layout_is_told_without_its_chains():
    layout = {"topology": "pegasus", "size": 16, "used": 9, "qubits": 5640, "n": 8, "longest": 2, "mean": 1.125,
              "method": "minorminer", "why": "shorter", "chains": [[1]]}  # fmt: skip
    assert told.embedded(layout).splitlines() == [
        "pegasus 16: 9 of 5640 qubits for 8 variables", "longest chain 2, mean 1.125; minorminer", "shorter",
    ]  # fmt: skip
