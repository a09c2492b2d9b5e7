"""Bad input: one clear line that names file and line, or the constraints in conflict."""

import re

import numpy as np
import pytest

from app.engine.base.errors import BadInput, Limit, OutpostError
from app.engine.qubo.problems import registry

TSP = "NAME: x\nTYPE: TSP\nDIMENSION: 3\nEDGE_WEIGHT_TYPE: EUC_2D\nNODE_COORD_SECTION\n1 0 0\n2 3 {y}\n{three}EOF\n"
LP = "min\n x + y\nst\n c: x + y {rest}\nbinary\n x y\nend\n"
TABLE = [
    ("", "knapsack", r"f, line 1: a column item is missing"),
    ("2 5\n1 2\n", "knapsack", r"f, line 1: the first line promises 6 numbers"),
    ("capacity = 5\nitem,value,weight\na,1,-2\n", "", r"f, line 3: expected a whole number"),
    ("capacity = 5\nitem,value,weight\na,nan,2\n", "", r"f, line 3: expected a finite number, found 'nan'"),
    ("item,value,weight\na,1,2\n", "", r"f, line 1: a line capacity = … is missing"),
    ("capacity = 5\nitem,value,weight\na,1\n", "", r"f, line 3: expected 3 values, found 2"),
    ("i,j,value\n0,1,2\n1,0,3\n", "", r"f, line 3: the pair 0 1 stands already on line 2"),
    ("i,j,value\n0,1,1e99\n", "", r"f, line 2: expected a finite number"),
    ("abc\n3 1\n1 2 5\n", "qubo", r"f, line 1"),
    ("-5\n3 1\n1 2 5\n", "", r"f, line 1: expected a whole number from 1"),
    ("2\n3 1\n1 2 5\n", "", r"f, line 3: expected the number of variables and of entries, found 0 words"),
    ("1\n3 1\n1 2 5\n3 1\n", "", r"f, line 4: the first line promises 1 problems, here is more"),
    ("1\n3 1\n1 2 5\nand so on\n", "", r"f, line 4: the first line promises 1 problems, here is more"),
    ("99999999999999999999 1\n1 2 1\n", "", r"f, line 1: expected a whole number from 0 to"),
    ("1\n3 2\n1 2 5\n", "", r"f, line 3: 2 entries are promised, the file ends after 1"),
    ("3 2\n1 2 1\n1 2 4\n", "maxcut", r"f, line 3: the pair 1 2 stands already on line 2"),
    ("from,to\na,a\n", "maxcut", r"f, line 2: an edge joins two different nodes"),
    ("p edge 3 1\ne 1 9\n", "", r"f, line 2: expected a whole number from 1 to 3, found '9'"),
    ("p edge 3 1\nx\nz 1 2\n", "", r"f, line 3: expected p edge"),
    (TSP.format(y="abc", three="3 1 1\n"), "", r"f, line 7: expected a finite number, found 'abc'"),
    (TSP.format(y="4", three=""), "", r"NODE_COORD_SECTION should have 3 lines, it has 2"),
    (TSP.format(y="4", three="2 1 1\n"), "", r"f, line 8: place 2 stands twice"),
    (TSP.replace("EUC_2D", "XRAY1").format(y="4", three="3 1 1\n"), "", r"EDGE_WEIGHT_TYPE XRAY1 cannot be read"),
    ("2 2\n0 1 1 2\n", "jobshop", r"f, line 2: the first line promises 2 jobs, the file ends after 1"),
    ("2 2\n0 1 1 2\n0 1 0 2\n", "jobshop", r"f, line 3: a job visits every machine once"),
    ("2 2\n0 1 1 2\n0 1 1 -2\n", "jobshop", r"f, line 3: expected a whole number"),
    ("2\n0 1\n1 0\n0 1\n", "qap", r"two matrices of 2 by 2 are promised, 8 numbers, the file has 6"),
    ("asset,return,a,b\na,1,1,2\nb,1,3,1\n", "", r"f, line 3: the covariances are not symmetric: a with b is 2, b with a is 3"),
    ("asset,return,a,b\na,1,1,2\nb,1,2,1\n", "", r"f, line 2: these are no covariances"),
    ("demand = A Z 1\nfrom,to,cost,capacity\nA,B,1,2\n", "", r"f, line 1: expected demand = from to size"),
    ("from,to,cost,capacity\nA,B,1,2\nB,A,1,2\n", "", r"f, line 3: a link joins two nodes, and each pair stands once"),
    ("# x\ncolors = 99999999999999999999999\nfrom,to\n1,2\n", "", r"f, line 2: colors is a whole number from 1"),
    (LP.format(rest="<= 1e400"), "", r"f, line 4: expected a finite number, found '1e400'"),
    (LP.format(rest="<= 1e30"), "", r"f, line 4: expected a finite number"),
    (LP.format(rest="<= 0.123456").replace("c: x", "c: 1000000000000 x"), "", r"f, line 4: c cannot be scaled to whole numbers"),
    ("2\n0.1 -0.2\n0.2 0.3\n1 1 1\n1 2 0.5\n2 2 1\n", "", r"f, line 2: a standard deviation is 0 or more"),
    ("2\n0.1 0.2\n0.2 0.3\n1 1 -0.5\n1 2 0.5\n2 2 1\n", "", r"f, line 4: these are no correlations"),
    ("supply = A 2\ndemand = Z 2\nfrom,to,cost,capacity\nA,B,1,2\n", "", r"f, line 2: expected demand = place amount"),
    ("supply = A 2\nfrom,to,cost,capacity\nA,B,1,2\n", "", r"f, line 1: a line demand = place amount is missing"),
    ("supply = A 2\ndemand = B 2\nfrom,to,cost,capacity\nA,B,1,-2\n", "", r"f, line 4: expected a whole number"),
    ("p min 2 2\nn 1 1\na 1 2 0 1 1\n", "", r"f, line 3: the first line promises 2 arcs, the file has 1"),
    ("p min 2 1\nn 1 1\na 1 2 3 1 1\n", "", r"f, line 3: expected a whole number from 3 to"),
    ("p min 2 1\nn 3 1\n", "", r"f, line 2: expected a whole number from 1 to 2"),
    ("p min 2 1\nx 1\n", "", r"f, line 2: expected n node amount"),
    ("workload,cpu,memory\na,1,2\n", "", r"a line node = name cpu memory round_trip_ms is missing"),
    ("node = n 1\nworkload,cpu,memory\na,1,2\n", "", r"f, line 1: expected node = name cpu memory"),
    ("set,cost,elements\nA,-1,x\n", "", r"f, line 2: expected a number from 0 to"),
    ("2 2\n1 1\n1 1\n1 7\n", "cover", r"f, line 4: expected the number of a set from 1 to 2, found 7"),
    (LP.format(rest="<= banana"), "", r"f, line 4: a constraint ends with"),
    (LP.format(rest=">= 1").replace("binary\n x y\n", "binary\n x\n"), "", r"f, line 4: y is continuous"),
    (LP.format(rest="* x >= 1"), "", r"f, line 4: a constraint is linear"),
    ("hello world\n", "", r"f, line 1: this is none of the problems"),
    ("problem = magic\n", "", r"kind must be one of"),
    ("p qubo 0 -4 1 1\n0 0 1\n0 1 2\n", "", r"f, line 1: expected a whole number"),
    ("c two words\np qubo 0 2 2 1\n0 0 1\n1 1 nan\n0 1 -3\n", "", r"f, line 4: expected a finite number, found 'nan'"),
    ("capacity = 3\nitem,value,weight\na,1,1\na,1,1\n", "", r"f, line 4: 'a' stands already on line 3"),
    ("name,x,y\na,0,0\na,1,1\n", "", r"f, line 3: 'a' stands already on line 2"),
    ("set,cost,elements\nA,1,x\nA,2,y\n", "", r"f, line 3: 'A' stands already on line 2"),
    ("site,opening,capacity,c1\ns,1,5,1\ns,1,5,1\n", "", r"f, line 3: 's' stands already on line 2"),
    ("node = n 9 9\nworkload,cpu,memory\nw,1,1\nw,1,1\n", "", r"f, line 4: 'w' stands already on line 3"),
    ("node = n 9 9\nnode = n 9 9\nworkload,cpu,memory\nw,1,1\n", "", r"f, line 2: node n stands twice"),
    ("item,value,value\na,1,1\n", "knapsack", r"f, line 1: two columns are called value"),
    ("a,b,flow,distance\n1,2,5,2\n1,2,2,7\n", "", r"f, line 3: a pair joins two different names"),
    ("a,b,flow,distance\n1,2,5,2\n2,1,2,7\n", "", r"f, line 3: the distance from 2 to 1 is not the one from 1 to 2"),
]  # fmt: skip


