"""Large files are recognised by their heads, whatever they hold, and read."""

import dimod
import numpy as np
import pytest

from app.engine.qubo.problems import load, registry

TEXTS = {
    "beasley": ("1\n30 29\n" + "".join(f"{k} {k + 1} 5\n" for k in range(1, 30)), "qubo"),
    "gset": ("30 29\n" + "".join(f"{k} {k + 1} 5\n" for k in range(1, 30)), "maxcut"),
    "qbsolv": ("p qubo 0 30 30 0\n" + "".join(f"{k} {k} 5\n" for k in range(30)), "qubo"),
    "lp": (
        "min\n " + " + ".join(f"x{k}" for k in range(40)) + "\nbinary\n" + " ".join(f"x{k}" for k in range(40)),
        "programme",
    ),
    "qaplib": ("6\n" + "0 1 2 3 4 5\n" * 12, "qap"),
}


@pytest.fixture(autouse=True)
def small_head(monkeypatch):
    monkeypatch.setattr(load, "_HEAD_BYTES", 100)


@pytest.mark.parametrize("name", TEXTS)
def test_a_large_file_is_recognised_and_read(tmp_path, name):
    text, kind = TEXTS[name]
    path = tmp_path / name
    path.write_text(text, "utf-8")
    assert len(text) > load._HEAD_BYTES
    assert load.check_file(path) == kind
    assert load.load({"file": str(path)}).problem.kind == kind


@pytest.mark.parametrize("kind", registry.KINDS)
def test_a_large_file_of_any_kind_is_recognised_and_read(tmp_path, kind):
    path = tmp_path / registry.sample_of(kind).name
    path.write_bytes(registry.sample_of(kind).read_bytes())
    assert load.check_file(path) == kind
    assert load.load({"file": str(path)}).problem.kind == kind


def test_a_large_dense_model_of_dimod_is_read(tmp_path):
    i, j = np.triu_indices(30, 1)
    model = dimod.BinaryQuadraticModel.from_numpy_vectors(np.ones(30), (i, j, np.ones(len(i))), 0.0, "BINARY")
    path = tmp_path / "dense.bqm"
    with model.to_file() as file:
        path.write_bytes(file.read())
    assert load.check_file(path) == "qubo"
    assert load.load({"file": str(path)}).problem.formulation.qubo.n == 30
