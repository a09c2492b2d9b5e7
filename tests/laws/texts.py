"""Every text a person reads, collected from the source: what a language must have an entry for.

Run `python -m tests.laws.texts de` for those without one, as JSON to be filled in.
"""

import ast
import json
import sys

from app.engine.base.errors import TREE
from app.engine.base.text import read_catalogue
from tests.laws.tree import dotted, files, name_of, nodes_of

ERRORS = frozenset(kind.__name__ for kind in TREE)


def texts() -> dict[str, str]:
    """Return each text with the place it was first seen at."""
    found: dict[str, str] = {}
    for path in files("app"):
        for node in nodes_of(path):
            if isinstance(node, ast.Call):
                for text in _texts_of(node):
                    found.setdefault(text, f"{name_of(path)}:{node.lineno}")
    for text in (*_rows(), *(kind.title for kind in TREE)):
        found.setdefault(text, "tables")
    return {text: place for text, place in found.items() if any(letter.isalpha() for letter in text)}


def _texts_of(call: ast.Call):
    name = dotted(call.func).rpartition(".")[2]
    if name == "tr" and call.args:
        yield from _literals(call.args[0])
    elif name == "Finding":  # the reason of a task's verdict
        yield from (text for arg in call.args for text in _literals(arg) if " " in text)
    elif name == "bad":  # the reason after file and line, of whoever reads a file
        yield from (text for arg in call.args for text in _literals(arg))
    elif name in ERRORS and call.args:
        yield from _literals(call.args[0])
        yield from (text for word in call.keywords if word.arg == "hint" for text in _literals(word.value))


def _literals(node: ast.AST):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_literals(node.body), *_literals(node.orelse))


def _rows():
    from app.commands.table import command_table
    from app.engine.base.settings import ROWS
    from app.engine.circuits.tasks.registry import TASKS
    from app.engine.control.records import KINDS as RESOURCES
    from app.engine.control.records import MODES, REASONS
    from app.engine.control.stats import VERDICTS
    from app.engine.qubo.comparisons.work import REFERENCES
    from app.engine.qubo.domain.methods import NAMES as METHODS
    from app.engine.qubo.problems.registry import KINDS
    from app.engine.qubo.solvers import cards
    from app.views.shell.fields import words_of

    for row in command_table():
        yield from (row.title, row.help, *(text for arg in row.args for text in _said(arg)))
    yield from (text for row in ROWS for text in _said(row))
    for resource in RESOURCES.values():
        yield resource.unit
    yield from (*MODES, *REASONS, *VERDICTS)
    for kind in KINDS.values():
        yield from (kind.title, kind.help, kind.formats, kind.columns, *kind.methods)
    yield from (*METHODS, *REFERENCES)
    for card in cards():
        yield from (card.title, card.help, *(text for arg in card.options for text in _said(arg)))
    for task in TASKS.values():
        yield from (task.title, task.about, *task.steps, task.error_means, task.confidence_means)
        yield from (text for param in task.params for text in (words_of(param.name), param.help))


def _said(arg):
    """Yield what a form says of an argument; units of the SI are the same everywhere."""
    from app.views.shell.fields import words_of

    yield from (words_of(arg.name, arg.unit), arg.help, arg.blank)
    if len(arg.unit) > 3 and arg.unit.isalpha():
        yield arg.unit


def missing(code: str) -> dict[str, str]:
    """Return the texts the language `code` has no entry for, with their places."""
    have = read_catalogue(code)
    return {text: place for text, place in texts().items() if text not in have}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(dict.fromkeys(missing(sys.argv[1]), ""), indent=0, ensure_ascii=False) + "\n")
