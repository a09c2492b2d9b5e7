import hashlib
from pathlib import Path

import numpy as np
import pytest

from app.engine.base.contracts import SolverResult, never, silent
from app.engine.base.errors import BadInput
from app.engine.qubo.problems import registry, work
from app.engine.qubo.problems.work import look, solve

OPTIMA = {
    "maxcut": 38, "qubo": 12, "tsp": 170, "jobshop": 11, "flowshop": 11, "knapsack": 27, "coloring": 4, "partition": 3,
    "cover": 11, "qap": 590, "programme": 13, "facility": 73,
}  # fmt: skip


def run(told=None, **spec):
    report = silent if told is None else lambda *args: told.append(args)
    return solve({"seconds": 0.4, **spec}, 3, report, never)


@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_sample_is_solved_checked_and_drawn(kind):
    result = run(file=str(registry.sample_of(kind)))
    assert result["feasible"] is True
    assert result["verified"] is True
    assert result["violations"] == []
    assert result["problem"]["kind"] == kind
    assert result["picture"]["type"] in ("graph", "routes", "gantt", "frontier")
    problem = registry.read(registry.sample_of(kind).read_text("utf-8"), "x")
    assert problem.check(result["answer"]) == []
    assert problem.objective(result["answer"]) == pytest.approx(result["objective"])
    if kind in OPTIMA:
        assert result["objective"] == OPTIMA[kind]


def test_both_routes_are_compared_at_equal_time_and_the_better_one_is_named():
    result = run(file=str(registry.sample_of("tsp")), seconds=1.0)
    domain, qubo = result["routes"]
    assert (domain["route"], qubo["route"]) == ("domain", "qubo")
    assert "t equal time" in result["verdict"]
    assert result["objective"] == min(row["objective"] for row in result["routes"] if row["feasible"])
    assert result["penalties"][0]["weight"] == 49


def test_the_answer_and_each_route_leave_a_recipe_for_the_text_that_was_read():
    sample = str(registry.sample_of("tsp"))
    both, alone = run(file=sample, seconds=1.0), run(file=sample, seconds=0.5, route="qubo")
    assert both["replay"] == next(row["replay"] for row in both["routes"] if row["route"] == both["route"])
    digest = hashlib.sha256(Path(sample).read_bytes()).hexdigest()
    assert [row["replay"]["text_sha256"] for row in both["routes"]] == [digest, digest]
    assert ["work" in row["replay"] for row in both["routes"]] == [True, False]
    assert (both["why"] == "the method made for this kind of problem") == (both["route"] == "domain")
    assert [row["replay"] for row in alone["routes"]] == [alone["replay"]]


RING = "problem = coloring\ncolors = 2\nfrom,to\n" + "".join(f"{k},{k % 5 + 1}\n" for k in range(1, 6))
ODD = "min\n x\nst\n a: x + y = 1\n b: y + z = 1\n c: x + z = 1\nbinary\n x y z\nend\n"


@pytest.mark.parametrize("asked", [{"route": "qubo", "solver": "exact"}, {"route": "qubo"}, {}])
@pytest.mark.parametrize("text, named", [(RING, ["1 - 2", "2 - 3", "3 - 4", "4 - 5", "1 - 5"]), (ODD, ["a", "b", "c"])])
def test_a_problem_that_is_proved_infeasible_is_told_with_what_cannot_be_kept_together(text, named, asked):
    with pytest.raises(BadInput, match="t is infeasible: these cannot be kept together: ") as told:
        run(text=text, name="t", seconds=2.0, **asked)
    assert all(name in str(told.value) for name in named)


def test_what_no_method_knows_to_be_infeasible_is_told_with_what_the_nearest_breaks():
    text = ODD.replace(" x\n", " x + [ 2 x * y ] / 2\n", 1)
    with pytest.raises(BadInput, match=r"t is infeasible: the nearest answer there is breaks: [abc]"):
        run(text=text, name="t", solver="exact")


def test_without_a_feasible_answer_there_is_no_answer_and_no_bound_but_the_nearest_miss():
    seen = {"route": "qubo", "solver": "dwave-descent"}
    result = run(text=RING, name="t", **seen)
    assert (result["feasible"], result["objective"], result["answer"], result["bound"]) == (False, None, None, None)
    assert (result["gap"], result["proved"], result["verified"]) == (None, False, False)
    assert result["verdict"] == "In this time no feasible answer was found."
    assert len(result["nearest"]) == 5
    problem = registry.read(RING, "t", "coloring")
    assert problem.check(result["nearest"]) == result["violations"] != []
    assert result["routes"][0]["bound"] is None
    fine = run(text=RING.replace("colors = 2", "colors = 3"), name="t", **seen)
    assert (fine["feasible"], fine["nearest"]) == (True, None)


def test_one_route_can_be_asked_for():
    alone = run(file=str(registry.sample_of("cvrp")), route="domain")
    assert [row["route"] for row in alone["routes"]] == ["domain"]
    assert "sample" not in alone
    other = run(file=str(registry.sample_of("jobshop")), route="qubo", seconds=1.0)
    assert [row["route"] for row in other["routes"]] == ["qubo"]
    assert {"feasible", "objective", "violations"} <= set(other["samples"][0])
    with pytest.raises(BadInput, match="no method of its own"):
        run(file=str(registry.sample_of("maxcut")), route="domain")


