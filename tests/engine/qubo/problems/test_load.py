"""Large files are recognised by their heads, whatever they hold, and read."""

import dimod
import numpy as np
import pytest

from app.engine.base.contracts import never, silent
from app.engine.base.errors import BadInput
from app.engine.qubo import work
from app.engine.qubo.comparisons import work as comparisons_work
from app.engine.qubo.problems import load, registry
from app.engine.qubo.problems import work as problem_work

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


@pytest.mark.parametrize("name, kind", [("gset", "qubo"), ("qbsolv", "maxcut")])
def test_a_large_file_of_another_format_than_its_kind_is_refused_as_a_small_one_is(tmp_path, monkeypatch, name, kind):
    file = tmp_path / name
    file.write_text(TEXTS[name][0])
    spec, said = {"file": str(file), "kind": kind}, []
    for huge in (False, True):
        monkeypatch.setattr(load, "is_huge", lambda _text, huge=huge: huge)
        with pytest.raises(BadInput, match="line 1") as refused:
            work.check(spec, 1, silent, never)
        said.append(str(refused.value))
    assert said[0] == said[1]


def test_a_comparison_takes_over_what_was_checked_and_leaves_nothing_of_it_behind(tmp_path, monkeypatch):
    file, readings = tmp_path / "g.txt", []
    file.write_text("3 2\n1 2 1\n2 3 1\n")
    real = registry.read
    monkeypatch.setattr(registry, "read", lambda *given: [readings.append(given[0]), real(*given)][1])
    spec = {"file": str(file), "kind": "auto"}
    for huge, read in ((False, 1), (True, 1)):
        monkeypatch.setattr(load, "is_huge", lambda _text, huge=huge: huge)
        readings.clear()
        work.check(spec, 1, silent, never)
        assert comparisons_work._problem(spec)[0].formulation.qubo.n == 3
        assert (len(readings), load._checked) == (read, {})


@pytest.mark.parametrize("huge", [False, True])
def test_what_was_checked_is_read_once_and_what_changed_since_is_read_anew(tmp_path, monkeypatch, huge):
    file, readings = tmp_path / "g.txt", []
    file.write_text("3 2\n1 2 1\n2 3 1\n")
    monkeypatch.setattr(load, "is_huge", lambda _text: huge)
    # A small graph is parsed once more for its answer to be verified from the words of its file.
    for module, name in ((load.reader, "parse"), (work, "parse")) if huge else ((registry, "read"),):
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given, real=real: [readings.append(given[0]), real(*given)][1])
    spec = {"file": str(file), "kind": "auto", "solver": "exact"}

    def solved():
        before = len(readings)
        return problem_work.solve(spec, 1, silent, never)["objective"], len(readings) > before

    assert work.check(spec, 1, silent, never) == {"kind": "maxcut"}
    assert solved() == (2.0, False)
    assert solved() == (2.0, True)
    work.check(spec, 1, silent, never)
    file.write_text("3 3\n1 2 1\n2 3 1\n1 3 5\n")
    assert solved() == (6.0, True)
