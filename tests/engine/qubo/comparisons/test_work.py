import json
import threading

import numpy as np
import pytest

from app.engine.base.contracts import SolverResult, never, silent
from app.engine.base.errors import BadInput, Cancelled
from app.engine.jobs.worker import LEFT_BEHIND
from app.engine.qubo.comparisons import work
from app.engine.qubo.comparisons.report import own_words, page
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
    assert tuned(PROBLEM, tried, -9.0, 1.0)[0].options == {"sweeps": 2}
    assert tuned(PROBLEM, tried, -10.0, 1.0)[0].options == {"sweeps": 3}
    assert [one["mean_time_s"] for one in tuned(PROBLEM, tried, -9.0, 1.0)[1]] == [2.0, 0.1, 0.9]


def test_what_a_run_leaves_behind_is_waited_for_and_counts_as_its_own(monkeypatch) -> None:
    going = threading.Event()

    class Leaving(Setting):
        def make(self, goal=None):
            solver = super().make(goal)
            threading.Thread(target=going.wait, name=LEFT_BEHIND, daemon=True).start()
            threading.Timer(0.2, going.set).start()
            return solver

    course = work._course(PROBLEM, Leaving("dwave-descent", {}), 0.01, 1, never)
    assert going.is_set()
    assert course.wall_s > max(point[0] for point in course.points)


def test_a_setting_whose_sweeps_do_not_fit_is_left_out_of_the_tuning() -> None:
    whole = Course([(0.9, 0.9, -9.0)], 1.0, 1.0, -9.0, sweeps=10)
    short = Course([(0.1, 0.1, -10.0)], 1.0, 1.0, -10.0, sweeps=10)
    tried = [(Setting("dwave-sa", {"sweeps": n}), [course]) for n, course in ((10, whole), (11, short))]
    taken, told = tuned(PROBLEM, tried, -9.0, 1.0)
    assert taken.options == {"sweeps": 10}
    assert [(one["taken"], one["left_out"]) for one in told] == [(True, False), (False, True)]
    page_says = page("cut", {**run({**SPEC, "runs": 2, "seconds": 0.01}, 1, silent, never), "tuning": told}, 0)
    assert "dwave-sa:sweeps=11: left out" in page_says
    none_fits = [(Setting("dwave-sa", {"sweeps": n}), [short]) for n in (11, 12)]
    assert tuned(PROBLEM, none_fits, -9.0, 1.0)[0].options == {"sweeps": 11}


class Scripted:
    """A solver whose answers and length are laid down: of `sweeps` it makes 5 at most."""

    def __init__(self, sample, sweeps: int = 0) -> None:
        self.sample, self.sweeps = sample, sweeps

    def solve(self, problem, budget, seed, report, stop) -> SolverResult:
        energy = problem.energy(self.sample)
        report(0.0, 1.0, "s", {"best_energy": energy})
        info = {"sweeps": min(self.sweeps, 5)} if self.sweeps else {}
        return SolverResult(self.sample, energy, self.sample[None], np.array([energy]), info)


def test_sweeps_that_were_cut_are_told_in_the_row_and_in_the_report(monkeypatch) -> None:
    zeros = np.zeros(PROBLEM.n, np.int8)
    monkeypatch.setattr(Setting, "make", lambda one, _goal=None: Scripted(zeros, one.options.get("sweeps", 0)))
    spec = {**SPEC, "solvers": "anneal;dwave-sa:sweeps=1000;replicas:sweeps=4", "runs": 2}
    result = run(spec, 1, silent, never)
    assert [row["least_sweeps"] for row in result["rows"]] == [None, 5, None]
    html = page("cut", result, 0)
    assert "sweeps 1000, cut to 5" in html
    assert html.count("cut to") == 1


def test_all_are_tuned_to_the_best_of_any_of_them(monkeypatch) -> None:
    # With the peer's own best as the target all of its settings hit at once, and the first would be taken.
    good, poor = Course([(0.1, 0.1, -10.0)], 1.0, 1.0, -10.0), Course([(0.1, 0.1, -8.0)], 1.0, 1.0, -8.0)
    late = Course([(0.1, 0.1, -8.0), (0.9, 0.9, -9.95)], 1.0, 1.0, -9.95)
    courses = {"anneal": good, "dwave-sa:sweeps=1000": poor, "dwave-sa:sweeps=3000": poor,
               "dwave-sa:sweeps=10000": late, "dwave-sa:sweeps=30000": poor}  # fmt: skip
    monkeypatch.setattr(work, "_course", lambda _problem, setting, *_, **__: courses[setting.label])
    monkeypatch.setattr(work, "_judge", lambda _problem, settings, *_, **__: {"taken": [one.label for one in settings]})
    told = []
    spec = {**SPEC, "solvers": "anneal;dwave-sa", "gap": 0.01, "runs": 2}
    result = run(spec, 1, lambda *args: told.append(args), never)
    assert result["taken"] == ["anneal", "dwave-sa:sweeps=10000"]
    assert (told[-1][0], told[-1][1]) == (3 + 12 + 4, 3 + 12 + 4)


def test_a_run_is_told_the_goal_that_the_ones_before_leave_it(monkeypatch) -> None:
    goals, energies = [], iter([-8.0, -10.0, -9.0, -9.0])

    def course(_problem, _setting, *_, goal):
        goals.append(goal)
        energy = next(energies)
        return Course([(0.1, 0.1, energy)], 1.0, 1.0, energy)

    monkeypatch.setattr(work, "_course", course)
    run({**SPEC, "solvers": "anneal;tabu", "gap": 0.1, "runs": 2}, 1, silent, never)
    assert goals == [None, pytest.approx(-7.2), pytest.approx(-9.0), pytest.approx(-9.0)]


def test_a_miss_costs_what_its_run_spent(monkeypatch) -> None:
    ends, goes_on = Course([(0.01, 0.01, -5.0)], 0.02, 0.01, -5.0), Course([(0.1, 0.1, -5.0)], 1.0, 0.5, -5.0)
    hit = Course([(0.3, 0.2, -9.0)], 1.0, 1.0, -9.0)
    assert work._times([ends, goes_on, hit], -9.0, 0, 1.0).spent.tolist() == [0.02, 1.0, 0.3]
    assert work._times([ends, goes_on, hit], -9.0, 1, 1.0).spent.tolist() == [0.01, 0.5, 0.2]


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
