import json

import pytest

from app.engine.link import machine
from app.engine.link.identity import drop_identity, own_identity, public_device_id, seal_key
from app.engine.link.secrets import FileSecrets

HERE, THERE = "08:00:2b:00:00:01", "08:00:2b:00:00:02"


@pytest.fixture
def at(monkeypatch):
    def be(adapters, system=("one",)):
        monkeypatch.setattr(machine, "facts", lambda: {"adapters": list(adapters), "system": list(system)})

    return be


@pytest.mark.parametrize(
    ("before", "now", "elsewhere"),
    [
        (([HERE],), ([HERE],), False),
        (([HERE, THERE],), ([THERE],), False),  # an adapter that broke, or was plugged in
        (([HERE],), ([THERE],), True),  # the system's id came along with the disk
        (([HERE],), ([],), False),  # nothing to compare but the system's id
        (([], ["one"]), ([THERE], ["two"]), True),
        (([], []), ([THERE],), False),
    ],
)
def test_another_machine_is_told_by_what_its_makers_gave_it_and_nothing_is_told_from_nothing(
    tmp_path, at, before, now, elsewhere
):
    at(*before)
    machine.note(tmp_path, "d" * 32)
    at(*now)
    machine.note(tmp_path, "d" * 32)  # the first note stands
    assert machine.is_elsewhere(tmp_path, "d" * 32) is elsewhere


def test_no_note_or_a_damaged_one_tells_nothing(tmp_path, at):
    at([HERE])
    assert not machine.is_elsewhere(tmp_path, "d" * 32)
    for damaged in ("{", "[]"):
        (tmp_path / machine.FILE).write_text(damaged)
        assert not machine.is_elsewhere(tmp_path, "d" * 32)


def test_what_is_noted_are_digests_bound_to_the_device(tmp_path, at):
    at([HERE])
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    machine.note(tmp_path / "a", "d" * 32)
    machine.note(tmp_path / "b", "e" * 32)
    one, other = [json.loads((tmp_path / name / machine.FILE).read_text()) for name in "ab"]
    assert HERE not in json.dumps([one, other])
    assert one["adapters"] != other["adapters"]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (HERE, True),
        ("02:00:00:00:00:01", False),
        ("01:00:5e:00:00:01", False),
        ("00:00:00:00:00:00", False),
        ("fe80::1", False),
    ],
)
def test_addresses_that_programs_make_up_are_no_makers(address, told):
    assert machine._is_a_makers(address) is told


def test_of_linux_adapters_those_count_that_are_built_in_under_their_own_address(tmp_path, monkeypatch):
    for name, kind, bus in (("eth0", "0", "pci/"), ("wlan0", "3", "pci/"), ("dongle", "0", "pci/usb1/"), ("veth0", "3", "")):
        (tmp_path / "net" / name).mkdir(parents=True)
        (tmp_path / "net" / name / "address").write_text(f"{name}\n")
        (tmp_path / "net" / name / "addr_assign_type").write_text(f"{kind}\n")
        if bus:
            (tmp_path / "devices" / bus / name).mkdir(parents=True)
            (tmp_path / "net" / name / "device").symlink_to(tmp_path / "devices" / bus / name)
    monkeypatch.setattr(machine, "_ADAPTERS", tmp_path / "net")
    assert machine.facts()["adapters"] == ["eth0"]


def test_this_machine_is_itself(tmp_path):
    own_identity(tmp_path, "laptop", seal_key(tmp_path, FileSecrets(tmp_path)))
    assert not machine.is_elsewhere(tmp_path, public_device_id(tmp_path))


def test_dropped_keys_are_gone_and_the_next_ones_are_others(tmp_path, at):
    at([HERE])
    key = seal_key(tmp_path, FileSecrets(tmp_path))
    before, sealed = own_identity(tmp_path, "laptop", key).public, (tmp_path / "device.key").read_bytes()
    at([THERE])
    drop_identity(tmp_path)
    drop_identity(tmp_path)  # again, after a kill
    assert public_device_id(tmp_path) == ""
    assert all(sealed not in path.read_bytes() for path in tmp_path.iterdir())
    after = own_identity(tmp_path, "laptop", seal_key(tmp_path, FileSecrets(tmp_path))).public
    assert after.device_id != before.device_id
    assert after.ed25519 != before.ed25519
    assert after.mldsa != before.mldsa
    assert not machine.is_elsewhere(tmp_path, after.device_id)
