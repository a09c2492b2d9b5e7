import dataclasses
import stat
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from app.engine.base.errors import BadInput
from app.wire.identity import DeviceIdentity, PublicIdentity, device_of, is_device_id

ONE = DeviceIdentity.generate("north-1")
TWO = DeviceIdentity.generate("north-2")


class Xor:
    def close(self, data: bytes) -> bytes:
        return bytes(byte ^ 7 for byte in data)

    open = close


def test_the_device_id_is_half_of_the_digest_of_the_key():
    import hashlib

    assert ONE.public.device_id == hashlib.sha256(ONE.public.ed25519).hexdigest()[:32]
    assert is_device_id(ONE.public.device_id)
    assert not is_device_id(ONE.public.device_id.upper() + "0")


def test_an_identity_survives_json():
    assert PublicIdentity.from_json(ONE.public.to_json()) == ONE.public


def test_an_identity_survives_its_file_which_only_its_owner_reads(tmp_path):
    ONE.save(tmp_path)
    again = DeviceIdentity.load(tmp_path)
    assert again is not None
    assert again.public == ONE.public
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "device.key").stat().st_mode) == 0o600


def test_a_sealed_file_shows_nothing_and_opens_with_its_seal(tmp_path):
    ONE.save(tmp_path, Xor())
    assert b"ed25519" not in (tmp_path / "device.key").read_bytes()
    again = DeviceIdentity.load(tmp_path, Xor())
    assert again is not None
    assert again.public == ONE.public


def test_no_file_means_no_identity(tmp_path):
    assert DeviceIdentity.load(tmp_path) is None


@pytest.mark.parametrize("damage", [b"", b"{", b'{"ed25519": "00"}', b"\xff\xff"])
def test_a_damaged_file_is_named(tmp_path, damage):
    (tmp_path / "device.key").write_bytes(damage)
    with pytest.raises(BadInput, match=r"device\.key"):
        DeviceIdentity.load(tmp_path)


@pytest.mark.parametrize("part", ["device", "ed25519", "mldsa", "certificate"])
def test_parts_of_two_devices_do_not_make_one(part):
    mixed = {**ONE.public.to_json(), part: TWO.public.to_json()[part]}
    if part == "mldsa":
        assert PublicIdentity.from_json(mixed).mldsa == TWO.public.mldsa  # bound by the pairing proof, not by the id
    else:
        with pytest.raises(BadInput):
            PublicIdentity.from_json(mixed)


@pytest.mark.parametrize("part", ["device", "name", "ed25519", "mldsa", "certificate"])
@pytest.mark.parametrize("value", [None, 3, "zz", ""])
def test_a_malformed_part_is_refused(part, value):
    if (part, value) in {("name", "zz"), ("name", "")}:
        return
    with pytest.raises(BadInput):
        PublicIdentity.from_json({**ONE.public.to_json(), part: value})


@pytest.mark.parametrize("document", [None, [], "text", {}])
def test_something_else_is_no_identity(document):
    with pytest.raises(BadInput):
        PublicIdentity.from_json(document)


def test_both_signatures_must_hold():
    one, two = ONE.sign(b"message", b"context")
    assert ONE.public.verify(b"message", one, two, b"context")
    assert not ONE.public.verify(b"massage", one, two, b"context")
    assert not ONE.public.verify(b"message", one, two, b"another")
    assert not ONE.public.verify(b"message", one, TWO.sign(b"message", b"context")[1], b"context")
    assert not ONE.public.verify(b"message", TWO.sign(b"message", b"context")[0], two, b"context")
    assert not TWO.public.verify(b"message", one, two, b"context")


def test_verify_agrees_with_the_library():
    ed25519, mldsa = Ed25519PrivateKey.generate(), MLDSA65PrivateKey.generate()
    raw = ed25519.public_key().public_bytes_raw()
    identity = dataclasses.replace(
        ONE.public, ed25519=raw, mldsa=mldsa.public_key().public_bytes_raw(), device_id=device_of(raw)
    )
    assert identity.verify(b"m", ed25519.sign(b"m"), mldsa.sign(b"m", b"c"), b"c")
