import numpy as np

from app.engine.learning.records import Part, Round
from app.engine.learning.sessions import Session, digest_of, pack, part_row, unpack
from app.engine.learning.strategy import Global
from app.wire import tensors

SESSION = Session("s1", "North", "mlp-6-5-3", (("id0", "narvik"),), {"rounds": 3}, started_us=7)


def test_a_checkpoint_comes_back_bit_for_bit():
    rng = np.random.default_rng(0)
    rows = {"control": rng.standard_normal(9).astype(np.float32)}
    now = Global({"w1": rng.standard_normal((2, 4)).astype(np.float32), "b1": np.float32([np.pi])}, rows)
    again = unpack(pack(now))
    assert {name: value.tobytes() for name, value in again.params.items()} == {
        name: value.tobytes() for name, value in now.params.items()
    }
    assert np.array_equal(again.rows["control"], rows["control"])


def test_a_session_comes_back_from_its_row():
    assert Session.of(SESSION.row()) == SESSION
    later = SESSION.after(Round(2, 0.5, 1.0, 0.1), {"state": "sha256:1"})
    assert (later.round, later.accuracy, later.checkpoint) == (2, 0.5, {"state": "sha256:1"})


def test_equal_updates_have_equal_digests_which_are_those_of_the_wire():
    one = {"b": np.ones(2, np.float32), "a": np.zeros(1, np.float32)}
    assert digest_of(one) == digest_of(dict(reversed(one.items())))
    assert digest_of(one) != digest_of({**one, "a": np.ones(1, np.float32)})
    assert digest_of(one) == tensors.digests(tensors.pack(one, {"loss": "0.5"}))[1]


def test_a_part_tells_what_was_sent_and_not_the_update_itself():
    row = part_row("s1", 2, "id0", Part(0, "narvik", "bad", reason="stale", digest="ab", norm=1.5), 9)
    assert row["model_update"] == {"digest": "ab", "norm": 1.5, "bytes": 0}
    assert (row["status"], row["reason"], row["submitted_at"], row["privacy_spent"]) == ("bad", "stale", 9, None)
