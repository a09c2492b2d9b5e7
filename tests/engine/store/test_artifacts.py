import hashlib
from pathlib import Path

import pytest

from app.engine.base.errors import Conflict, Missing
from app.engine.store import artifacts


def test_content_is_kept_once_under_the_name_of_its_hash(tmp_path: Path) -> None:
    artifact = artifacts.keep(tmp_path, b"weights")
    assert artifact == artifacts.keep(tmp_path, b"weights") == "sha256:" + hashlib.sha256(b"weights").hexdigest()
    assert artifacts.load(tmp_path, artifact) == b"weights"
    digest = artifact.removeprefix("sha256:")
    assert artifacts.path_of(tmp_path, artifact) == tmp_path / "artifacts" / "sha256" / digest[:2] / digest


def test_changed_content_is_refused(tmp_path: Path) -> None:
    artifact = artifacts.keep(tmp_path, b"weights")
    artifacts.path_of(tmp_path, artifact).write_bytes(b"evil")
    with pytest.raises(Conflict, match="changed or damaged"):
        artifacts.load(tmp_path, artifact)


@pytest.mark.parametrize("name", ["sha256:" + "0" * 64, "../../etc/passwd", "sha256:../x"])
def test_what_is_not_here_or_no_artifact_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(Missing):
        artifacts.load(tmp_path, name)
