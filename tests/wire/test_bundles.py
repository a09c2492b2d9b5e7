import random
import zipfile

import pytest

from app.engine.base.errors import BadInput, Missing, OutpostError, Refused
from app.wire.bundles import BundleWriter, read_bundle, write_bundle
from app.wire.identity import DeviceIdentity

ONE, OTHER = DeviceIdentity.generate("one"), DeviceIdentity.generate("other")


def pinned(device):
    return ONE.public if device == ONE.public.device_id else None


@pytest.fixture
def bundle(tmp_path):
    path = tmp_path / "b.bundle"
    write_bundle(path, ONE, "updates", {"nodes": {"d": {}}}, {"abc": b"data"}, at_us=7)
    return path


def test_what_was_written_is_read(bundle):
    found = read_bundle(bundle, "updates", pinned)
    assert (found.signer, found.at_us, found.body, found.read("abc")) == (
        ONE.public.device_id,
        7,
        {"nodes": {"d": {}}},
        b"data",
    )
    with pytest.raises(Missing):
        found.read("abd")


def test_a_stranger_and_another_kind_are_refused(bundle, tmp_path):
    with pytest.raises(BadInput, match="no bundle of reports"):
        read_bundle(bundle, "reports", pinned)
    write_bundle(tmp_path / "o", OTHER, "updates", {}, {}, at_us=1)
    with pytest.raises(Refused, match="not paired"):
        read_bundle(tmp_path / "o", "updates", pinned)


def changed(bundle, name, change):
    with zipfile.ZipFile(bundle) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    members[name] = change(members[name])
    with zipfile.ZipFile(bundle, "w") as archive:
        for each, data in members.items():
            archive.writestr(each, data)


def test_a_changed_byte_anywhere_is_found(bundle):
    changed(bundle, "abc", lambda data: b"dete")
    with pytest.raises(BadInput, match="not what was signed"):
        read_bundle(bundle, "updates", pinned).read("abc")
    changed(bundle, "bundle.json", lambda data: data.replace(b'"at_us":7', b'"at_us":8'))
    with pytest.raises(Refused, match="does not hold"):
        read_bundle(bundle, "updates", pinned)


def test_a_file_that_is_none_is_told(tmp_path):
    (tmp_path / "x").write_bytes(b"no archive")
    with pytest.raises(BadInput, match="no bundle"):
        read_bundle(tmp_path / "x", "updates", pinned)
    with zipfile.ZipFile(tmp_path / "y", "w") as archive:
        archive.writestr("other", b"")
    with pytest.raises(BadInput, match="no bundle"):
        read_bundle(tmp_path / "y", "updates", pinned)
    with pytest.raises(Missing):
        read_bundle(tmp_path / "z", "updates", pinned)
    with pytest.raises(BadInput, match="name of a file"):
        write_bundle(tmp_path / "v", ONE, "updates", {}, {"../x": b""}, at_us=1)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_anywhere_is_told_in_a_line(bundle, tmp_path, method):
    with zipfile.ZipFile(bundle) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    with zipfile.ZipFile(bundle, "w", method) as archive:
        for each, data in members.items():
            archive.writestr(each, data)
    whole, chance, spoilt, told = bundle.read_bytes(), random.Random(method), tmp_path / "spoilt", 0
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        spoilt.write_bytes(data)
        try:
            read_bundle(spoilt, "updates", pinned).read("abc")
        except OutpostError:
            told += 1
    assert told


def test_a_compressed_member_is_refused_before_it_is_unpacked(bundle):
    with zipfile.ZipFile(bundle) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, data in members.items():
            archive.writestr(each, data)
    with pytest.raises(BadInput, match="compressed"):
        read_bundle(bundle, "updates", pinned)


def test_a_bundle_is_written_file_by_file_and_whole_or_not_at_all(tmp_path):
    path, beside = tmp_path / "b", tmp_path / "b.new"
    write_bundle(path, ONE, "sync", {"n": 1}, {}, at_us=1)
    for whole in (False, True):
        writer = BundleWriter(path)
        sizes = []
        for at in range(3):
            writer.add(f"part-{at}", bytes(100_000))
            sizes.append(beside.stat().st_size)
        assert sizes == sorted(set(sizes))
        assert read_bundle(path, "sync", pinned).body == {"n": 1}
        size = writer.close(ONE, "sync", {"n": 2}, at_us=2) if whole else 0
        writer.drop()
        assert not beside.exists()
    bundle = read_bundle(path, "sync", pinned)
    assert (bundle.body, bundle.read("part-2"), path.stat().st_size) == ({"n": 2}, bytes(100_000), size)


def test_a_bundle_that_the_disk_has_no_room_for_leaves_nothing(tmp_path, monkeypatch):
    writer = BundleWriter(tmp_path / "b")
    writer.add("part-0", b"x")

    def full(*_how):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer._archive, "writestr", full)
    with pytest.raises(OSError, match="No space"):
        writer.add("part-1", b"y")
    writer.drop()
    assert list(tmp_path.iterdir()) == []
