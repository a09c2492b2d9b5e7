"""The source tree as the laws see it: files, syntax trees, and the names a file imports."""

import ast
import functools
import statistics
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def files(*folders: str) -> tuple[Path, ...]:
    """Return the Python files under `folders` of the repository, in order."""
    found: list[Path] = []
    for folder in folders:
        place = ROOT / folder
        found += [place] if place.is_file() else sorted(place.rglob("*.py"))
    return tuple(found)


def name_of(path: Path) -> str:
    """Return the path within the repository, with forward slashes."""
    return path.relative_to(ROOT).as_posix()


@functools.cache
def text_of(path: Path) -> str:
    return path.read_text("utf-8")


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path), str(path))


@functools.cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree_of(path)))


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, module) for every import in a file, those inside functions too."""
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def dotted(node: ast.AST) -> str:
    """Return a.b.c for a name or an attribute chain, else the last attribute alone, else nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else node.attr
    return ""


def findings(paths: tuple[Path, ...], look: Callable[[Path], Iterable[object]]) -> dict[str, list[object]]:
    """Return what `look` finds in each file, for the files where it finds something."""
    return {name_of(path): found for path in paths if (found := list(look(path)))}


def lines_of(path: Path) -> int:
    return len(text_of(path).splitlines())


def size_line() -> str:
    """Return the median and the largest file of the program, for the summary of a test run."""
    sizes = {path: lines_of(path) for path in files("app")}
    if not sizes:
        return "no source files"
    largest = max(sizes, key=lambda path: sizes[path])
    median = statistics.median(size for size in sizes.values() if size > 3)
    return f"source files: {len(sizes)}, median {median:.0f} lines, longest {name_of(largest)} with {sizes[largest]}"
