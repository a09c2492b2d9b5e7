import pytest

from app.engine.base.errors import BadInput
from app.wire.documents import parse_object, to_bytes


@pytest.mark.parametrize("data", [b"", b"[]", b"3", b'{"a":NaN}', b'{"a":Infinity}', b"[" * 100_000, b"\xff"])
def test_only_a_json_object_is_a_document(data):
    with pytest.raises(BadInput):
        parse_object(data)


def test_a_document_survives_its_bytes():
    document = {"a": [1, 2.5, None, "ü"], "b": {}}
    assert parse_object(to_bytes(document)) == document


def test_nan_is_never_sent():
    with pytest.raises(ValueError):
        to_bytes({"a": float("nan")})
