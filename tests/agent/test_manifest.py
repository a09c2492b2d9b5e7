import pytest

from app.agent.manifest import Manifest
from app.engine.base.errors import BadInput

GOOD = {
    "schema": 1, "name": "digits", "version": 3, "artifact": "sha256:" + "a" * 64, "size_bytes": 10,
    "self_test": {"input": [[1.0]], "output": [[2.0]], "tolerance": 1e-4}, "newer": True,
}  # fmt: skip


def test_a_manifest_survives_json_with_what_a_newer_console_added():
    assert Manifest.from_json(GOOD).to_json() == GOOD


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": 3}, "name"), ({"version": "3"}, "version"), ({"version": -1}, "version"), ({"artifact": "x"}, "artifact"),
        ({"size_bytes": None}, "size_bytes"), ({"self_test": {}}, "self_test"), ({"self_test": []}, "self_test"),
        ({"self_test": {"input": [], "output": [], "tolerance": 1}}, "self_test"),
        ({"self_test": {"input": [[1]], "output": [], "tolerance": 1}}, "self_test"),
        ({"self_test": {"input": [[1]], "output": [[1]]}}, "self_test"),
        ({"self_test": {"input": [[1]], "output": [[1]], "tolerance": -1}}, "self_test"),
    ],
)  # fmt: skip
def test_a_malformed_manifest_names_the_field(changed, field):
    with pytest.raises(BadInput) as caught:
        Manifest.from_json({**GOOD, **changed})
    assert caught.value.field == field
