"""Content-addressed files under HOME/artifacts/sha256/ab/…: written once, named by their SHA-256, verified when read."""

import os
from pathlib import Path

from app.engine.base.errors import Conflict, Missing
from app.engine.base.ids import content_id, is_content_id
from app.engine.base.platform import replace_file


def path_of(home: Path, artifact: str) -> Path:
    """Return where the content called `sha256:<hex>` lives; raise `Missing` for anything else."""
    if not is_content_id(artifact):
        raise Missing("{artifact} is no artifact", artifact=artifact)
    digest = artifact.partition(":")[2]
    return home / "artifacts" / "sha256" / digest[:2] / digest


def keep(home: Path, data: bytes) -> str:
    """Write `data` once, durably, and return its id; blocking, so call it off the loop when it is large.

    What is there already is marked as written now, so that who lets go of old files sees that somebody counts on it.
    """
    artifact = content_id(data)
    path = path_of(home, artifact)
    try:
        os.utime(path)
    except FileNotFoundError:
        replace_file(path, data)
    return artifact


def load(home: Path, artifact: str) -> bytes:
    """Return the content of an artifact; raise `Missing` when it is not here, `Conflict` when it was changed."""
    path = path_of(home, artifact)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Missing("The content {artifact} is not on this machine", artifact=artifact) from None
    if content_id(data) != artifact:
        raise Conflict("{file} does not hold what its name says: it was changed or damaged", file=path)
    return data
