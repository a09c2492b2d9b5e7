import ast

from tests.laws.tree import files, lines_of, name_of, nodes_of, size_line, tree_of

SOURCE = (*files("app", "outpost.py"), *files("benchmarks", "installers"))
MOST_LINES, MOST_TEST_LINES, MOST_FUNCTION_LINES = 400, 600, 50


def test_no_source_file_is_longer_than_400_lines():
    assert {name_of(path): lines_of(path) for path in SOURCE if lines_of(path) > MOST_LINES} == {}


def test_no_test_file_is_longer_than_600_lines():
    assert {name_of(path): lines_of(path) for path in files("tests") if lines_of(path) > MOST_TEST_LINES} == {}


def test_no_function_is_longer_than_50_lines():
    long = {
        f"{name_of(path)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path in SOURCE
        for node in nodes_of(path)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno - node.lineno >= MOST_FUNCTION_LINES
    }
    assert long == {}


def test_the_median_file_is_reported(record_property):
    record_property("sizes", size_line())
    assert "median" in size_line()


def test_every_module_says_what_it_is_for():
    assert [name_of(path) for path in SOURCE if lines_of(path) > 1 and not ast.get_docstring(tree_of(path))] == []
