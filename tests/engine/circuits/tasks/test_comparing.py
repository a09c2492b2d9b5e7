from app.engine.circuits.tasks import comparing
from app.engine.circuits.tasks.work import run


def test_rows_hold_what_was_asked_both_answers_and_what_it_took():
    first, second = (run({"task": "phase", "options": {"qubits": count}}, 1) for count in (3, 5))
    rows = {(part, name): (one, other) for part, name, one, other in comparing.compare(first, second)}
    assert rows["asked", "qubits"] == (3, 5)
    assert rows["quantum", "resolution"] == (1 / 8, 1 / 32)
    assert rows["classical", "phase"][0] == rows["classical", "phase"][1]
    assert rows["run", "qubits"] == (4, 6)
    assert rows["run", "quantum_advantage"] == ("no", "no")
    assert rows["run", "confidence"] == (first["confidence"], second["confidence"])


def test_lists_stay_out_and_what_one_lacks_is_none():
    rows = comparing.compare({"solution": {"a": [1], "b": 1.5}}, {"solution": {"c": True}})
    quantum = [row for row in rows if row[0] == "quantum"]
    assert quantum == [["quantum", "b", 1.5, None], ["quantum", "c", None, True]]
    text = comparing.text_of({"first": {"task": "one"}, "second": {"task": "two"}, "rows": quantum})
    assert [line.split() for line in text.splitlines()] == [
        ["one", "two"],
        ["quantum", "b", "1.5", "–"],
        ["quantum", "c", "–", "yes"],
    ]
