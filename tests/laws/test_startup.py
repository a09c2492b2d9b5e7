import ast
import json
import os
import subprocess
import sys

import pytest

from tests.laws.tree import ROOT, files, imports_of, name_of, tree_of

HEAVY = (
    "PySide6", "pyqtgraph", "qasync", "qiskit", "qiskit_aer", "onnxruntime", "onnx", "scipy", "numba", "dimod", "dwave",
    "httpx", "sqlalchemy", "alembic", "uvicorn", "starlette", "zeroconf", "psutil", "cryptography",
)  # fmt: skip


def loaded_by(code):
    """Return the modules a fresh interpreter has loaded after `code`."""
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return {name.split(".")[0] for name in json.loads(ran.stdout.splitlines()[-1])} | set(
        json.loads(ran.stdout.splitlines()[-1])
    )


def test_the_command_line_starts_without_anything_heavy():
    code = "from app.cli import build_parser\nfrom app.commands.table import command_table\nbuild_parser(command_table())"
    assert loaded_by(code) & set(HEAVY) == set()


@pytest.mark.parametrize("module", ["app.engine.engine", "app.engine.start", "app.engine.circuits.service"])
def test_the_engine_is_importable_without_qt_and_without_the_heavy_libraries(module):
    assert (
        loaded_by(f"import {module}") & {"PySide6", "qiskit", "onnxruntime", "onnx", "scipy", "numba", "dimod", "dwave"}
        == set()
    )


def test_the_window_is_on_the_screen_before_anything_heavy():
    late = {"sqlalchemy", "numpy", "httpx", "cryptography", "pyqtgraph", "psutil", "app.commands.table", "app.engine.start"}
    assert loaded_by("import app.console, app.views.shell.window") & late == set()


@pytest.mark.parametrize("module", ["app.engine.start", "app.views.shell.parts", "app.views.overview", "app.commands.table"])
def test_what_fills_the_window_leaves_the_link_and_the_plots_for_their_first_use(module):
    assert loaded_by(f"import {module}") & {"httpx", "pyqtgraph", "zeroconf", "scipy", "alembic"} == set()


def test_an_engine_starts_without_the_solvers_the_laws_and_the_tasks_that_most_commands_never_use():
    late = {"qubo.solvers", "qubo.problems.registry", "control.laws", "control.trials", "circuits.tasks.registry"}
    assert loaded_by("import app.engine.start") & {f"app.engine.{name}" for name in late} == set()


def test_the_entry_point_imports_nothing_at_module_level():
    tree = tree_of(ROOT / "app" / "__main__.py")
    assert [node.lineno for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))] == []


@pytest.mark.parametrize("path", files("app/engine/base"), ids=name_of)
def test_the_ground_floor_stands_on_the_standard_library_and_numpy(path):
    allowed = {*sys.stdlib_module_names, "numpy", "uuid_utils", "app"}
    foreign = [module for _, module in imports_of(path) if module.split(".")[0] not in allowed]
    assert [module for module in foreign if not (name_of(path) == "app/engine/base/platform.py" and module == "psutil")] == []
    assert [m for _, m in imports_of(path) if m.startswith("app") and not m.startswith("app.engine.base")] == []
