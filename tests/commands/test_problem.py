from pathlib import Path
from types import SimpleNamespace

import pytest

from app.commands import problem, qubo
from app.engine.base.command import CommandTable
from app.engine.base.errors import BadInput
from app.engine.qubo.problems.registry import KINDS
from app.engine.qubo.problems.work import ROUTES

TABLE = CommandTable(problem.ROWS)


class Library:
    def __init__(self) -> None:
        self.given = {}

    async def list(self):
        return {"kinds": [], "kept": []}

    async def take(self, **args):
        self.given = args
        return {"file": "x"}

    async def show(self, **args):
        self.given = args
        return {"n": 3}


@pytest.fixture
def call():
    return SimpleNamespace(engine=SimpleNamespace(qubo=SimpleNamespace(problems=Library())), actor="me@here", cause="why")


def test_the_choices_are_the_kinds_and_routes_there_are() -> None:
    assert ("auto", *KINDS) == qubo.KINDS
    assert qubo.ROUTES == ROUTES


async def test_problem_list_is_an_object(call) -> None:
    assert await TABLE.need("problem.list").run(call) == {"kinds": [], "kept": []}


async def test_problem_import_hands_everything_on(call) -> None:
    row = TABLE.need("problem.import")
    assert await row.run(call, **row.take({"file": "g.txt", "kind": "tsp"})) == {"file": "x"}
    assert call.engine.qubo.problems.given == {
        "file": Path("g.txt"), "text": "", "kind": "tsp", "name": "", "replace": False, "sense": "auto",
        "actor": "me@here", "cause": "why",
    }  # fmt: skip
    with pytest.raises(BadInput):
        row.take({"kind": "magic"})


async def test_problem_show_takes_a_file_a_name_or_a_kind(call) -> None:
    row = TABLE.need("problem.show")
    assert await row.run(call, **row.take({"file": "tsp"})) == {"n": 3}
    assert call.engine.qubo.problems.given["file"] == "tsp"
    await row.run(call, **row.take({"file": "f.qubo", "sense": "max"}))
    assert call.engine.qubo.problems.given["sense"] == "max"
    with pytest.raises(BadInput):
        row.take({"file": "f.qubo", "sense": "most"})
