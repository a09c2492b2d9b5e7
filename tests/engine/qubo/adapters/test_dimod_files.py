import dimod
import pytest

from app.engine.base.contracts import never, silent
from app.engine.base.errors import BadInput
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
