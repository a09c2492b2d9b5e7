import ast
import re

from tests.laws.tree import dotted, files, findings, nodes_of, text_of

EVERYTHING = (*files("app", "outpost.py", "tests"), *files("benchmarks", "installers"))
# Put together here, so that this file is not its own finding.
MARKS = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK|NotImplemented" + r"Error)\b")
BROAD = {"", "Exception", "BaseException"}
SLEEPS = ("time.sleep", "sleep", "QTest.qSleep", "QTest.qWait", "qtbot.wait")


def test_nothing_is_left_unfinished():
    found = findings(EVERYTHING, lambda path: [line.strip() for line in text_of(path).splitlines() if MARKS.search(line)])
    assert found == {}


def _swallows(node):
    if isinstance(node, ast.ExceptHandler):
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type else [None]
        names = {dotted(kind) if kind is not None else "" for kind in kinds}
        silent = all(isinstance(step, (ast.Pass, ast.Continue)) or _is_ellipsis(step) for step in node.body)
        return silent and bool(names & BROAD)
    if isinstance(node, ast.Call) and dotted(node.func) in ("suppress", "contextlib.suppress"):
        return any(dotted(arg) in BROAD for arg in node.args)
    return False


def _is_ellipsis(step):
    return isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant)


def test_no_error_is_swallowed_whatever_it_is():
    assert findings(EVERYTHING, lambda path: [node.lineno for node in nodes_of(path) if _swallows(node)]) == {}


def _sleeps(path):
    return [node.lineno for node in nodes_of(path) if isinstance(node, ast.Call) and dotted(node.func) in SLEEPS]


def test_no_test_sleeps():
    assert findings(files("tests"), _sleeps) == {}
