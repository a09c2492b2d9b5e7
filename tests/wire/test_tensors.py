import contextlib
import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.engine.base.errors import BadInput, Limit
from app.wire.tensors import digests, pack, unpack

MOST = 1 << 20
NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12).filter(lambda n: n != "__metadata__")
ARRAYS = hnp.arrays(np.float32, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))


def document(header, data=b""):
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(head).to_bytes(8, "little") + head + data


@settings(deadline=None)
@given(st.dictionaries(NAMES, ARRAYS, max_size=4), st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))
def test_tensors_survive_the_wire(tensors, meta):
    got, told = unpack(pack(tensors, meta), most_bytes=MOST)
    assert told == meta
    assert got.keys() == tensors.keys()
    for name, array in tensors.items():
        assert got[name].dtype == np.float32
        np.testing.assert_array_equal(got[name], array)


def test_the_layout_is_that_of_safetensors():
    data = pack({"b": np.array([[1.5, 2]], np.float64), "a": np.float32(3)}, {"k": "v"})
    size = int.from_bytes(data[:8], "little")
    assert json.loads(data[8 : 8 + size]) == {
        "__metadata__": {"k": "v"},
        "a": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]},
        "b": {"dtype": "F32", "shape": [1, 2], "data_offsets": [4, 12]},
    }
    assert data[8 + size :] == np.array([3, 1.5, 2], "<f4").tobytes()
    assert size % 8 == 0


def test_what_was_unpacked_is_ones_own():
    got, _ = unpack(pack({"x": np.zeros(3)}, {}), most_bytes=MOST)
    got["x"] += 1
    assert got["x"].sum() == 3


def test_views_are_not_copied_and_cannot_be_written_to():
    data = pack({"x": np.arange(3)}, {"k": "v"})
    got, _ = unpack(data, most_bytes=MOST, views=True)
    assert np.shares_memory(got["x"], np.frombuffer(data, np.uint8))
    with pytest.raises(ValueError, match="read-only"):
        got["x"] += 1
    odd = document(b'{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} ' + b" " * (len(data) % 2), np.float32(7).tobytes())
    assert unpack(odd, most_bytes=MOST, views=True)[0]["x"][0] == 7


def test_metadata_is_understood_wherever_others_put_it():
    entry = '"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
    for head in (f'{{"__metadata__":{{"k":"v"}} ,\n{entry}}}', f'{{{entry}, "__metadata__": {{"k": "v"}}}}'):
        got, told = unpack(document(head.encode(), np.float32(7).tobytes()), most_bytes=MOST)
        assert (got["x"][0], told) == (7, {"k": "v"})


def test_a_document_larger_than_allowed_is_refused():
    with pytest.raises(Limit):
        unpack(pack({"x": np.zeros(100)}, {}), most_bytes=100)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_tensors_or_bad_input(data):
    with contextlib.suppress(BadInput):
        unpack(data, most_bytes=MOST)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_document_never_reads_beyond_itself(data):
    whole = bytearray(pack({"x": np.arange(6, dtype=np.float32).reshape(2, 3), "y": np.ones(2)}, {"k": "v"}))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    try:
        got, _ = unpack(bytes(whole[:cut]), most_bytes=MOST)
        assert sum(array.nbytes for array in got.values()) <= cut
    except BadInput:
        assert cut >= 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "header does not fit"),
        ((1 << 40).to_bytes(8, "little"), "header does not fit"),
        (document(b"["), "not JSON"),
        (document(b"[" * 100_000), "not JSON"),
        (document([]), "not an object"),
        (document(b'{"x":1,"x":2}'), "names something twice"),
        (document({"__metadata__": {"a": 1}}), "metadata"),
        (document(b'{"__metadata__":{"a":"1"},}'), "not JSON"),
        (document(b'{"__metadata__":{"a":"1"}"x":{}}'), "not JSON"),
        (document(b'{"__metadata__":{"a":"1"},"__metadata__":{}}'), "names something twice"),
        (document(b'{"__metadata__":{"a":"1","a":"2"}}'), "names something twice"),
        (document(b'{"__metadata__":{"a":"1"}'), "not JSON"),
        (document(b'{"__metadata__":{"a":"1"}} x'), "not JSON"),
        (document(b'{"__metadata__": null}'), "metadata"),
        (document({"x": 3}), "entry of 'x'"),
        (document({"x": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}, bytes(8)), "'F64', not F32"),
        (document({"x": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, bytes(4)), "shape or place"),
        (document({"x": {"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]}}, bytes(4)), "shape or place"),
        (document({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, bytes(4)), "does not fit its bytes"),
        (document({"x": {"dtype": "F32", "shape": [0, 1 << 47, 1 << 47], "data_offsets": [0, 0]}}), "does not fit its bytes"),
        (document({"x": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, bytes(8)), "overlap or leave a gap"),
        (document({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(4)), "ends too early"),
        (document({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, bytes(8)), "left over"),
    ],
)
def test_a_malformed_document_says_why(data, reason):
    with pytest.raises(BadInput, match=reason):
        unpack(data, most_bytes=MOST)


@given(st.binary(max_size=60), st.integers(0, 59))
def test_a_change_of_any_byte_changes_the_digest_of_the_whole(data, at):
    document = pack({"x": np.frombuffer(data[: len(data) // 4 * 4], np.uint8).astype(np.float32)}, {"round": "1"})
    at %= len(document)
    changed = document[:at] + bytes([document[at] ^ 1]) + document[at + 1 :]
    assert digests(document)[0] != digests(changed)[0]


def test_the_digest_of_the_numbers_is_that_of_their_bytes_whatever_is_said_beside_them():
    numbers = np.arange(6, dtype=np.float32)
    one, other = (digests(pack({"b": numbers[:2], "a": numbers[2:]}, meta)) for meta in ({}, {"loss": "1"}))
    assert one[1] == other[1] == hashlib.sha256(numbers[2:].tobytes() + numbers[:2].tobytes()).hexdigest()
    assert one[0] != other[0]
