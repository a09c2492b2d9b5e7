import pytest

from app.engine.base.errors import BadInput
from app.engine.qubo.comparisons.settings import Setting, choices, facts, read_settings


def test_solvers_are_named_with_their_options() -> None:
    one, other = read_settings("anneal; dwave-sa:sweeps=3000,reads=2")
    assert one == Setting("anneal")
    assert other.options == {"sweeps": 3000, "reads": 2}
    assert other.label == "dwave-sa:sweeps=3000,reads=2"
    assert facts(other)["setting"] == "sweeps 3000, reads 2"
    assert other.make().name == "dwave-sa"


def test_a_solver_that_looks_for_an_energy_is_told_it() -> None:
    assert Setting("dwave-tabu", {"tenure": 20}).make(-7.5).goal == -7.5
    assert Setting("dwave-tabu").make().goal is None
    assert Setting("anneal").make(-7.5) == Setting("anneal").make()


def test_an_open_option_is_swept_and_a_given_one_is_not() -> None:
    assert [one.options["sweeps"] for one in choices(Setting("dwave-sa"))] == [1000, 3000, 10_000, 30_000]
    assert choices(Setting("dwave-sa", {"sweeps": 7})) == (Setting("dwave-sa", {"sweeps": 7}),)
    assert [one.options["tenure"] for one in choices(Setting("dwave-tabu"))] == [10, 20, 50, 100, 200]
    assert choices(Setting("tabu")) == (Setting("tabu"),)


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "at least two"), ("anneal", "at least two"), ("anneal;anneal", "twice"), ("anneal;magic", "one of"),
        ("anneal;auto", "auto only chooses one of the solvers; name those to compare: anneal,"),
        ("anneal;dwave-sa:speed=3", "no option speed"), ("anneal;dwave-sa:sweeps", "option=number"),
        ("anneal;dwave-sa:sweeps=x", "option=number"),
    ],
)  # fmt: skip
def test_what_is_no_comparison_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_settings(text)
