from app.engine.base.contracts import never, silent
from app.engine.qubo.problems.told import lines_of
from app.engine.qubo.problems.work import look

VAN = "capacity = 15\nitem,value,weight\nwinch,10,6\npump,9,5\n"
NONE = "colors = 2\nfrom,to\na,b\nb,c\nc,a\n"


def told(text):
    return lines_of({**look({"text": text, "name": "van"}, 0, silent, never), "file": "/h/van.csv"}).splitlines()


def test_facts_penalties_and_method_are_told_in_lines() -> None:
    lines = told(VAN)
    assert (lines[0], lines[-2], lines[-1]) == ("Knapsack: van", "counting finds no conflict", "/h/van.csv")
    assert "  items: 2" in lines
    assert "as a QUBO: 6 variables, 4 of them slack, 15 couplings" in lines
    assert any(line.startswith("  penalty capacity: 11 (") for line in lines)
    assert "also solved by dynamic programming" in lines


def test_an_infeasible_problem_is_told_with_its_conflicts() -> None:
    assert any(line.startswith("■ Infeasible: nodes a, b, c are all joined") for line in told(NONE))
