from pathlib import Path

import pytest

from app.engine.base.errors import BadInput, Missing, OutpostError
from app.engine.circuits.tasks import base, registry, work

KEYS = {"task_type", "solution", "classical_baseline", "quantum_advantage", "execution", "error_rate", "confidence"}
SMALL = {"qaoa": {"nodes": 4, "layers": 1}, "bb84": {"photons": 5000}, "ising": {"steps": 5}, "lindblad": {"steps": 5}, "fourier": {"qubits": 3},
         "phase": {"qubits": 3, "shots": 50}, "grover": {"variables": 4, "clauses": 3}, "classify": {"splits": 2, "training": 30, "features": 2},
         "vqe": {"shots": 50}}  # fmt: skip
NODES = {"formula": ["condition", 0], "conditions": ["label.gpu"], "held": [[True, False]], "names": ["a", "b"],
         "matched": [True, False]}  # fmt: skip


def _same(result):
    return {key: value for key, value in result.items() if key != "execution"}


@pytest.mark.parametrize("name", registry.TASKS)
def test_every_task_tells_the_promised_keys_and_the_same_for_the_same_seed(name):
    spec = {"task": name, "options": SMALL.get(name, {}), **({"data": NODES} if name == "fleet" else {})}
    told = work.run(spec, 5)
    assert set(told) >= KEYS
    assert told["quantum_advantage"] in ("yes", "no", "undecided")
    assert told["execution"]["provider"] in ("simulated", "classical")
    assert 0 <= told["confidence"] <= 1
    assert _same(told) == _same(work.run(spec, 5))
    assert told["text"].startswith(registry.need(name).title)


@pytest.mark.parametrize("name", registry.TASKS)
def test_every_task_runs_or_tells_why_not_at_the_low_end_of_its_options(name):
    task = registry.need(name)
    least = {param.name: param.low for param in task.params if not param.choices and param.low < param.high}
    data = {"data": NODES} if name == "fleet" else {}
    for seed in (1, 2):
        try:
            told = set(work.run({"task": name, "options": least, **data}, seed))
        except OutpostError as error:
            told = KEYS if str(error) else set()
        assert told >= KEYS


def test_options_are_read_from_one_text():
    assert base.read_options("a=1, b=x") == {"a": "1", "b": "x"}
    with pytest.raises(BadInput, match="name=value"):
        base.read_options("a")


@pytest.mark.parametrize(
    "options, told",
    [({"qubits": "many"}, "a whole number"), ({"qubits": 0}, "between 1 and 14"), ({"depth": 1}, "has no option depth"),
     ({"phase": "x"}, "a number")],
)  # fmt: skip
def test_bad_options_are_refused(options, told):
    with pytest.raises(BadInput, match=told):
        registry.need("phase").take(options)


def test_an_unknown_task_is_missing():
    with pytest.raises(Missing, match="no task nope"):
        registry.need("nope")


def test_what_is_listed_is_plain():
    told = registry.need("phase").to_json()
    assert told["steps"]
    assert {param["name"] for param in told["params"]} == {"qubits", "phase", "shots"}


def test_options_may_hold_spaces_commas_and_backslashes_within_quotes():
    assert base.read_options("qubits=5, phase=0.3") == {"qubits": "5", "phase": "0.3"}
    assert base.read_options("'file=/a b/c,d.cnf' clauses=3") == {"file": "/a b/c,d.cnf", "clauses": "3"}
    assert base.read_options('file="C:\\my files\\a#1.cnf"') == {"file": "C:\\my files\\a#1.cnf"}
    with pytest.raises(BadInput, match="never closed"):
        base.read_options('file="a b')


def test_the_page_of_circuits_says_what_error_and_confidence_of_each_task_are():
    page = (Path(__file__).parents[4] / "docs" / "circuits.md").read_text(encoding="utf-8")
    for task in registry.TASKS.values():
        assert f"| {task.name} | {task.error_means} | {task.confidence_means} |" in page
        assert task.to_json()["confidence"] == task.confidence_means
