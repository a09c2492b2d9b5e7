import io
import json

import pytest

from app.engine.control.adapters.process_child import answer, serve


def test_each_line_is_answered_by_one_line():
    told = io.StringIO()
    serve(io.StringIO('[1, "math:sqrt", [9]]\n[2, "math:gcd", [12, 18]]\n'), told)
    assert [json.loads(line) for line in told.getvalue().splitlines()] == [
        {"id": 1, "result": 3.0},
        {"id": 2, "result": 6},
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [("not json", "JSONDecodeError"), ('[3, "math:nope", []]', "AttributeError"), ('[4, "math:sqrt", [-1]]', "ValueError")],
)
def test_what_fails_is_told_with_its_reason(line, told):
    assert json.loads(answer(line))["error"].startswith(told)
