import pytest

from app.engine.base.contracts import never, silent
from app.engine.qubo.comparisons.work import run
from app.engine.qubo.planted import torus
from app.engine.qubo.readers.gset import write


@pytest.fixture(scope="package")
def result():
    """A small comparison."""
    text = write(torus(10, 10, 3)[0])
    spec = {"text": text, "name": "<torus>", "solvers": "anneal;dwave-descent;dwave-sa:sweeps=100", "seconds": 0.03, "runs": 5}
    return run(spec, 7, silent, never)
