from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from app.engine.base.errors import BadInput, Limit
from app.engine.base.records import Records
from app.engine.flows.train import Registry, export, spare
from app.engine.learning.sessions import Session
from app.engine.models.records import ModelVersion


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
        self.taken, self.held = [], []
        self.keeping = SimpleNamespace(hold=self.hold)

    async def hold(self, model, **_given):
        self.held.append(model.id)

    async def register(self, name, data, **given):
        self.taken.append((name, data, given))
        made = Version("m1", name, "sha256:00")
        self.records = SimpleNamespace(need={"m1": made}.get)
        return made


async def test_a_run_becomes_a_version_with_its_metrics_and_lineage(tmp_path):
    models = Models()
    told = await export(Learning(), models, "r1", file=tmp_path / "copy.onnx", actor="me@here", cause="c1")
    assert told == {"id": "m1", "name": "digits", "artifact": "sha256:00", "version": 1}
    name, data, given = models.taken[0]
    assert (name, data, given["metrics"], given["lineage"]) == ("digits", b"model bytes", {"accuracy": 0.9}, {"run_id": "r1"})
    assert (given["actor"], given["cause"]) == ("me@here", "c1")
    assert (tmp_path / "copy.onnx").read_bytes() == b"model bytes"
    assert models.held == ["m1"]


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
    assert (models.taken[0][0], models.held) == ("digits", [])
    with pytest.raises(BadInput, match="cannot name"):
        registry.check("../digits")


def version(number, run="r1", accuracy=0.5, **more):
    lineage = {"kind": "federated", "run_id": run, "rounds": number, **more.pop("lineage", {})}
    return ModelVersion(f"{run}-{number}", "digits", number, "sha256:00", 9, {"accuracy": accuracy}, lineage, **more)


@pytest.mark.parametrize("status", ["running", "waiting", "paused"])
def test_of_a_session_that_is_not_over_the_best_and_the_last_so_far_stay(status):
    held = Records(lambda session: session.id, "session")
    held.put(Session("r1", "", "", (), {}, round=5, status=status))
    made = [version(1), version(2, accuracy=0.9), version(3), version(4)]  # that of round 5 is being made
    assert [model.id for model in spare(made, held)] == ["r1-1", "r1-3"]


def test_what_may_go_of_a_session_that_is_over_is_neither_its_best_nor_its_last_nor_what_was_used():
    held = Records(lambda session: session.id, "session")
    for run, status in (("r1", "done"), ("r2", "paused"), ("r3", "stopped")):
        held.put(Session(run, "", "", (), {}, round=6 if run == "r1" else 2, status=status))
    made = [version(1, created_us=5), version(2, accuracy=0.9), version(3, state="active"), version(4, file="kept"),
            version(5, created_us=3), version(6), version(1, "r2"), version(1, "r3", created_us=4), version(2, "r3", 0.6),
            version(1, "unknown"), version(2, lineage={"kind": "simulated"})]  # fmt: skip
    assert [model.id for model in spare(made, held)] == ["r1-5", "r3-1", "r1-1"]


async def test_trouble_with_files_does_not_end_the_session_that_came_upon_it(caplog):
    async def needed(_held):
        raise Limit("The disk is full")

    await Registry(SimpleNamespace(needed=needed), Models()).tidy()
    assert "files of models stay: The disk is full" in caplog.text
