"""A bundle at a node that nobody reaches: models come in by the same checks as over a link."""

import pytest

from app.agent.exchange import follow
from app.agent.node import Node
from app.agent.options import Options
from app.engine.base.clock import SystemClock
from app.engine.base.errors import Missing, Refused
from app.wire.bundles import read_bundle, write_bundle
from app.wire.identity import DeviceIdentity
from app.wire.manifests import chunks_of, seal

LAPTOP = DeviceIdentity.generate("laptop")


@pytest.fixture
async def node(tmp_path):
    made = Node(Options(tmp_path, "north-1", cadence_s=0.1), SystemClock())
    await made._pin(LAPTOP.public)
    yield made
    await made.close()


def sealed(kit, net, version=1, **changed):
    manifest = {**kit.manifest_of(net, version), "chunks": chunks_of(net.data).to_json(), "issued_us": 1, **changed}
    return seal(LAPTOP, manifest)


def updates(node, path, at_us, *, models=(), files=(), desired=None):
    body = {"nodes": {node.device: {"desired": desired or {}, "models": list(models), "cursor": {"epoch": "", "seq": 0}}}}
    write_bundle(path, LAPTOP, "updates", body, dict(files), at_us=at_us)
    return path


async def test_a_model_of_a_bundle_answers_and_one_that_fails_its_test_changes_nothing(node, kit, tmp_path):
    good, bad = kit.make_net(1), kit.make_net(2)
    files = {kit.sha_of(net.data).removeprefix("sha256:"): net.data for net in (good, bad)}
    wrong = {**kit.manifest_of(bad, 2)["self_test"], "output": kit.manifest_of(good, 1)["self_test"]["output"]}
    models = [sealed(kit, good), sealed(kit, bad, 2, self_test=wrong)]
    told = await follow(node, updates(node, tmp_path / "in", 5, models=models, files=files.items()), tmp_path / "out")
    assert [(each["state"], bool(each["error"])) for each in told["models"]] == [("succeeded", False), ("failed", True)]
    assert [model.version for model in node.models.status()] == [1]
    again = await follow(node, updates(node, tmp_path / "in", 6, models=models[:1], files=files.items()), tmp_path / "out")
    assert again["models"][0]["state"] == "already_installed"
    report = read_bundle(tmp_path / "out", "reports", {node.device: node.identity.public}.get)
    assert report.body["status"]["models"][0]["version"] == 1


async def test_a_stranger_an_old_bundle_and_one_for_others_are_refused(node, tmp_path):
    path = updates(node, tmp_path / "in", 5, desired={"cadence_s": 5, "labels": {"a": "1"}})
    assert (await follow(node, path, tmp_path / "out"))["twin"] == "applied"
    assert node.cadence_s == 5
    with pytest.raises(Refused, match="not newer"):
        await follow(node, path, tmp_path / "out")
    bad = updates(node, tmp_path / "in", 6, desired={"cadence_s": -5})
    assert "between" in (await follow(node, bad, tmp_path / "out"))["twin"]
    write_bundle(tmp_path / "in", DeviceIdentity.generate("x"), "updates", {"nodes": {}}, {}, at_us=9)
    with pytest.raises(Refused, match="not paired"):
        await follow(node, tmp_path / "in", tmp_path / "out")
    write_bundle(tmp_path / "in", LAPTOP, "updates", {"nodes": {}}, {}, at_us=9)
    with pytest.raises(Missing, match="nothing for this node"):
        await follow(node, tmp_path / "in", tmp_path / "out")
