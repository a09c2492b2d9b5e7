"""Where the bindings of HiGHS are others than those known, its searches go by scipy's own function, without interruption."""

import importlib
import sys
import threading

import numpy as np
import pytest

from app.engine.base.contracts import Budget, never, silent
from app.engine.jobs.worker import LEFT_BEHIND
from app.engine.qubo.adapters import highs, highs_search, milp
from app.engine.qubo.domain.methods import method_of, warm
from app.engine.qubo.problem import build
from app.engine.qubo.problems import registry

KEPT = [((0, 1, 2), (2.0, 3.0, 1.0), -np.inf, 3.5)]
PROGRAMME = highs.Programme(np.array([-2.0, -3.0, -1.5]), np.zeros(3), np.ones(3), KEPT, np.ones(3, bool), ("weight",))


@pytest.fixture(params=["gone", "others"])
def unknown(request, monkeypatch):
    importlib.import_module("scipy.optimize")
    highs._warn.cache_clear()
    if request.param == "gone":
        monkeypatch.setitem(sys.modules, "scipy.optimize._highspy._core", None)
    else:
        monkeypatch.setattr(highs_search, "_model", lambda core, *_: core.of_another_name)


def test_a_search_comes_to_the_same_proof_and_says_once_that_it_tells_nothing_on_the_way(unknown, caplog):
    highs.load()
    found = [highs.run(PROGRAMME, 60.0), highs.run(PROGRAMME, nodes=50), highs.again(PROGRAMME, -3.5)]
    assert {(one.cost, one.bound, one.proved) for one in found} == {(-3.5, -3.5, True)}
    assert len(caplog.records) == 1


def test_what_is_infeasible_is_told_with_its_conflict(unknown):
    rows = [*KEPT, ((0, 1), (1.0, 1.0), 2.0, np.inf)]
    programme = highs.Programme(PROGRAMME.costs, np.zeros(3), np.ones(3), rows, np.ones(3, bool), ("weight", "both"))
    assert not highs.run(programme, 60.0).possible
    assert highs.conflict(programme, 60.0) == ["weight", "both"]


def test_solver_and_method_go_on(unknown):
    problem = build([-1.0, 2.0, -1.0], ([0, 0], [1, 2], [-1.5, 2.5]))
    assert highs.Highs().solve(problem, Budget(60.0), 1).energy == -1.0
    cover = registry.read(registry.sample_of("cover").read_text("utf-8"), "cover", "cover")
    warm(cover)
    assert method_of(cover)[1](cover, Budget(60.0), 1, silent, never).proved


def test_a_search_that_is_stopped_is_left_behind(unknown, monkeypatch):
    waits = threading.Event()
    monkeypatch.setattr(milp.load(), "milp", lambda *_, **__: waits.wait())
    assert highs.run(PROGRAMME, 3600.0, stop=lambda: True).values is None
    assert highs.run(PROGRAMME, 0.01).values is None
    left = [thread for thread in threading.enumerate() if thread.name == LEFT_BEHIND]
    assert len(left) == 2
    waits.set()
    for thread in left:
        thread.join(60)
