"""Where each foreign package may be imported: one home each, so that it can be replaced in one place."""

import fnmatch

import pytest

from tests.laws.tree import files, imports_of, name_of

ADAPTERS = ("app/*/adapters/*",)
HOMES = {
    ("PySide6", "shiboken6", "pyqtgraph"): ("app/views/*", "app/console.py"),
    ("qasync",): ("app/console.py",),
    ("sqlalchemy", "alembic"): ("app/engine/store/*",),
    ("httpx",): ("app/engine/link/*",),
    ("qiskit", "qiskit_aer", "qiskit_qasm3_import", "openqasm3"): ADAPTERS,
    ("dimod", "dwave", "ortools", "highspy", "stim", "qsimcirq", "cirq"): ADAPTERS,
    ("onnx", "onnxruntime"): ADAPTERS,
    ("keyring", "zeroconf"): ("app/engine/link/*", "app/agent/*"),
    ("starlette", "uvicorn"): ("app/agent/*", "app/hub/*"),
    ("fcntl", "msvcrt", "resource", "pwd", "grp", "termios", "winreg", "ctypes"): ("app/engine/base/platform.py",),
    ("signal",): ("app/engine/base/platform.py",),
}


@pytest.mark.parametrize("packages", HOMES, ids=lambda names: names[0])
def test_foreign_packages_stay_in_their_homes(packages):
    homes = HOMES[packages]
    strays = [
        f"{name_of(path)}:{line} imports {module}"
        for path in files("app")
        if not any(fnmatch.fnmatch(name_of(path), home) for home in homes)
        for line, module in imports_of(path)
        if module.split(".")[0] in packages
    ]
    assert strays == []
