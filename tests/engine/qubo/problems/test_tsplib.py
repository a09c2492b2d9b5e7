"""What a TSPLIB or CVRPLIB file asks for is kept, or the file is refused by its line."""

import numpy as np
import pytest

from app.engine.base.errors import BadInput
from app.engine.qubo.problems import registry

CVRP = """NAME : small
COMMENT : (a test)
TYPE : CVRP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 10
NODE_COORD_SECTION
1 0 0
2 3 4
3 6 8
4 9 1
DEMAND_SECTION
1 0
2 5
3 6
4 1
DEPOT_SECTION
1
-1
EOF
"""
MATRIX = "NAME: x\nTYPE: {type}\nDIMENSION: 3\nEDGE_WEIGHT_FORMAT: FULL_MATRIX\nEDGE_WEIGHT_SECTION\n0 1 2\n1 0\n3 2 4 0\nEOF\n"


def test_a_small_file_is_read_whole():
    places = registry.read(CVRP, "f").places
    assert (places.demands.tolist(), places.capacity, places.vehicles) == ([0, 5, 6, 1], 10, 0)


@pytest.mark.parametrize(
    "old, new, told",
    [
        ("CAPACITY : 10\n", "CAPACITY : 10\nDISTANCE : 12\n", "line 7: DISTANCE above 0 cannot be kept"),
        ("CAPACITY : 10\n", "CAPACITY : 10\nSERVICE_TIME : 9\n", "line 7: SERVICE_TIME above 0 cannot be kept"),
        ("CAPACITY : 10\n", "", "line 1: CAPACITY is missing"),
        ("CAPACITY : 10\n", "CAPACITY : 10\nCAPACITY : 3\n", "line 7: CAPACITY stands already on line 6"),
        ("CAPACITY : 10\n", "CAPACTY : 10\n", "line 6: 'CAPACTY' is no keyword"),
        ("3 6\n4 1\n", "2 6\n4 1\n", "line 15: place 2 stands twice"),
        ("2 5\n", "2\n", "line 14: expected a number and a demand, found 1 words"),
        ("2 5\n", "2 5 9\n", "line 14: expected a number and a demand, found 3 words"),
        ("1 0\n2 5\n", "1 9\n2 5\n", "line 13: a depot has no demand, 1 has 9"),
        ("DEMAND_SECTION\n", "NODE_COORD_SECTION\n1 0 0\n2 1 1\n3 2 2\n4 3 3\nDEMAND_SECTION\n", "stands already on line 7"),
        ("1\n-1\n", "1\n-1\n2\n", "only one depot"),
        ("1\n-1\n", "1 2\n-1\n", "line 18: expected a whole number"),
        ("(a test)", "(No of trucks: 99999999999999999999)", "line 2: expected a whole number from 1 to 4"),
        ("(a test)", "(No of trucks: 0)", "line 2: expected a whole number from 1 to 4"),
    ],
)
def test_what_cannot_be_kept_or_stands_twice_is_refused_by_its_line(old, new, told):
    assert old in CVRP
    with pytest.raises(BadInput, match=told):
        registry.read(CVRP.replace(old, new), "f")


def test_limits_of_nothing_and_comments_over_lines_are_taken():
    text = CVRP.replace("CAPACITY : 10\n", "CAPACITY : 10\nDISTANCE : 0\nCOMMENT : more\n")
    assert registry.read(text, "f").places.comment == "(a test) more"


@pytest.mark.parametrize(
    "name, comment, vehicles",
    [
        ("X-n101-k25", "(Uchoa et al)", 0), ("E-n22-k4", "(Christofides and Eilon, Min no of trucks: 4, Optimal value: 375)", 0),
        ("A-n32-k5", "(Augerat et al, No of trucks: 3, Optimal value: 784)", 3),
    ],
)  # fmt: skip
def test_a_fleet_is_limited_where_its_number_is_told_not_where_the_least_is(name, comment, vehicles):
    problem = registry.read(CVRP.replace("small", name).replace("(a test)", comment), "f")
    assert problem.places.vehicles == vehicles
    assert problem.check([[1], [2], [3]]) == []


def test_more_tours_than_the_least_that_a_name_tells_are_feasible():
    problem = registry.read(CVRP.replace("small", "X-n4-k1").replace("2 5\n3 6\n4 1", "2 7\n3 7\n4 7"), "f")
    assert problem.conflicts() == []
    assert problem.check([[1], [2], [3]]) == []


def test_a_tour_whose_ways_back_differ_says_so_by_its_type():
    with pytest.raises(BadInput, match="line 8: the distance from 3 to 2 is not the one from 2 to 3"):
        registry.read(MATRIX.format(type="TSP"), "f")
    assert registry.read(MATRIX.format(type="ATSP").replace("3 2 4", "2 3 4"), "f").places.distances.tolist() == [
        [0, 1, 2], [1, 0, 2], [3, 4, 0]
    ]  # fmt: skip


def test_a_table_without_demands_is_no_routing_problem_and_its_depot_has_none():
    with pytest.raises(BadInput, match="a column demand is missing"):
        registry.read("capacity = 3\nname,x,y\nd,0,0\na,1,1\n", "f", "cvrp")
    with pytest.raises(BadInput, match="f, line 3: a depot has no demand, d has 2"):
        registry.read("capacity = 3\nname,x,y,demand\nd,0,0,2\na,1,1,1\n", "f")
    assert np.all(registry.read("capacity = 3\nname,x,y,demand\nd,0,0,0\na,1,1,1\n", "f").places.demands == [0, 1])
