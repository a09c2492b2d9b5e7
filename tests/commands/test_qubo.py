from pathlib import Path
from types import SimpleNamespace

import pytest

from app.commands import qubo
from app.engine.base.command import CommandTable
from app.engine.base.errors import BadInput
from app.engine.qubo.records import SolverCard
from app.engine.qubo.solvers import NAMES

TABLE = CommandTable(qubo.ROWS)


class Wing:
    def __init__(self) -> None:
        self.given = {}

    async def solve(self, **args):
        self.given = args
        return {"objective": 1}

    async def compare(self, **args):
        self.given = args
        return {"verdict": "undecided"}

    async def replay(self, run_id, **by):
        return {"id": run_id, "same": True, **by}

    async def show(self, run_id):
        return {"id": run_id}

    async def warm(self, **by):
        return {"warmup_s": 0.5, **by}

    def solvers(self):
        return (SolverCard("a", "A", "Does it.", 5, "here"),)

    def sample(self):
        return {"file": "x"}


@pytest.fixture
def call():
    return SimpleNamespace(engine=SimpleNamespace(qubo=Wing()), actor="me@here", cause="why")


def test_the_choices_are_the_solvers_there_are() -> None:
    assert qubo.SOLVERS == NAMES


async def test_qubo_solve_hands_everything_on(call) -> None:
    row = TABLE.need("qubo.solve")
    assert await row.run(call, **row.take({"file": "g.txt", "seconds": "2", "seed": 9})) == {"objective": 1}
    assert call.engine.qubo.given == {
        "file": Path("g.txt"), "seconds": 2.0, "threads": 1, "seed": 9, "solver": "auto", "kind": "auto", "route": "auto", "sweeps": 0,
        "target": None, "options": "", "sense": "auto",
        "actor": "me@here", "cause": "why",
    }  # fmt: skip


@pytest.mark.parametrize("wrong", [{"seconds": 0}, {"threads": 0}, {"seed": -1}, {"solver": "magic"}, {"speed": 1}])
def test_qubo_solve_refuses_what_is_out_of_range(wrong) -> None:
    with pytest.raises(BadInput):
        TABLE.need("qubo.solve").take({"file": "g.txt", **wrong})


async def test_qubo_show_takes_the_id_of_a_run(call) -> None:
    assert await TABLE.need("qubo.show").run(call, id="7") == {"id": "7"}


async def test_qubo_runs_are_listed_as_an_object(call) -> None:
    call.engine.qubo.list_runs = lambda: [{"id": "7"}]
    assert await TABLE.need("qubo.runs").run(call) == {"runs": [{"id": "7"}]}


def test_what_a_person_reads_of_a_run_is_no_cut_json() -> None:
    run = {"id": "7", "title": "g", "outcome": "done", "result": {"objective": 3.0, "verified": True}}
    assert TABLE.need("qubo.show").words(run).splitlines() == ["g: done", "objective 3", "run 7"]


async def test_qubo_compare_hands_everything_on(call) -> None:
    row = TABLE.need("qubo.compare")
    assert await row.run(call, **row.take({"file": "g.txt", "runs": 50})) == {"verdict": "undecided"}
    given = call.engine.qubo.given
    assert (given["solvers"], given["runs"], given["target"], given["gap"]) == ("anneal;dwave-sa", 50, None, 0.003)
    assert (given["actor"], given["cause"]) == ("me@here", "why")


async def test_qubo_comparisons_are_listed_newest_first_and_reported(call, tmp_path) -> None:
    runs = [SimpleNamespace(id=str(k), title="t", state="done", result={"verdict": "yes"} if k else None) for k in range(2)]

    async def report(run_id, out, *, replace):
        return {"file": str(out), "id": run_id, "replace": replace}

    call.engine.qubo.comparisons = SimpleNamespace(records=runs, report=report)
    listed = (await TABLE.need("qubo.comparisons").run(call))["comparisons"]
    assert [(one["id"], one["verdict"]) for one in listed] == [("1", "yes"), ("0", None)]
    row = TABLE.need("qubo.report")
    told = await row.run(call, **row.take({"id": "1", "out": tmp_path / "r.html"}))
    assert told == {"file": str(tmp_path / "r.html"), "id": "1", "replace": False}


async def test_qubo_replay_takes_the_id_of_a_run(call) -> None:
    assert (await TABLE.need("qubo.replay").run(call, id="7"))["same"] is True


async def test_qubo_solvers_are_plain_data(call) -> None:
    (card,) = (await TABLE.need("qubo.solvers").run(call))["solvers"]
    assert card["name"] == "a"


async def test_qubo_sample_tells_a_path(call) -> None:
    assert await TABLE.need("qubo.sample").run(call) == {"file": "x"}


async def test_preparing_the_solvers_says_how_long_it_took(call) -> None:
    row = TABLE.need("qubo.warm")
    assert await row.run(call, **row.take({})) == {"warmup_s": 0.5, "actor": "me@here", "cause": "why"}
