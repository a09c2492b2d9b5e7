from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from app.engine.base.errors import BadInput
from app.engine.flows.train import Registry, export


@dataclass(frozen=True)
class Version:
    id: str
    name: str
    artifact: str
    version: int = 1


class Learning:
    async def export(self, run, **given):
        return {"onnx": b"model bytes", "metrics": {"accuracy": 0.9}, "lineage": {"run_id": run}}


class Models:
    def __init__(self):
        self.taken = []

    async def register(self, name, data, **given):
        self.taken.append((name, data, given))
        return Version("m1", name, "sha256:00")


async def test_a_run_becomes_a_version_with_its_metrics_and_lineage(tmp_path):
    models = Models()
    told = await export(Learning(), models, "r1", file=tmp_path / "copy.onnx", actor="me@here", cause="c1")
    assert told == {"id": "m1", "name": "digits", "artifact": "sha256:00", "version": 1}
    name, data, given = models.taken[0]
    assert (name, data, given["metrics"], given["lineage"]) == ("digits", b"model bytes", {"accuracy": 0.9}, {"run_id": "r1"})
    assert (given["actor"], given["cause"]) == ("me@here", "c1")
    assert (tmp_path / "copy.onnx").read_bytes() == b"model bytes"


async def test_a_copy_that_cannot_be_written_is_told_and_nothing_is_registered(tmp_path):
    models = Models()
    (tmp_path / "taken").write_text("a file, no folder")
    with pytest.raises(BadInput, match="taken"):
        await export(Learning(), models, "r1", file=tmp_path / "taken" / "copy.onnx", actor="me@here")
    assert not models.taken


async def test_the_registry_knows_which_rounds_of_a_run_it_has_and_keeps_others():
    models = Models()
    models.records = [
        SimpleNamespace(name="digits", lineage={"run_id": "r1", "rounds": 2}),
        SimpleNamespace(name="digits", lineage={"run_id": "r2", "rounds": 3}),
        SimpleNamespace(name="parts", lineage={"run_id": "r1", "rounds": 4}),
        SimpleNamespace(name="digits", lineage={"kind": "import"}),
    ]
    registry = Registry(Learning(), models)
    assert registry.held("r1", "digits") == {2}
    told = await registry.keep("r1", "digits", 3, actor="me@here", cause="c1")
    assert (told["id"], told["name"], told["version"]) == ("m1", "digits", 1)
    assert models.taken[0][0] == "digits"
    with pytest.raises(BadInput, match="cannot name"):
        registry.check("../digits")