@pytest.mark.parametrize("text, kind, told", TABLE, ids=range(len(TABLE)))
def test_a_malformed_problem_is_told_in_one_line(text, kind, told):
    with pytest.raises(BadInput, match=told) as caught:
        registry.read(text, "f", kind)
    assert "\n" not in str(caught.value)


INFEASIBLE = [
    ("capacity = 4\nvehicles = 2\nname,x,y,demand\nd,0,0,0\na,1,0,3\nb,2,0,3\nc,3,0,2\n", "",
     "however they are packed, the demands need 3 vehicles, and the fleet has 2"),
    ("set,cost,elements\nA,1,x\n", "cover", None),
    ("elements = x y z\nset,cost,elements\nA,1,x y\n", "", "no set holds element z"),
    ("colors = 2\nfrom,to\na,b\nb,c\nc,a\n", "", "nodes a, b, c are all joined to one another and need 3 colours, and only 2 may be used"),
    ("horizon = 4\njob,machine,time\na,x,3\na,y,2\n", "", "the horizon is 4, one job or machine alone needs 5"),
    ("node = n 1 1\nworkload,cpu,memory\nw,2,1\n", "", "workload w needs 2 processor, the largest host has 1 free"),
    ("site,opening,capacity,c1,c2\ndemand,0,0,3,3\ns,1,4,1,1\n", "", "all customers need 6, all sites have 4"),
    ("supply = A 2\ndemand = B 5\nfrom,to,cost,capacity\nA,B,1,9\n", "", "all demands need 5, all supplies have 2"),
    ("supply = A 9\ndemand = B 5\nfrom,to,cost,capacity\nA,B,1,2\n", "", "B needs 5, the ways to it carry 2"),
    ("demand = A B 5\nfrom,to,cost,capacity\nA,B,1,2\n", "", "demand A to B, 5 finds no path that is wide enough"),
    (LP.format(rest=">= 3"), "", "c: the left side is 0 to 2, it should be >= 3"),
    ("min\n x\nst\n a: x + y >= 2\n b: x + y <= 1\nbinary\n x y\nend\n", "", "a and b ask for different values of the same sum"),
]  # fmt: skip


