"""An answer is made again from its recipe, or checked as it stands, with the reason."""

import json

import pytest

from app.engine.base.contracts import never, silent
from app.engine.base.errors import Conflict
from app.engine.qubo.adapters import cpsat
from app.engine.qubo.problems import again, registry
from app.engine.qubo.problems.work import solve


def solved(kind, seed=1, **spec):
    """Return the spec of a replay of a solved sample, as the store gives it back."""
    file = str(registry.sample_of(kind))
    result = solve({"file": file, "seconds": 0.3, **spec}, seed, silent, never)
    told = {key: result.get(key) for key in ("sample", "energy", "answer", "objective")}
    return json.loads(json.dumps({"file": file, "kind": "auto", "recipe": result["replay"], "told": told}))


def replayed(spec):
    return again.replay(spec, int(spec["recipe"].get("seed", 0)), silent, never)


SECOND = {
    ("facility", "dwave-descent", 0): {"reads": 20},
    ("facility", "replicas", 1): {"sweeps": 3},
    ("facility", "bifurcation", 0): {"rounds": 2, "steps": 20},
    ("knapsack", "bifurcation", 0): {"rounds": 2, "steps": 20},
}


@pytest.mark.parametrize("kind, solver, seed", SECOND)
def test_an_answer_that_is_not_the_sample_of_least_energy_is_made_again(kind, solver, seed):
    spec = solved(kind, seed, solver=solver, options=SECOND[kind, solver, seed])
    assert spec["recipe"]["sample"] != spec["told"]["sample"]
    made = replayed(spec)
    assert (made["same"], made["verified"], made["why"]) == (True, True, "")
    assert (made["answer"], made["sample"]) == (spec["told"]["answer"], spec["recipe"]["sample"])
    assert made["objective"] == spec["told"]["objective"]


@pytest.mark.parametrize("kind", ["tsp", "qap", "cover", "maxcut"])
def test_the_answer_of_auto_is_made_again(kind):
    spec = solved(kind)
    made = replayed(spec)
    assert (made["same"], made["verified"]) == (True, True)
    assert (made["answer"], made["objective"]) == (spec["told"]["answer"], spec["told"]["objective"])


def test_what_cannot_be_made_again_is_checked_and_says_why(monkeypatch):
    spec = solved("cover", route="domain")
    spec["recipe"]["why"] = cpsat.no_recipe(2)
    made = replayed(spec)
    assert (made["same"], made["verified"], made["objective"]) == (None, True, 11)
    assert "on 2 threads" in made["why"]
    spec["told"]["objective"] = 10
    with pytest.raises(Conflict, match="tells 10"):
        replayed(spec)
    spec = solved("tsp", route="domain")
    spec["recipe"]["work"]["steps"] = 1
    monkeypatch.setattr(cpsat, "available", lambda: False)
    assert "ortools is not installed" in replayed(spec)["why"]


def test_an_answer_that_highs_took_over_in_between_is_checked_and_says_why():
    spec = solved("cover", route="domain")
    spec["recipe"]["work"]["cost"] += 0.5
    made = replayed(spec)
    assert (made["same"], made["verified"]) == (None, True)
    assert "inside a search of a part" in made["why"]


def test_a_file_that_has_changed_is_refused():
    spec = solved("cover")
    spec["recipe"]["text_sha256"] = "0"
    with pytest.raises(Conflict, match="has changed since this run"):
        replayed(spec)
