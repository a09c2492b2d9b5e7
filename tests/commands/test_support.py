"""The rows of support on a real engine."""

import zipfile

import pytest

from app.commands.table import command_table
from app.engine.engine import Engine


@pytest.fixture
async def engine(tmp_path):
    engine = await Engine.open(tmp_path / "home", command_table())
    yield engine
    await engine.close()


async def test_a_bundle_is_written_and_names_neither_home_nor_user(engine, tmp_path):
    file = tmp_path / "b.zip"
    told = await engine.run("support.bundle", file=file)
    assert told["size_bytes"] == file.stat().st_size
    with zipfile.ZipFile(file) as archive:
        assert told["files_count"] == len(archive.namelist())
        assert {"about.json", "activity.json", "counts.json", "jobs.json", "settings.json", "store.json"} <= set(
            archive.namelist()
        )
        said = "\n".join(archive.read(name).decode() for name in archive.namelist())
    assert str(tmp_path) not in said


async def test_claims_are_listed_with_their_verdicts(engine):
    told = await engine.run("support.claims")
    assert told["count"] == len(told["claims"]) > 10
    assert {claim["verdict"] for claim in told["claims"]} <= {"met", "unmet", "not measured"}