@pytest.mark.parametrize("text, kind, told", INFEASIBLE, ids=range(len(INFEASIBLE)))
def test_what_no_answer_can_keep_is_named(text, kind, told):
    conflicts = registry.read(text, "f", kind).conflicts()
    assert (told in conflicts) if told else conflicts == []


# A small text of each format that is no table of ours, with its kind.
NATIVE = {
    "tsplib": (TSP.format(y="4", three="3 1 1\n"), "tsp"),
    "cvrplib": (("NAME: x\nTYPE: CVRP\nDIMENSION: 3\nEDGE_WEIGHT_TYPE: EUC_2D\nCAPACITY: 9\nNODE_COORD_SECTION\n1 0 0\n2 3 4\n"
                "3 6 1\nDEMAND_SECTION\n1 0\n2 4\n3 7\nDEPOT_SECTION\n1\n-1\nEOF\n"), "cvrp"),
    "beasley": ("1\n3 3\n1 1 4\n1 2 5\n2 3 -6\n", "qubo"),
    "qbsolv": ("p qubo 0 3 2 2\n0 0 4\n1 1 5\n0 1 -6\n1 2 3\n", "qubo"),
    "g-set": ("4 3\n1 2 1\n2 3 -2\n3 4 5\n", "maxcut"),
    "metis": ("4 3\n2\n1 3\n2 4\n3\n", "partition"),
    "qaplib": ("3\n0 1 2\n1 0 3\n2 3 0\n0 4 5\n4 0 6\n5 6 0\n", "qap"),
    "or-library knapsack": ("3 2 0\n10 7 3\n4 5 6\n1 2 3\n8 9\n", "knapsack"),
    "or-library cover": ("3 4\n1 2 3 4\n2\n1 2\n2\n2 3\n1\n4\n", "cover"),
    "or-library portfolio": ("2\n0.1 0.2\n0.2 0.3\n1 1 1\n1 2 0.5\n2 2 1\n", "portfolio"),
    "standard job-shop": ("2 2\n0 3 1 2\n1 4 0 1\n", "jobshop"),
    "dimacs colouring": ("c x\np edge 3 2\ne 1 2\ne 2 3\n", "coloring"),
    "dimacs flow": ("c x\np min 3 2\nn 1 4\nn 3 -4\na 1 2 0 5 2\na 2 3 0 5 1\n", "supply"),
    "lp": ("min\n cost: 2 x + 3 y\nst\n a: x + y >= 1\n b: x - y <= 0\nbinary\n x y\nend\n", "programme"),
}  # fmt: skip
NUMBERS = ("nan", "inf", "1e400", "-1", "9" * 30, "", "x", "1_000", "\u0663")
RAW = {kind: registry.sample_of(kind).read_text("utf-8") for kind in registry.KINDS}


