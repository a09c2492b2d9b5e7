import inspect
import re

import pytest

from app.commands.table import command_table
from tests.laws.tree import ROOT, files, text_of

TABLE = command_table()
ROWS = tuple(TABLE)
TESTS = "\n".join(text_of(path) for path in files("tests") if "laws" not in path.parts)
MANUAL = ROOT / "docs" / "commands.md"
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)


def test_ids_and_aliases_are_unique_and_of_one_form():
    names = [name for row in ROWS for name in (row.id, *row.aliases)]
    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?", name)] == []


@every_row
def test_a_handler_takes_exactly_what_its_row_declares(row):
    assert inspect.iscoroutinefunction(row.run)
    # The first parameter is the call, or for a command of the process itself the home or the stage it works on.
    _, *parameters = inspect.signature(row.run).parameters.values()
    declared = [arg.name for arg in row.args]
    named = {p.name for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD}
    takes_more = len(named) < len(parameters)
    assert len(declared) == len(set(declared))
    assert named <= set(declared)
    assert takes_more or named == set(declared)


@every_row
def test_every_row_and_argument_is_explained(row):
    assert row.title
    assert row.help.endswith((".", "?"))
    assert row.returns or row.place.value == "process"
    assert [arg.name for arg in row.args if not arg.help.endswith(".")] == []


@every_row
def test_every_default_is_one_the_argument_would_take(row):
    for arg in row.args:
        if not arg.required and arg.default is not None:
            assert arg.take(arg.default) == arg.default


def test_every_command_is_in_the_manual():
    manual = MANUAL.read_text("utf-8")
    assert [row.id for row in ROWS if not re.search(rf"\b{re.escape(row.id.replace('.', ' '))}\b", manual)] == []


def _mentions(name):
    noun, _, verb = name.partition(".")
    return rf"\b{noun}(?:\.|\s|[\"'],\s*[\"']){verb}\b" if verb else rf"[\"']{noun}[\"']"


def test_every_command_is_covered_by_a_test():
    assert [row.id for row in ROWS if not re.search(_mentions(row.id), TESTS)] == []


def test_no_key_does_two_things():
    keys = [row.keys for row in ROWS if row.keys]
    assert len(keys) == len(set(keys))
