import io
from pathlib import Path

import pytest

from app.engine.base.errors import BadInput, Conflict
from app.engine.circuits.files import CircuitFiles, given, write_bytes
from app.engine.circuits.samples import FOLDER


class Jobs:
    """Runs work at once, as a worker would."""

    async def run(self, _kind, target, spec, **_job):
        from app.engine.circuits import work

        return getattr(work, target.partition(":")[2])(spec)


class Base:
    def __init__(self, home):
        self.home, self.jobs = home, Jobs()


async def test_import_keeps_a_circuit_and_export_writes_every_format(tmp_path):
    files = CircuitFiles(Base(tmp_path))
    told = await files.take(file=FOLDER / "bell.qasm", name="My pair", replace=False, actor="me")
    assert Path(told["file"]) == tmp_path / "circuits" / "My-pair.qasm"
    assert [sample.name for sample in files.kept()] == ["My-pair"]
    with pytest.raises(Conflict, match="exists already"):
        await files.take(file=FOLDER / "bell.qasm", name="My pair", replace=False, actor="me")
    for ending, form in ((".qpy", "qpy"), (".qasm2", "qasm2"), (".svg", "svg")):
        out = tmp_path / f"out{ending}"
        done = await files.export(file=Path(told["file"]), out=out, form="auto", replace=False, actor="me")
        assert (done["format"], done["size_bytes"]) == (form, out.stat().st_size)
    again = await files.take(file=tmp_path / "out.qpy", name="", replace=False, actor="me")
    assert again["operations"] == told["operations"]


async def test_nothing_malformed_is_kept_and_a_strange_ending_is_told(tmp_path):
    files = CircuitFiles(Base(tmp_path))
    with pytest.raises(BadInput, match="column 1"):
        await files.take(file=None, text="OPENQASM 3;\nfoo;", name="x", replace=False, actor="me")
    assert files.kept() == []
    with pytest.raises(BadInput, match="one of the two"):
        await files.take(file=None, name="x", replace=False, actor="me")
    with pytest.raises(BadInput, match="the ending tells no format"):
        await files.export(file=FOLDER / "bell.qasm", out=tmp_path / "a.doc", form="auto", replace=False, actor="me")


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "a").write_text("x")
    with pytest.raises(BadInput, match="cannot be written"):
        write_bytes(tmp_path / "a" / "b" / "c", b"", replace=False)


def test_a_file_that_is_replaced_keeps_its_content_when_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / "a.qasm"
    path.write_bytes(b"old")

    def no_room(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.engine.base.platform.os.fsync", no_room)
    with pytest.raises(BadInput, match="No space left"):
        write_bytes(path, b"new content", replace=True)
    assert path.read_bytes() == b"old"
    monkeypatch.undo()
    write_bytes(path, b"new content", replace=True)
    assert path.read_bytes() == b"new content"
    assert [one.name for one in tmp_path.iterdir() if one.suffix == ".qasm"] == ["a.qasm"]


def test_a_file_and_a_text_at_once_are_refused_and_so_is_neither(tmp_path):
    with pytest.raises(BadInput, match="one of the two"):
        given(tmp_path / "a.qasm", "OPENQASM 3;")
    with pytest.raises(BadInput, match="Give a circuit file"):
        given(None, "")


class Full(io.FileIO):
    """A file on a disk that is full after three bytes."""

    def write(self, data):
        super().write(bytes(data[:3]))
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("replace", [False, True])
def test_of_a_new_file_that_does_not_fit_nothing_stays(tmp_path, monkeypatch, replace):
    monkeypatch.setattr(Path, "open", lambda self, mode="r", **_: Full(self, mode))
    with pytest.raises(BadInput, match="No space left"):
        write_bytes(tmp_path / "a.qasm", b"OPENQASM 3;", replace=replace)
    assert list(tmp_path.iterdir()) == []