def spoiled(text, seed):
    """Yield texts with a number replaced, a line doubled, lost or longer, or the end cut off."""
    rng = np.random.default_rng(seed)
    numbers, lines = list(re.finditer(r"[-+.\d]+", text)), text.splitlines(keepends=True)
    for found in rng.choice(len(numbers), 12):
        begin, end = numbers[found].span()
        for word in rng.choice(NUMBERS, 2, replace=False):
            yield text[:begin] + str(word) + text[end:]
    for k in rng.choice(len(lines), 4):
        head, line, tail = "".join(lines[:k]), lines[k], "".join(lines[k + 1 :])
        yield from (head + line + line + tail, head + tail, head, head + line.rstrip() + " 7\n" + tail)


def whats_wrong(text, kind):
    """Return the complaint about a text, or None when it is a problem that can be solved and drawn."""
    try:
        problem = registry.read(text, "f.txt", kind)
        if not problem.conflicts():
            assert problem.formulation.qubo.n > 0
            assert problem.draw(None)["type"]
    except OutpostError as error:
        return error
    return None


@pytest.mark.parametrize("kind", registry.KINDS)
def test_whatever_is_wrong_with_a_file_is_told_in_a_line_and_never_breaks(kind):
    """A spoiled text is refused by one line that names the file, or it is a problem like any other."""
    told = [error for error in (whats_wrong(text, kind) for text in spoiled(RAW[kind], seed=len(kind))) if error is not None]
    assert all("\n" not in str(error) for error in told)
    assert all(isinstance(error, Limit) or str(error).startswith("f.txt") for error in told)
    assert len(told) >= 5


@pytest.mark.parametrize("name", NATIVE)
def test_whatever_is_wrong_with_a_file_of_others_is_told_in_a_line_and_never_breaks(name):
    text, kind = NATIVE[name]
    assert whats_wrong(text, kind) is None
    told = [error for error in (whats_wrong(one, kind) for one in spoiled(text, seed=len(name))) if error is not None]
    assert all("\n" not in str(error) for error in told)
    assert all(isinstance(error, Limit) or str(error).startswith("f.txt") for error in told)
    assert len(told) >= 10


def what_it_is(text, kind):
    """Return what a problem is made of: its energies, objective at rest, and facts; None where it is refused."""
    if whats_wrong(text, kind) is not None:
        return None
    problem = registry.read(text, "f.txt", kind)
    qubo = problem.formulation.qubo
    return qubo.linear.tolist(), qubo.rows.tolist(), qubo.cols.tolist(), qubo.weights.tolist(), problem.facts()


# A further demand between two nodes is one more to route, and a constraint without a name may stand twice.
AGAIN = {"network": ("demand =",)}
DOUBLED = {**NATIVE, **{kind: (text, kind) for kind, text in RAW.items()}}


@pytest.mark.parametrize("name", DOUBLED)
def test_a_line_that_stands_twice_is_refused_or_changes_nothing(name):
    text, kind = DOUBLED[name]
    lines, plain = text.splitlines(keepends=True), what_it_is(text, kind)
    for k in list(range(min(6, len(lines)))) + list(range(max(6, len(lines) - 6), len(lines))):
        if not lines[k].startswith(AGAIN.get(kind, ("\0",))):
            assert what_it_is("".join([*lines[: k + 1], lines[k], *lines[k + 1 :]]), kind) in (None, plain), lines[k]


def test_a_text_that_could_be_two_problems_asks_which():
    with pytest.raises(BadInput, match=r"f, line 1: this could be knapsack or cover") as caught:
        registry.read("2 1\n5 1\n1 0\n", "f")
    assert "--kind" in caught.value.hint


def test_more_places_than_can_be_held_are_refused():
    with pytest.raises(Limit):
        registry.read("NAME: x\nTYPE: TSP\nDIMENSION: 100000\nEDGE_WEIGHT_TYPE: EUC_2D\n", "f")
