"""Which way a QUBO goes: what its file says, how that is told, and how a person says otherwise."""

import pytest

from app.engine.base.contracts import never, silent
from app.engine.base.errors import BadInput
from app.engine.qubo.problems import binary, registry
from app.engine.qubo.problems.load import load
from app.engine.qubo.problems.work import look, solve

# Two variables, terms 1, 2 and -4 (in Beasley's files the pair stands halved): the sums are 0, 1, 2 and -1.
QBSOLV = "c\np qubo 0 2 2 1\n0 0 1\n1 1 2\n0 1 -4\n"
BEASLEY = "1\n2 3\n1 1 1\n2 2 2\n1 2 -2\n"
TABLE = "i,j,value\n0,0,1\n1,1,2\n0,1,-4\n"
FORMS = {"qbsolv": (QBSOLV, "min"), "beasley": (BEASLEY, "max"), "table": (TABLE, "min")}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sense, best", [("min", -1), ("max", 2)])
def test_every_form_is_read_in_its_own_sense_or_in_the_one_that_is_chosen(form, sense, best):
    text, own = FORMS[form]
    assert registry.read(text, "f").sense == own
    chosen = binary.with_sense(text, sense)
    assert binary.with_sense(chosen, sense) == chosen
    assert registry.kind_of(chosen, "f") == "qubo"
    result = solve({"text": text, "name": "f", "sense": sense, "solver": "exact", "seconds": 1.0}, 1, silent, never)
    assert (result["objective"], result["sense"], result["verified"]) == (best, sense, True)
    back = load({"text": binary.with_sense(chosen, "max" if sense == "min" else "min"), "name": "f"}).problem
    assert back.sense != sense


def test_what_was_understood_tells_the_sense_and_how_it_is_known():
    def told(text, **more):
        return dict(look({"text": text, "name": "f", **more}, 0, silent, never)["problem"]["facts"])["sense"]

    assert told(QBSOLV) == "minimise, as its format has it unless told otherwise"
    assert told(BEASLEY) == "maximise, as its format has it unless told otherwise"
    assert told(QBSOLV.replace("c\n", "c from Beasley file x\n", 1)).startswith("maximise, as the values of Beasley")
    assert told(QBSOLV, sense="max") == told("sense = max\n" + TABLE) == "maximise"


def test_other_problems_have_a_sense_of_their_own():
    with pytest.raises(BadInput, match="Only a QUBO can be told its sense; Max-Cut has its own"):
        load({"text": "2 1\n1 2 1\n", "name": "g", "sense": "min"})


def test_of_a_file_of_several_problems_the_first_is_read_and_told_as_such():
    problem = registry.read("2\n2 1\n1 2 5\n3 2\n1 1 5\n3 3 2\n", "f")
    assert problem.qubo.n == 2
    assert ("read of the file", "the first of 2 problems") in problem.facts()
    assert len(registry.read("1\n2 1\n1 2 5\n", "f").facts()) == len(problem.facts()) - 1
