import pytest

from app.engine.base.contracts import never, silent
from app.engine.base.errors import BadInput
from app.engine.jobs import drills


def test_a_drill_counts_until_it_is_told_to_stop() -> None:
    assert drills.count({"steps": 3}, 5, silent, never)["counted"] == 3
    assert drills.count({"steps": 3}, 5, silent, lambda: True)["counted"] == 0
    assert drills.deaf({"seconds": 0}, 0, silent, never)["pid"] > 0


def test_a_drill_fails_as_it_is_told() -> None:
    with pytest.raises(BadInput, match="line 7"):
        drills.fail({"how": "told"}, 0, silent, never)
    with pytest.raises(ZeroDivisionError):
        drills.fail({"how": "bug"}, 0, silent, never)


def test_a_drill_returns_as_much_as_it_is_told() -> None:
    assert len(drills.big({"size_bytes": 7}, 0, silent, never)["text"]) == 7
    assert "app.engine.jobs.drills" in drills.surroundings({}, 0, silent, never)["modules"]
