import dataclasses
import json

import pytest

from app.engine.base.errors import BadInput
from app.wire.status import Inventory, ModelStatus, Status

STATUS = Status(
    "ab" * 16, "north-1", "0.1.0", 5, 1, "e", 9, 2, 1.0,
    (ModelStatus("digits", 3, "sha256:" + "0" * 64, True, 4), ModelStatus("empty")), 0.5, None, {"newer": [1]},
)  # fmt: skip
INVENTORY = Inventory(
    "ab" * 16, "north-1", "host", "Linux", "x86_64", 4, 1 << 30, 1 << 40, "3.11.7", "0.1.0",
    {"onnxruntime": "1.31"}, {"site": "north"}, {"newer": {}},
)  # fmt: skip


@pytest.mark.parametrize("record", [STATUS, INVENTORY])
def test_a_record_survives_json_with_what_a_newer_node_added(record):
    assert type(record).from_json(json.loads(json.dumps(record.to_json()))) == record


@pytest.mark.parametrize("record", [STATUS, INVENTORY])
def test_every_record_carries_its_schema(record):
    assert record.to_json()["schema"] == 1


@pytest.mark.parametrize("record", [dataclasses.replace(STATUS, extra={}), dataclasses.replace(INVENTORY, extra={})])
def test_a_wrong_kind_of_value_is_bad_input(record):
    for key in record.to_json():
        if key not in {"schema", "cpu_ratio", "mem_ratio"}:
            with pytest.raises(BadInput):
                type(record).from_json({**record.to_json(), key: 1.5 if key != "cadence_s" else "x"})


@pytest.mark.parametrize("model", [3, {}, {"name": 1}, {"name": "a", "version": "1"}])
def test_a_malformed_model_is_bad_input(model):
    with pytest.raises(BadInput):
        ModelStatus.from_json(model)
