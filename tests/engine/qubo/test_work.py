from pathlib import Path

import pytest

from app.engine.base.contracts import never, silent
from app.engine.base.errors import BadInput
from app.engine.qubo import work
from app.engine.qubo.work import solve, warm

DATA = Path(__file__).parents[3].parent / "shared" / "data"
CORNERS = [(a, a ^ (1 << k)) for a in range(8) for k in range(3) if a < a ^ (1 << k)]
CUBE = "8 12\n" + "".join(f"{a + 1} {b + 1} 1\n" for a, b in CORNERS)


def run(told=None, **spec):
    report = silent if told is None else lambda *args: told.append(args)
    return solve({"solver": "anneal", "seconds": 0.3, **spec}, 3, report, never)


def test_a_cube_is_cut_through_all_its_edges_and_the_answer_is_verified() -> None:
    result = run(text=CUBE)
    assert result["objective"] == 12
    assert result["energy"] == -12
    assert (result["n"], result["edges"], result["solver"], result["verified"]) == (8, 12, "anneal", True)
    assert sorted(result["sample"]) == list("00001111")
    assert (result["samples"][0]["energy"], result["samples"][0]["objective"]) == (-12.0, 12.0)
    assert [row["distance"] for row in result["samples"][:2]] == [0, 0]
    assert result["landscape"]["mirrored"]
    assert result["trace"][-1][1] == -12.0
    assert result["warmup_s"] >= 0


def test_the_best_energy_travels_with_the_progress() -> None:
    told = []
    run(told, text=CUBE)
    done, total, unit, partial, samples = told[-1]
    assert unit == "s"
    assert done <= total * 2
    assert partial == {"best_energy": -12.0, "objective": 12.0, "solver": "anneal"}
    assert samples["best_energy"][0][1] == samples["best_energy:anneal"][0][1] == -12.0
    assert len(told) >= 2


def test_auto_says_what_it_chose_and_why() -> None:
    result = run(text=CUBE, solver="auto")
    assert result["solver"] == "exact"
    assert "every state" in result["why"]


def test_equal_seeds_and_sweeps_give_equal_answers() -> None:
    one, other = (run(text=CUBE, options={"sweeps": 20}) for _ in range(2))
    assert one["sample"] == other["sample"]
    assert one["samples"] == other["samples"]


def test_a_target_ends_the_search_early() -> None:
    result = run(text=CUBE, seconds=3600, target=12.0)
    assert result["objective"] == 12
    assert result["wall_s"] < 1800


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    for told, sense, objective, samples in (
        ("", "min", -1, {"010", "011"}), ("c sense = max\n", "max", 7, {"101"}),
    ):  # fmt: skip
        (tmp_path / "q").write_text(told + "p qubo 0 3 2 1\n0 0 4\n1 1 -1\n0 2 3\n")
        result = run(file=str(tmp_path / "q"))
        assert (result["objective"], result["sense"]) == (objective, sense)
        assert result["sample"] in samples


def test_a_malformed_file_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "g").write_text("3 1\n1 x 1\n")
    with pytest.raises(BadInput, match=r"g, line 2: expected a whole number from 1 to 3, found 'x'"):
        run(file=str(tmp_path / "g"))
    with pytest.raises(BadInput, match="Give a file"):
        run()


@pytest.mark.parametrize("name", ["dwave-sa", "dwave-tabu", "dwave-descent", "exact"])
def test_every_solver_runs_as_a_job(name: str) -> None:
    assert run(text=CUBE, solver=name)["objective"] == 12


def test_beasleys_smallest_problem_reaches_its_published_value() -> None:
    path = DATA / "qubo" / "bqp50_1.qubo"
    if not path.exists():
        pytest.skip("shared data absent")
    assert run(file=str(path))["objective"] == 2098


def test_the_kernels_can_be_compiled_ahead() -> None:
    assert warm({}, 0, silent, never)["warmup_s"] >= 0


def test_a_long_trace_is_thinned_but_keeps_its_ends() -> None:
    from app.engine.qubo.problem import build
    from app.engine.qubo.work import _Trace

    trace = _Trace(build([1.0], ([], [], [])), "x", silent)
    for k in range(2000):
        trace.take(k, 2000, "s", {"best_energy": -float(k)})
    trace.close(9.0, -1999.0)
    points = trace.thinned()
    assert len(points) == 500
    assert (points[0][1], points[-1]) == (0.0, [9.0, -1999.0])


def test_the_compiler_is_loaded_before_the_set_up_that_counts_as_time_of_the_search(monkeypatch) -> None:
    order = []
    load, set_up = work.importlib.import_module, work._set_up
    monkeypatch.setattr(work.importlib, "import_module", lambda name: [order.append(name), load(name)][1])
    monkeypatch.setattr(work, "_set_up", lambda *given: [order.append("set up"), set_up(*given)][1])
    result = run(text=CUBE, solver="tabu")
    assert order[:2] == ["app.engine.qubo.tabu_kernel", "set up"]
    assert result["warmup_s"] > 0
