"""What a batch may be: exactly what was encoded, or refused with its reason; never a crash, never a hang."""

import json

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.base.errors import BadInput, Limit, OutpostError
from app.engine.sync import batch
from app.engine.sync.batch import MOST_PLAIN_BYTES, Batch, decode, encode, left_of, split, unpack
from app.engine.sync.ops import FIRST_CHAIN, Op, canonical, link


def op(seq, left=0, **more):
    values = {"table": "saved_views", "row": f"r{seq}", "fields": {"name": "ü"}, "seen": {"name": (4, "bb")}}
    return Op("aa", seq, f"t{seq + left}", left, values["table"], values["row"], True, 100 + seq, values["fields"],
              values["seen"], actor="ann", intent="view.save", schema=7, **more)  # fmt: skip


WHOLE = Batch("aa", "e1", 4, FIRST_CHAIN, (op(5, 1), op(6), op(7)))


def changed(**values):
    return batch.pack({**unpack(encode(WHOLE)), **values})


def test_a_batch_comes_out_as_it_went_in_with_members_nobody_here_knows():
    sent = Batch("aa", "e1", 4, FIRST_CHAIN, (op(5, extra={"mood": [1, {"x": None}]}),))
    assert decode(encode(sent)) == sent
    assert sent.last == 5


def test_equal_logs_have_equal_chains_and_others_have_not():
    chains = WHOLE.chains()
    assert chains[0] == link(FIRST_CHAIN, canonical(WHOLE.ops[0].to_json()))
    assert len(set(chains)) == 3
    assert Batch("aa", "e1", 5, chains[0], WHOLE.ops[1:]).chains() == chains[1:]


OPS = [one.to_json() for one in WHOLE.ops]


@pytest.mark.parametrize(("values", "reason"), [
    ({"format": "else"}, "no operations"), ({"replica": ""}, "names its replica"), ({"replica": "x" * 65}, "names its replica"),
    ({"ops": [OPS[0], OPS[2]]}, "something is missing"), ({"ops": OPS[:1]}, "not whole"),
    ({"ops": [{**OPS[0], "left": 1 << 40}, OPS[1], OPS[2]]}, "count down"),
    ({"ops": [{**OPS[0], "left": 2}, {**OPS[1], "left": 2}, OPS[2]]}, "count down"), ({"ops": [5]}, "is an object"),
    ({"ops": [{**OPS[1], "seq": 5, "table": ""}]}, "names its transaction"),
    ({"ops": [{**OPS[1], "seq": 5, "actor": "x" * 300}]}, "256 signs"),
    ({"ops": [{**OPS[1], "seq": 5, "new": 1}]}, "true or false"),
    ({"ops": [{**OPS[1], "seq": 5, "seen": {"a": [True, "x"]}}]}, "stamp"),
    ({"ops": [{**OPS[1], "seq": 5, "fields": []}]}, "fields"), ({"after": -1}, "after"), ({"after": "4"}, "after"),
])  # fmt: skip
def test_a_malformed_batch_is_refused_with_what_is_wrong_with_it(values, reason):
    with pytest.raises(BadInput, match=reason):
        decode(changed(**values))


def test_bodies_beyond_the_bounds_are_refused_before_they_are_unpacked(monkeypatch):
    with pytest.raises(Limit, match="body"):
        unpack(b"x" * 100, most_bytes=99)
    bomb = zstandard.ZstdCompressor().compress(bytes(1 << 20))
    with pytest.raises(Limit, match="unpacked"):
        unpack(bomb, most_plain_bytes=1 << 10)
    nameless = zstandard.ZstdCompressor(write_content_size=False).compress(b"{}")
    with pytest.raises(Limit):
        unpack(nameless)
    monkeypatch.setattr(batch, "MOST_OPS", 2)
    with pytest.raises(Limit, match="at most 2 operations"):
        decode(encode(WHOLE))
    assert MOST_PLAIN_BYTES > 1 << 20


@pytest.mark.parametrize(("plain", "reason"), [
    (b"{}" + b"\n" * (batch.MOST_OPS + 5), "operations"), (b"[" * (batch._MOST_HEAD + 1), "head"),
    (b'{"x":1}\n' + b"\n" * (batch.MOST_BATCH_BYTES - 8), "operations"), (b"\n" * (batch.MOST_BATCH_BYTES + 1), "unpacked"),
])  # fmt: skip
def test_a_few_kilobytes_that_say_millions_of_lines_are_refused_before_anything_is_made_of_them(plain, reason, monkeypatch):
    made = []
    monkeypatch.setattr(batch, "parse_object", made.append)
    with pytest.raises(Limit, match=reason):
        decode(zstandard.ZstdCompressor().compress(plain))
    assert made == []


