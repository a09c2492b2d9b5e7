import itertools
import zipfile

import dimod
import pytest

from app.engine.base.contracts import never, silent
from app.engine.base.errors import BadInput, Limit
from app.engine.qubo import problem as sizes
from app.engine.qubo.adapters import dimod_files
from app.engine.qubo.adapters.dimod_files import is_dimod
from app.engine.qubo.problems.load import check_file, load
from app.engine.qubo.problems.work import solve


def saved(model, path):
    with path.open("wb") as out, model.to_file() as held:
        out.write(held.read())
    return path


def test_a_bqm_in_spins_keeps_its_energies(tmp_path):
    model = dimod.BinaryQuadraticModel({"a": 1.0, "b": -0.5, "c": 0}, {"ab": 2.0, "bc": -1.0}, 0.25, "SPIN")
    path = saved(model, tmp_path / "m.bqm")
    assert check_file(path) == "qubo"
    problem = load({"file": str(path)}).problem
    states = [{name: 1 if (k >> at) & 1 else -1 for at, name in enumerate("abc")} for k in range(8)]
    order = list(model.variables)
    for state in states:
        assert problem.objective([(state[name] + 1) // 2 for name in order]) == pytest.approx(model.energy(state))


def test_a_cqm_is_solved_within_its_constraints(tmp_path):
    model = dimod.ConstrainedQuadraticModel()
    x, y = dimod.Binaries(["x", "y"])
    z = dimod.Integer("z", upper_bound=5)
    model.set_objective(-3 * x - 2 * y - z + x * y)
    model.add_constraint(x + y + z <= 3, label="room")
    model.add_constraint(z - 2 * x >= 0, label="pair")
    path = saved(model, tmp_path / "m.cqm")
    assert check_file(path) == "programme"
    result = solve({"file": str(path), "seconds": 0.3}, 1, silent, never)
    best = min(
        -3 * x - 2 * y - z + x * y for x in (0, 1) for y in (0, 1) for z in range(6) if x + y + z <= 3 and z - 2 * x >= 0
    )
    assert (result["feasible"], result["objective"]) == (True, best)


def test_a_damaged_model_is_refused_in_one_line(tmp_path):
    path = tmp_path / "m.bqm"
    path.write_bytes(b"DIMODBQM" + b"\x00" * 40)
    assert is_dimod(path.read_bytes())
    with pytest.raises(BadInput, match=r"m\.bqm, line 1: this is no readable dimod model"):
        load({"file": str(path)})


def told_of(model, path):
    return load({"file": str(saved(model, path))}).problem


@pytest.mark.parametrize(
    "labels",
    [
        (0, 1, 2),
        ("x[0]", "x[1]", "x 1"),
        ("a b", "a_b", "a-b"),
        (("x", 0), ("x", 1), "x_0"),
        ("st", "end", "e5"),
        (3, "3", (3,)),
    ],
)
def test_a_cqm_may_have_labels_of_any_kind(tmp_path, labels):
    model = dimod.ConstrainedQuadraticModel()
    one, two, three = (dimod.Binary(label) for label in labels)
    model.set_objective(-2 * one - 3 * two - 4 * three + 5 * two * three)
    model.add_constraint(one + two + three <= 2, label="room for [two]")
    model.add_constraint(one - three >= 0, label=("pair", 1))
    problem = told_of(model, tmp_path / "m.cqm")
    assert len(set(problem.variables)) == 3
    found = [answer for answer in itertools.product((0, 1), repeat=3) if not problem.check(list(answer))]
    # The reader has its own order of variables: the multiset of what each allowed state is worth does not.
    allowed = [s for s in itertools.product((0, 1), repeat=3) if sum(s) <= 2 and s[0] >= s[2]]
    worth = sorted(-2 * a - 3 * b - 4 * c + 5 * b * c for a, b, c in allowed)
    assert sorted(problem.objective(list(answer)) for answer in found) == worth


def test_spins_of_a_cqm_become_bits(tmp_path):
    model = dimod.ConstrainedQuadraticModel()
    s, t, x = dimod.Spin("s"), dimod.Spin("t"), dimod.Binary("x")
    model.set_objective(s * t + 2 * s - 3 * x)
    model.add_constraint(s + t + 2 * x <= 2, label="room")
    problem = told_of(model, tmp_path / "m.cqm")
    states = [(a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (0, 1) if a + b + 2 * c <= 2]
    found = [answer for answer in itertools.product((0, 1), repeat=3) if not problem.check(list(answer))]
    worth = sorted(a * b + 2 * a - 3 * c for a, b, c in states)
    assert sorted(problem.objective(list(answer)) for answer in found) == worth


def test_a_cqm_without_an_objective_is_read(tmp_path):
    model = dimod.ConstrainedQuadraticModel()
    model.add_constraint(dimod.Binary("a") + dimod.Binary("b") == 1, label="one")
    problem = told_of(model, tmp_path / "m.cqm")
    assert [problem.check([0, 1]), problem.objective([0, 1])] == [[], 0]


@pytest.mark.parametrize("kind", ["soft", "quadratic"])
def test_what_a_programme_cannot_hold_is_refused_by_its_label(tmp_path, kind):
    model = dimod.ConstrainedQuadraticModel()
    x, y = dimod.Binaries(["x", "y"])
    model.set_objective(x + y)
    if kind == "soft":
        model.add_constraint(x + y <= 1, label="my row", weight=2.0)
    else:
        model.add_constraint(x * y + x <= 1, label="my row")
    with pytest.raises(BadInput, match=rf"m\.cqm, line 1: the constraint 'my row' is {kind}"):
        told_of(model, tmp_path / "m.cqm")


def test_a_model_that_is_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = saved(dimod.BinaryQuadraticModel({"a": 1.0, "b": 1.0}, {"ab": 1.0}, 0.0, "BINARY"), tmp_path / "m.bqm")
    monkeypatch.setattr(sizes, "MOST_VARIABLES", 1)
    with pytest.raises(Limit, match="2 variables are more than the 1"):
        load({"file": str(path)})
    monkeypatch.setattr(dimod_files, "MOST_BYTES", 1000)
    packed = tmp_path / "z.cqm"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as held:
        held.writestr("objective", b"0" * 5000)
    assert packed.stat().st_size < 1000
    with pytest.raises(Limit, match="holds 5000 bytes, more than 1000"):
        load({"file": str(packed), "kind": "programme"})
