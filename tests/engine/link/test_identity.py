import pytest

from app.engine.base.errors import Refused
from app.engine.link.identity import KeySeal, own_identity, public_device_id, seal_key
from app.engine.link.secrets import FileSecrets


def test_an_identity_is_made_once_and_found_again(tmp_path):
    key = seal_key(tmp_path)
    made = own_identity(tmp_path, "laptop", key)
    found = own_identity(tmp_path, "another name", seal_key(tmp_path))
    assert found.public == made.public
    assert public_device_id(tmp_path) == made.public.device_id


def test_the_secret_keys_are_not_readable_without_the_seal(tmp_path):
    made = own_identity(tmp_path, "laptop", seal_key(tmp_path))
    secret = made.tls_key.private_bytes_raw()
    for path in tmp_path.iterdir():
        assert secret not in path.read_bytes()
        assert secret.hex().encode() not in path.read_bytes()
    with pytest.raises(Refused, match="cannot be opened"):
        own_identity(tmp_path, "laptop", b"k" * 32)


def test_a_lost_seal_key_is_refused_and_never_replaced(tmp_path):
    own_identity(tmp_path, "laptop", seal_key(tmp_path, FileSecrets(tmp_path)))
    (tmp_path / "secrets.json").unlink()
    with pytest.raises(Refused, match="is gone"):
        seal_key(tmp_path, FileSecrets(tmp_path))


def test_a_changed_sealed_file_is_refused():
    sealed = bytearray(KeySeal(b"k" * 32).close(b"secret"))
    assert KeySeal(b"k" * 32).open(bytes(sealed)) == b"secret"
    sealed[-1] ^= 1
    with pytest.raises(Refused):
        KeySeal(b"k" * 32).open(bytes(sealed))


def test_no_identity_yet_is_no_device_id(tmp_path):
    assert public_device_id(tmp_path) == ""
    (tmp_path / "device.json").write_text('{"device": "../../etc"}')
    assert public_device_id(tmp_path) == ""
