import dataclasses
import json

from app.engine.control.records import KINDS


def test_kinds_are_plain_data_under_their_own_names():
    for name, kind in KINDS.items():
        assert kind.name == name
        assert 0 < kind.low <= kind.high
        assert kind.plant in {"sizing", "admission"}
        assert json.loads(json.dumps(dataclasses.asdict(kind)))["unit"] == kind.unit