def test_what_is_infeasible_is_told_with_the_constraints_in_conflict():
    text = "capacity = 3\nvehicles = 1\nname,x,y,demand\nd,0,0,0\na,1,1,5\nb,2,2,1\n"
    with pytest.raises(
        BadInput, match="infeasible: customer a needs 5, a vehicle carries 3; all demands are 6, and the fleet carries 3"
    ):
        run(text=text, name="t")


def test_a_problem_too_large_as_a_qubo_is_left_to_its_own_method():
    cities = "".join(f"c{k},{k * 37 % 101},{k * 53 % 97}\n" for k in range(400))
    result = run(text="name,x,y\n" + cities, name="big", seconds=1.0)
    assert result["routes"][1]["why_not"]
    assert "too large as a QUBO" in result["verdict"]
    assert result["feasible"]


def test_a_method_that_found_nothing_is_not_said_to_have_done_it():
    problem = registry.read(registry.sample_of("cvrp").read_text("utf-8"), "x")
    domain, none = {"solver": "ruin", "feasible": False, "objective": None}, work._Target(problem, None)
    qubo = {"solver": "", "feasible": False, "why_not": "too large"}
    assert "found no feasible answer" in work._verdict(problem, [domain, qubo], none, both=True)
    did = {**domain, "feasible": True, "objective": 5.0}
    assert "its own method did it" in work._verdict(problem, [did, qubo], none, both=True)


@pytest.mark.parametrize("kind", ["tsp", "cvrp", "jobshop", "flowshop", "qap", "portfolio"])
def test_a_method_ends_where_the_target_is_reached_and_the_qubo_is_not_tried(kind):
    # Without it the flow-shop would be searched for an hour, and others until their proofs and by the QUBO.
    result = run(file=str(registry.sample_of(kind)), seconds=7200.0, target=1e9)
    assert result["feasible"] is True
    assert [row["why_not"] for row in result["routes"]] == ["", "the target was reached before it"]
    assert "reached the target; the QUBO route was not taken" in result["verdict"]


def test_a_target_is_met_by_no_less_than_it_asks_for_in_the_sense_of_the_problem():
    highest = work._Target(registry.read(registry.sample_of("knapsack").read_text("utf-8"), "x"), 27)
    assert [highest.is_met(one) for one in (26, 27, 28, None)] == [False, True, True, False]
    least = work._Target(registry.read(registry.sample_of("tsp").read_text("utf-8"), "x"), 170)
    assert [least.is_met(one) for one in (171, 170, 169, None)] == [False, True, True, False]


def test_why_a_solver_was_taken_stands_in_its_route_and_beside_the_answer_that_is_its_own():
    result = run(file=str(registry.sample_of("cvrp")), seconds=1.0)
    domain, qubo = result["routes"]
    assert qubo["why"]
    assert qubo["why"] != domain["why"]
    assert result["why"] == (qubo if result["route"] == "qubo" else domain)["why"]
    assert run(file=str(registry.sample_of("maxcut")))["why"]


def test_progress_of_both_routes_is_one_line():
    told = []
    run(told, file=str(registry.sample_of("tsp")), seconds=0.6)
    shares = [done / total for done, total, *_ in told]
    assert shares == sorted(shares)
    assert shares[-1] <= 1.0
    assert told[-1][3]["problem_kind"] == "tsp"


def test_looking_tells_facts_penalties_and_picture_without_solving():
    told = look({"file": str(registry.sample_of("knapsack"))}, 0, silent, never)
    assert told["problem"]["facts"][0] == ["items", "8"]
    assert (told["n"], told["slack"], told["penalties"][0]["weight"]) == (12, 4, 11.0)
    assert told["method"] == "dynamic programming"
    assert told["picture"]["type"] == "gantt"
    bad = look({"text": "set,cost,elements\nA,1,x\n", "kind": "cover"}, 0, silent, never)
    assert bad["conflicts"] == []


def test_a_plain_graph_is_verified_from_the_words_of_its_file():
    result = run(text="3 2\n1 2 4\n2 3 -1\n", name="g")
    assert (result["objective"], result["answer"] in ([0, 1, 1], [1, 0, 0])) == (4, True)
    assert result["kind"] == "maxcut"


@pytest.mark.parametrize("kind", ["cvrp", "knapsack", "partition"])
def test_samples_that_break_constraints_tell_what_can_be_told_of_them(kind):
    problem = registry.read(registry.sample_of(kind).read_text("utf-8"), kind, kind)
    rng, judge = np.random.default_rng(4), work._Judge(problem)
    samples = np.vstack([rng.integers(0, 2, (6, problem.formulation.qubo.n)), np.zeros((1, problem.formulation.qubo.n))])
    samples = samples.astype(np.int8)
    rows, _ = judge.look(SolverResult(samples[0], 0.0, samples, problem.formulation.qubo.energies(samples), {}))
    assert any(not row["feasible"] for row in rows)
    assert len({tuple(row["terms"]) for row in rows}) == 1
    assert all(np.isfinite(list(row["terms"].values())).all() and row["terms"] for row in rows)
