"""What a deletion says that its writer had seen, however a row came to be."""

import pytest

from app.engine.sync.covered import known_in
from app.engine.sync.hlc import ZERO
from app.engine.sync.merge import FIRST


def cells(names):
    elements = {f"{at}": [at + 1, name, 0, ""] for at, name in enumerate(names)}
    return {FIRST: [1, "a"], "tags": {"s": [1, "a"], "e": elements}}


def test_it_is_the_latest_adding_by_each_replica_and_all_that_stands_there():
    assert known_in(cells(["a", "b", "b"])) == {FIRST: (1, "a"), "tags/b": (3, "b")}
    assert known_in({}) == {FIRST: ZERO}


@pytest.mark.parametrize("names", [[f"r{at}" for at in range(5000)], ["r" * 100_000, "b"]])
def test_more_than_can_be_told_is_left_out_and_that_it_is_not_all_is_said(names):
    found = known_in(cells(names))
    assert FIRST not in found
    assert sum(map(len, found)) < 20_000
