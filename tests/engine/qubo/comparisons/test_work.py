import json

import pytest

from app.engine.base.contracts import never, silent
from app.engine.base.errors import BadInput, Cancelled
from app.engine.qubo.comparisons.report import own_words
from app.engine.qubo.comparisons.settings import Setting
from app.engine.qubo.comparisons.work import Course, run, tuned
from app.engine.qubo.planted import torus
from app.engine.qubo.readers.gset import write

PROBLEM, BEST_CUT, _ = torus(20, 20, 3)
SPEC = {"text": write(PROBLEM), "name": "torus", "solvers": "anneal;dwave-descent", "seconds": 0.1, "runs": 15, "gap": 0.0}


def test_a_strong_solver_beats_a_weak_one_and_all_figures_are_plain_data() -> None:
    told = []
    result = run({**SPEC, "best_known": BEST_CUT}, 7, lambda *args: told.append(args), never)
    ours, theirs = result["rows"]
    assert (result["verdict"], result["target"], result["reference_kind"]) == ("yes", pytest.approx(BEST_CUT), "best known")
    assert ours["success"] == 1.0 > theirs["success"]
    assert ours["low"] <= ours["ttt99"] <= ours["high"]
    assert ours["gap"] == 0 < theirs["gap"]
    assert ours["cost_per_success"] > 0
    assert (told[-1][0], told[-1][1]) == (30, 30)
    assert told[-1][3]["best"]["anneal"] == BEST_CUT
    json.dumps(result, allow_nan=False)


def test_a_peer_is_tuned_on_seeds_of_its_own_and_the_setting_is_named() -> None:
    result = run({**SPEC, "solvers": "anneal;dwave-sa", "runs": 5}, 1, silent, never)
    taken = [one for one in result["tuning"] if one["taken"]]
    assert len(result["tuning"]) == 4
    assert result["rows"][1]["label"] == taken[0]["label"]
    assert "sweeps" in result["rows"][1]["setting"]


def test_the_setting_taken_is_the_one_that_comes_to_the_target_soonest() -> None:
    quick = Course([(0.1, 0.1, -9.0)], 1.0, 1.0, -9.0)
    thorough = Course([(0.9, 0.9, -10.0)], 1.0, 1.0, -10.0)
    missed = Course([(0.1, 0.1, -5.0)], 1.0, 1.0, -5.0)
    tried = [(Setting("dwave-sa", {"sweeps": n}), [course]) for n, course in ((1, missed), (2, quick), (3, thorough))]
    assert tuned(PROBLEM, tried, {"gap": 0.1}, 1.0)[0].options == {"sweeps": 2}
    assert tuned(PROBLEM, tried, {"gap": 0.0}, 1.0)[0].options == {"sweeps": 3}
    assert [one["mean_time_s"] for one in tuned(PROBLEM, tried, {"gap": 0.1}, 1.0)[1]] == [2.0, 0.1, 0.9]


def test_a_proved_optimum_is_the_reference() -> None:
    small = write(torus(4, 4, 1)[0])
    result = run({**SPEC, "text": small, "solvers": "anneal;exact", "tune": False}, 1, silent, never)
    assert result["reference_kind"] == "proved"
    assert [row["success"] for row in result["rows"]] == [1.0, 1.0]


def test_a_target_nobody_reaches_leaves_it_undecided() -> None:
    result = run({**SPEC, "target": 10_000.0, "tune": False}, 1, silent, never)
    assert result["verdict"] == "undecided"
    assert [row["ttt99"] for row in result["rows"]] == [None, None]


def test_a_stop_cancels_it() -> None:
    with pytest.raises(Cancelled):
        run(SPEC, 1, silent, lambda: True)


def test_one_solver_is_no_comparison() -> None:
    with pytest.raises(BadInput, match="at least two"):
        run({**SPEC, "solvers": "anneal"}, 1, silent, never)


PLACES = "name,x,y\n" + "".join(f"p{k},{(37 * k) % 50},{(23 * k) % 41}\n" for k in range(6))


def test_a_problems_own_method_runs_at_equal_time_and_what_it_proves_is_the_reference() -> None:
    spec = {**SPEC, "text": PLACES, "name": "places", "solvers": "anneal;dwave-descent", "seconds": 0.3, "tune": False}
    result = run({**spec, "runs": 5}, 3, silent, never)
    own = result["own_method"]
    assert own["best"] == own["median"] == pytest.approx(result["reference"])
    assert own["bound"] == pytest.approx(own["best"], rel=1e-5)
    assert result["reference_kind"] == "proved"
    assert all(row["gap"] >= -1e-9 for row in result["rows"])
    assert own["method"] in own_words(result)
    assert "No answer is below" in own_words(result)
    json.dumps(result, allow_nan=False)


def test_a_problem_without_a_method_of_its_own_gets_a_bound_from_its_eigenvalues(result) -> None:
    own = result["own_method"]
    assert (own["method"], own["best"]) == ("", None)
    assert own["bound"] >= result["reference"]
    assert own_words(result) == f"No answer is above {own['bound']:.0f}: proved by eigenvalues."


def test_an_impossible_problem_is_refused_with_its_conflict() -> None:
    text = "capacity = 3\nvehicles = 1\nname,x,y,demand\nd,0,0,0\na,1,1,5\n"
    with pytest.raises(BadInput, match="infeasible: customer a needs 5"):
        run({**SPEC, "text": text}, 1, silent, never)
