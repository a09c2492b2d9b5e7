"""What a problem's own method found in its time is made again from its work, without one."""

import json

import numpy as np
import pytest

from app.engine.base.contracts import Budget, never, silent
from app.engine.qubo.adapters import cpsat
from app.engine.qubo.adapters.highs import Highs
from app.engine.qubo.domain.methods import method_of
from app.engine.qubo.problems import registry

RNG = np.random.default_rng(20)


def places(n):
    return [f"c{k},{x},{y}" for k, (x, y) in enumerate(RNG.integers(0, 1000, (n, 2)))]


def jobs(n, m):
    rows = [" ".join(f"{machine} {RNG.integers(5, 99)}" for machine in RNG.permutation(m)) for _ in range(n)]
    return "\n".join([f"{n} {m}", *rows])


def squares(n):
    return "\n".join([str(n), *(" ".join(map(str, row)) for _ in range(2) for row in np.triu(RNG.integers(0, 30, (n, n)), 1))])


SAMPLES = {kind: registry.read(registry.sample_of(kind).read_text("utf-8"), kind, kind) for kind in registry.KINDS}
CASES = {
    "tsp": "\n".join(["name,x,y", *places(45)]),
    "tsp, of hundreds": "\n".join(["name,x,y", *places(150)]),
    "cvrp": "\n".join(
        ["capacity = 40", "name,x,y,demand", "depot,500,500,0", *(f"{row},{7 + k % 9}" for k, row in enumerate(places(24)))]
    ),
    "jobshop": jobs(12, 8),
    "flowshop": "\n".join(["18 6", *(" ".join(f"{k} {t}" for k, t in enumerate(row)) for row in RNG.integers(1, 99, (18, 6)))]),
    "qap": squares(11),
}


@pytest.mark.parametrize("case", CASES)
def test_the_answer_is_made_again_without_a_clock(case):
    problem = registry.read(CASES[case], case, case.partition(",")[0])
    _, method = method_of(problem)
    found = method(problem, Budget(0.3), 3, silent, never)
    work = json.loads(json.dumps(found.work))
    again = method(problem, Budget(0.0), 3, silent, never, again=work)
    assert again.answer == found.answer
    assert not found.no_recipe


@pytest.mark.parametrize("kind", [kind for kind, problem in SAMPLES.items() if method_of(problem) and kind != "portfolio"])
def test_the_sample_of_a_kind_is_solved_again_without_a_clock(kind):
    name, method = method_of(SAMPLES[kind])
    # What HiGHS gets ends with its proof.
    found = method(SAMPLES[kind], Budget(60.0 if name == Highs.title else 0.1), 5, silent, never)
    again = method(SAMPLES[kind], Budget(0.0), 5, silent, never, again=json.loads(json.dumps(found.work)))
    assert again.answer == found.answer


def test_what_cp_sat_finds_on_several_threads_says_why_it_is_not_made_again():
    assert cpsat.no_recipe(1) == ""
    assert "on 2 threads" in cpsat.no_recipe(2)
