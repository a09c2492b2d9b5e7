import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.commands.model import ROWS
from app.engine.base.command import CommandTable, Role
from app.engine.base.records import Records
from app.engine.flows import activate
from app.engine.models.records import ModelVersion

DIGITS = ModelVersion("m1", "digits", 2, "sha256:" + "0" * 64, 10, inputs={"inputs": []})


class Models:
    """Notes what it was asked."""

    def __init__(self):
        self.records, self.asked = Records(lambda model: model.id, "model version"), []
        self.records.put(DIGITS)

    def find(self, key):
        self.asked.append(key)
        return DIGITS

    async def import_file(self, file, name, **given):
        self.asked.append((file, name, given))
        return DIGITS

    async def export(self, key, file):
        self.asked.append((key, file))
        return DIGITS


@pytest.fixture
def call():
    engine = SimpleNamespace(models=Models(), jobs="jobs", link="link", fleet="fleet")
    return SimpleNamespace(engine=engine, actor="me@here", cause="c1")


async def ask(call, command, /, **given):
    row = CommandTable(ROWS).need(command)
    return await row.run(call, **row.take(given))


async def test_model_list_and_model_show_tell_the_version(call):
    (row,) = (await ask(call, "model.list"))["models"]
    assert (row["name"], row["version"], row["state"]) == ("digits", 2, "draft")
    assert "inputs" not in row
    assert (await ask(call, "model.show", model="digits"))["inputs"] == {"inputs": []}


async def test_model_list_shows_the_newest_of_one_name(call):
    for at in range(3, 10):
        call.engine.models.records.put(
            dataclasses.replace(DIGITS, id=f"m{at}", version=at, name="digits" if at % 2 else "other")
        )
    told = (await ask(call, "model.list", name="digits", newest=2))["models"]
    assert [(row["name"], row["version"]) for row in told] == [("digits", 7), ("digits", 9)]
    assert [len((await ask(call, "model.list", **more))["models"]) for more in ({}, {"name": "other"}, {"newest": 99})] == [
        8,
        3,
        8,
    ]


async def test_model_import_names_a_model_after_its_file_unless_told(call):
    await ask(call, "model.import", file="some/net.onnx")
    await ask(call, "model.import", file="some/net.onnx", name="digits")
    assert [(file, name) for file, name, _ in call.engine.models.asked] == [
        (Path("some/net.onnx"), "net"), (Path("some/net.onnx"), "digits"),
    ]  # fmt: skip


async def test_model_export_tells_where_it_went(call):
    told = await ask(call, "model.export", model="digits:2", file="out.onnx")
    assert (told["id"], told["file"]) == ("m1", "out.onnx")


async def test_model_activate_and_model_check_go_to_the_flow(call, monkeypatch):
    seen = []

    async def bring(parts, key, nodes, **given):
        seen.append((parts, key, nodes, given))
        return {"nodes": []}

    async def compare(parts, key, rows, **given):
        seen.append((key, rows, given["nodes"]))
        return {"nodes": []}

    monkeypatch.setattr(activate, "activate", bring)
    monkeypatch.setattr(activate, "check_predictions", compare)
    monkeypatch.setattr(activate, "rows_for", lambda model, count: [model.id] * count)
    await ask(call, "model.activate", model="digits")
    await ask(call, "model.check", model="digits", rows=3, nodes="north")
    parts = activate.Parts("jobs", "link", call.engine.models, "fleet")
    assert seen == [
        (parts, "digits", "all", {"downgrade": False, "actor": "me@here", "cause": "c1"}),
        ("m1", ["m1"] * 3, "north"),
    ]


def test_only_looking_is_free_for_observers():
    assert {row.id for row in ROWS if row.role is Role.OBSERVER} == {"model.list", "model.show", "model.check", "model.compare"}


class Shop:
    """Notes what the workshop is asked."""

    def __init__(self):
        self.asked = []

    async def shrink(self, key, how, trial, *, ratio, actor, cause):
        self.asked.append((key, how, ratio, trial.count, trial.loss_most, trial.latency_ratio_most))
        return DIGITS, {"how": how}

    async def compare(self, one, two, trial, *, actor, cause):
        self.asked.append((one, two, trial.count))
        return {"rows": trial.count}

    async def retire(self, key, **_by):
        self.asked.append(("retire", key))
        return DIGITS


async def test_model_quantize_prune_compare_and_retire_go_to_the_workshop(call):
    shop = call.engine.models.workshop = Shop()
    assert (await ask(call, "model.quantize", model="digits"))["trial"] == {"how": "static"}
    await ask(call, "model.prune", model="digits", ratio=0.3, rows=20, loss_most=0.5)
    await ask(call, "model.compare", model="digits", other="digits:1", rows=9)
    await ask(call, "model.retire", model="digits")
    assert shop.asked == [
        ("digits", "static", 0.0, 256, 0.02, 1.0), ("digits", "prune", 0.3, 20, 0.5, 1.5), ("digits", "digits:1", 9),
        ("retire", "digits"),
    ]  # fmt: skip


async def test_model_promote_makes_a_version_active_and_model_sign_writes_its_manifest(call, tmp_path):
    async def make_active(model, **_by):
        return model

    async def identity():
        return "us"

    async def seal(model, who, *, downgrade):
        return {"manifest": {"chunks": {"sha256": ["0", "1"]}}, "signer": who}

    call.engine.models.make_active, call.engine.models.seal = make_active, seal
    call.engine.link, call.engine.rollouts = SimpleNamespace(identity=identity), None
    assert (await ask(call, "model.promote", model="digits"))["name"] == "digits"

    async def go_back(name, **_by):
        return DIGITS

    call.engine.models.go_back = go_back
    assert (await ask(call, "model.rollback"))["version"] == 2
    told = await ask(call, "model.sign", model="digits", file=tmp_path / "m.json")
    assert (told["signer"], told["pieces"]) == ("us", 2)
    assert (tmp_path / "m.json").read_bytes().startswith(b'{"manifest"')
