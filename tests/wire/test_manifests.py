import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import BadInput, Refused
from app.wire.identity import DeviceIdentity
from app.wire.manifests import MOST_CHUNKS, Chunks, canonical, chunk_bytes_for, chunks_of, seal, unseal

LAPTOP = DeviceIdentity.generate("laptop")
PINNED = {LAPTOP.public.device_id: LAPTOP.public}


def test_what_was_sealed_is_read_by_who_pinned_the_signer():
    manifest = {"name": "digits", "size": 3, "self_test": {"b": [1.5], "a": "µ"}}
    assert unseal(seal(LAPTOP, manifest), PINNED.get) == manifest
    with pytest.raises(Refused, match="not paired"):
        unseal(seal(LAPTOP, manifest), {}.get)


@pytest.mark.parametrize("one", ["ed25519", "mldsa"])
def test_both_signatures_must_hold(one):
    sealed, other = seal(LAPTOP, {"a": 1}), seal(LAPTOP, {"a": 2})
    with pytest.raises(Refused, match="does not hold"):
        unseal({**sealed, one: other[one]}, PINNED.get)


def test_the_order_of_keys_changes_nothing():
    assert canonical({"b": 1, "a": [1, 2]}) == canonical({"a": [1, 2], "b": 1}) == b'{"a":[1,2],"b":1}'


@given(st.integers(1, 1 << 40))
def test_pieces_are_few_and_a_power_of_two(total):
    size = chunk_bytes_for(total)
    assert size % (64 << 10) == 0
    assert size & (size - 1) == 0
    assert -(-total // size) <= MOST_CHUNKS


def test_pieces_cover_the_file_and_survive_json():
    data = bytes(range(256)) * 600
    chunks = chunks_of(data)
    spans = [chunks.span(index) for index in range(len(chunks.sha256))]
    assert b"".join(data[first:end] for first, end in spans) == data
    assert [hashlib.sha256(data[first:end]).hexdigest() for first, end in spans] == list(chunks.sha256)
    assert Chunks.from_json(chunks.to_json(), len(data)) == chunks


@pytest.mark.parametrize(
    "told",
    [{}, {"size_bytes": 0, "sha256": ["0" * 64]}, {"size_bytes": 10, "sha256": []}, {"size_bytes": 10, "sha256": ["0" * 64]},
     {"size_bytes": 100, "sha256": ["0"]}, {"size_bytes": 100, "sha256": [7]}],
)  # fmt: skip
def test_pieces_that_do_not_make_up_the_file_are_bad_input(told):
    with pytest.raises(BadInput):
        Chunks.from_json(told, 100)
