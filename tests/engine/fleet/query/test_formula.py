"""A query as a formula of conditions, held against the query itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import BadInput
from app.engine.circuits.tasks.fleet import holds
from app.engine.fleet.query import search
from app.engine.fleet.query.formula import formula_of
from app.engine.fleet.records import Node

np = pytest.importorskip("numpy")

NODES = [
    Node(f"id{at}", f"{at:032x}", f"node-{at}", f"10.0.0.{at}:80", site="north" if at % 3 else "south", cpu_ratio=at / 10,
         mem_ratio=None if at == 4 else 0.9 - at / 20, labels={"gpu": "a"} if at % 2 else {})
    for at in range(8)
]  # fmt: skip
PARTS = ["label.gpu", 'site == "north"', "cpu < 50%", "mem >= 0.6", '"node-3"', 'name in ("node-1", "node-2")', "cpu > 0.2"]


def test_conditions_are_told_once_each_with_who_holds_them():
    told = formula_of('not (label.gpu or cpu < 0.3) and label.gpu and site in ("north", south)', NODES, 0)
    assert told["conditions"] == ["label.gpu", "cpu < 0.3", 'site in ("north", "south")']
    assert told["formula"] == [
        "all", ["not", ["any", ["condition", 0], ["condition", 1]]], ["condition", 0], ["condition", 2],
    ]  # fmt: skip
    assert told["held"][0] == [bool(at % 2) for at in range(8)]
    assert told["names"][7] == "node-7"


queries = st.recursive(
    st.sampled_from(PARTS),
    lambda inner: st.one_of(
        inner.map(lambda part: f"not ({part})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: "(" + " and ".join(parts) + ")"),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: "(" + " or ".join(parts) + ")"),
    ),
    max_leaves=6,
)


@given(queries)
def test_the_formula_holds_where_the_query_does(query):
    told = formula_of(query, NODES, 0)
    found = {node.name for node in search(query, NODES, 0)}
    assert [name in found for name in told["names"]] == told["matched"]
    assert holds(told["formula"], np.array(told["held"])).tolist() == told["matched"]


@pytest.mark.parametrize("query", ["", "  ", "cpu <", "nothing == 3"])
def test_a_query_that_says_nothing_or_is_mistaken_is_refused(query):
    with pytest.raises(BadInput):
        formula_of(query, NODES, 0)
