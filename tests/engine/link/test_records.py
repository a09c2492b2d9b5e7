import json

from app.engine.base.errors import Offline
from app.engine.link.records import Batch, Peer, Target
from app.wire.identity import DeviceIdentity
from app.wire.status import Status
from app.wire.telemetry import Measurement


def through_json(document):
    return json.loads(json.dumps(document))


def test_a_target_survives_json():
    peer = Peer("n1", "10.0.0.1:8443", DeviceIdentity.generate("north").public)
    target = Target(peer, "epoch", 41)
    assert Target.from_json(through_json(target.to_json())) == target


def test_a_batch_survives_json():
    status = Status("d" * 32, "north", "1", 5, 1, "e", 3, 0, 1.0)
    batch = Batch("n1", 9, "e", 3, (Measurement(3, 7, cpu_ratio=0.5, extra={"new": 1}),), ((1, 2),), status, round_trip_s=0.01)
    assert Batch.from_json(through_json(batch.to_json())) == batch
    assert batch.error is None
    plain = Batch("n1", 9, "e", 3, (Measurement(3, 7, mem_ratio=0.5, resources={"mem_bytes": 1.0}),))
    assert Batch.from_json(through_json(plain.to_json())) == plain


def test_a_failed_batch_tells_the_error_it_was():
    batch = Batch.from_json(through_json(Batch("n1", 9, problem=Offline("{n} is away", n="north").problem()).to_json()))
    assert isinstance(batch.error, Offline)
    assert str(batch.error) == "north is away"
