import stat
import sys
import threading

import pytest

from app.engine.base.errors import Refused, Timeout
from app.engine.link.secrets import FileSecrets, KeyringSecrets, in_time, open_secrets


class MemoryKeyring:
    """Keeps secrets in memory under a module name that is on the allow-list."""

    def __init__(self):
        self.kept = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password


class LockedKeyring(MemoryKeyring):
    def set_password(self, service, username, password):
        raise RuntimeError("the collection is locked")

    def get_password(self, service, username):
        raise RuntimeError("the collection is locked")


class HangingKeyring(MemoryKeyring):
    def __init__(self):
        super().__init__()
        self.let_go = threading.Event()

    def set_password(self, service, username, password):
        self.let_go.wait(30)


class PlaintextKeyring(MemoryKeyring):
    pass


MemoryKeyring.__module__ = "keyring.backends.SecretService"
LockedKeyring.__module__ = "keyring.backends.SecretService"
HangingKeyring.__module__ = "keyring.backends.SecretService"
PlaintextKeyring.__module__ = "keyrings.alt.file"


def test_file_gives_back_what_was_kept_to_a_new_process(tmp_path):
    FileSecrets(tmp_path).put("seal", b"\x00\x01secret")
    FileSecrets(tmp_path).put("other", b"more")
    assert FileSecrets(tmp_path).get("seal") == b"\x00\x01secret"
    assert FileSecrets(tmp_path).get("other") == b"more"
    assert FileSecrets(tmp_path).get("absent") is None


def test_file_holds_no_plain_text(tmp_path):
    FileSecrets(tmp_path).put("seal", b"correct horse battery staple")
    assert b"correct horse" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_file_and_key_are_readable_by_their_owner_alone(tmp_path):
    FileSecrets(tmp_path).put("seal", b"x")
    for name in ("secrets.json", "secrets.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_another_key_is_refused(tmp_path):
    FileSecrets(tmp_path).put("seal", b"x")
    (tmp_path / "secrets.key").write_bytes(b"k" * 32)
    with pytest.raises(Refused, match=r"secrets\.json cannot be opened"):
        FileSecrets(tmp_path).get("seal")


def test_a_missing_key_is_refused_and_no_new_one_is_made(tmp_path):
    FileSecrets(tmp_path).put("seal", b"x")
    (tmp_path / "secrets.key").unlink()
    with pytest.raises(Refused, match="is missing"):
        FileSecrets(tmp_path).get("seal")
    assert not (tmp_path / "secrets.key").exists()


def test_a_secret_moved_under_another_name_is_refused(tmp_path):
    FileSecrets(tmp_path).put("seal", b"x")
    path = tmp_path / "secrets.json"
    path.write_text(path.read_text().replace('"seal"', '"lock"'))
    with pytest.raises(Refused):
        FileSecrets(tmp_path).get("lock")


def test_plain_text_backend_is_refused():
    with pytest.raises(Refused, match=r"keyrings\.alt"):
        KeyringSecrets(PlaintextKeyring(), "owner")


def test_trusted_keyring_is_used_and_remembered(tmp_path):
    backend = MemoryKeyring()
    open_secrets(tmp_path, lambda: backend).put("seal", b"abc")
    assert open_secrets(tmp_path, lambda: backend).get("seal") == b"abc"
    assert not (tmp_path / "secrets.json").exists()


@pytest.mark.parametrize("make", [LockedKeyring, PlaintextKeyring, lambda: None])
def test_a_keyring_that_cannot_be_used_falls_back_to_the_file(tmp_path, make):
    open_secrets(tmp_path, make).put("seal", b"abc")
    assert isinstance(open_secrets(tmp_path, make), FileSecrets)
    assert open_secrets(tmp_path, make).get("seal") == b"abc"


def test_a_hanging_keyring_falls_back_within_its_limit(tmp_path):
    backend = HangingKeyring()
    try:
        assert isinstance(open_secrets(tmp_path, lambda: backend, limit_s=0.05), FileSecrets)
    finally:
        backend.let_go.set()


def test_a_keyring_that_fails_later_is_an_error_and_no_new_place(tmp_path):
    open_secrets(tmp_path, MemoryKeyring)
    with pytest.raises(Refused, match="locked"):
        open_secrets(tmp_path, LockedKeyring).get("seal")
    with pytest.raises(Refused, match="not there"):
        open_secrets(tmp_path, lambda: None)


def test_a_call_in_time_passes_its_result_and_its_error():
    assert in_time(lambda: 5, 1.0) == 5
    with pytest.raises(ZeroDivisionError):
        in_time(lambda: 1 // 0, 1.0)
    gate = threading.Event()
    with pytest.raises(Timeout):
        in_time(lambda: gate.wait(30), 0.01)
    gate.set()
