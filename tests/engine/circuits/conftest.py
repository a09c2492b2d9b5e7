import pytest

from app.engine.circuits.samples import FOLDER
from app.engine.circuits.work import run


@pytest.fixture(scope="session", autouse=True)
def _aers_own_thread():
    """Start the one thread that Aer keeps until the process ends, so that no test is blamed for it."""
    run({"file": str(FOLDER / "bell.qasm"), "shots": 1, "simulator": "statevector"}, 0)