def test_an_operation_beyond_its_bound_is_refused(monkeypatch):
    monkeypatch.setattr(batch, "MOST_OP_BYTES", 10)
    with pytest.raises(Limit, match="An operation"):
        decode(encode(WHOLE))


GIVEN = [4, 3, 2, 1, 0, 1, 0]


@pytest.mark.parametrize(("ops", "size", "parts"), [
    (2, 1 << 20, [1, 0, 1, 0, 0, 1, 0]), (9, 500, [1, 0, 1, 0, 0, 1, 0]), (9, 1, [0] * 7), (9, 1 << 20, GIVEN), (4, 1000, [3, 2, 1, 0, 0, 1, 0]),
])  # fmt: skip
def test_a_transaction_too_large_for_a_batch_is_cut_into_parts_and_others_stay_whole(ops, size, parts, monkeypatch):
    monkeypatch.setattr(batch, "PART_OPS", ops)
    monkeypatch.setattr(batch, "PART_BYTES", size)
    told = batch.in_parts([op(seq, left) for seq, left in enumerate(GIVEN, 1)])  # 187 bytes each
    assert ([one.seq for one in told], [one.left for one in told]) == (list(range(1, 8)), parts)
    assert len(decode(encode(Batch("aa", "e1", 0, FIRST_CHAIN, tuple(told)))).ops) == 7


@settings(max_examples=150)
@given(st.binary(max_size=200))
def test_noise_is_bad_input(data):
    with pytest.raises(OutpostError):
        decode(data)


@settings(max_examples=150)
@given(st.data())
def test_a_batch_with_bytes_changed_is_refused_or_read_but_never_a_crash(data):
    body = bytearray(encode(WHOLE))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with_cut = bytes(body[: data.draw(st.integers(0, len(body)))])
    try:
        found = decode(with_cut)
    except OutpostError:
        return
    assert isinstance(found, Batch)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8,
)  # fmt: skip


@settings(max_examples=150)
@given(st.sampled_from(sorted(OPS[1])), json_values)
def test_any_json_in_any_member_is_read_or_refused(member, value):
    try:
        decode(changed(after=5, ops=[{**OPS[1], member: value}]))
    except OutpostError:
        return
    assert json.loads(canonical({"value": value})) == {"value": value}


def test_batches_are_cut_between_transactions_and_hold_one_at_least():
    ops = [op(1, 2).text, op(2, 1).text, op(3).text, op(4).text, op(5).text]
    assert [left_of(one) for one in ops] == [2, 1, 0, 0, 0]
    assert split(ops, 1, 1 << 20) == ops[:3]
    assert split(ops, 4, 1 << 20) == ops[:4]
    assert split(ops, 99, 1) == ops[:3]
    assert split(ops[:2], 99, 1 << 20) == []  # its end is not here yet


def test_what_is_left_of_a_transaction_is_read_past_whatever_a_row_says():
    nasty = '"left":9,"new":true'
    told = Op("aa", 1, "t", 7, "saved_views", nasty, True, 1, {"left": 3, "name": nasty}, {"left": (4, "bb")}, actor=nasty)
    assert left_of(told.text) == 7


@pytest.mark.parametrize(("lines", "reason"), [
    ("{}", "names its transaction"), ("{} {}", "not JSON"), ("[1", "not JSON"), ("", "not JSON"), ("NaN", "not JSON"),
    ("[]", "is an object"), (b"\xff\xfe", "not JSON"),
])  # fmt: skip
def test_a_line_that_is_no_operation_is_refused(lines, reason):
    head = {"schema": 1, "format": batch.FORMAT, "replica": "aa", "after": 4, "lines": "ops"}
    body = canonical(head).encode() + b"\n" + (lines if isinstance(lines, bytes) else lines.encode())
    with pytest.raises(BadInput, match=reason):
        decode(zstandard.ZstdCompressor().compress(body))
    other = canonical({**head, "lines": "replica"}).encode() + b"\n{}"
    with pytest.raises(BadInput, match="not JSON"):
        decode(zstandard.ZstdCompressor().compress(other))
