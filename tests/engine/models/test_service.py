import numpy as np
import onnx
import pytest

from app.engine.base.errors import BadInput, Conflict, Missing, Refused
from app.engine.base.ids import content_id
from app.engine.models.adapters.onnx_model import stamped
from app.engine.models.service import ModelsService
from tests.engine.models.nets import linear_model, picture_model

ONE, TWO = linear_model([[1, 2], [3, 4], [5, 6]]), linear_model([[1, 0], [0, 1], [1, 1]])


async def test_versions_count_up_and_the_same_file_again_is_the_same_version(base, models):
    first = await models.register("digits", ONE, {"accuracy": 0.9}, {"run": "r1"}, actor="me@here")
    second = await models.register("digits", TWO, actor="me@here")
    assert (first.title, second.title, first.state) == ("digits:1", "digits:2", "draft")
    assert (first.metrics, first.lineage) == ({"accuracy": 0.9}, {"run": "r1", "source": content_id(ONE)})
    assert (first.artifact, first.size_bytes) == (content_id(await models.read(first)), len(await models.read(first)))
    assert stamped(models.path_of(first))["self_test"] == first.inputs["self_test"]
    assert await models.register("digits", ONE, actor="me@here") == first
    assert (await models.register("other", ONE, actor="me@here")).title == "other:1"
    assert models.find("digits") == models.find("digits:2") == models.find(second.id) == second
    assert models.find(second.artifact) == second
    again = ModelsService(base)
    await again.start()
    assert list(again.records) == list(models.records)

    manifest = models.manifest(first)
    assert (manifest["name"], manifest["version"], manifest["artifact"]) == ("digits", 1, first.artifact)
    rows = np.array(manifest["self_test"]["input"])
    assert np.allclose(manifest["self_test"]["output"], rows @ [[1, 2], [3, 4], [5, 6]], atol=1e-5)
    assert np.allclose(await models.predict(first, [[1, 1, 1]], actor="me@here"), [[9, 12]])

    await models.make_active(first, actor="me@here")
    await models.make_active(second, actor="me@here")
    assert [model.state for model in models.records] == ["retired", "active", "draft"]
    assert await models.go_back("digits", actor="me@here") == models.find("digits:1")
    assert [model.state for model in models.records] == ["active", "retired", "draft"]
    with pytest.raises(Missing, match="go back"):
        await models.go_back("other", actor="me@here")


async def test_a_malformed_file_is_named_and_nothing_is_kept(base, models, tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(ONE[: len(ONE) // 2])
    with pytest.raises(BadInput, match=r"broken\.onnx"):
        await models.import_file(path, "digits", actor="me@here")
    assert len(models.records) == 0
    assert [p for p in (base.home / "artifacts").rglob("*") if p.is_file()] == []
    with pytest.raises(Missing, match=r"absent\.onnx"):
        await models.import_file(tmp_path / "absent.onnx", "digits", actor="me@here")


@pytest.mark.parametrize("name", ["", "a/b", "../x", "-x", ".hidden", "a" * 65, "a b"])
async def test_a_name_that_could_be_a_path_is_refused(models, name):
    with pytest.raises(BadInput) as caught:
        await models.register(name, ONE, actor="me@here")
    assert caught.value.field == "name"


async def test_an_export_is_the_same_bytes_and_damage_is_told(models, tmp_path):
    path = tmp_path / "in.onnx"
    path.write_bytes(ONE)
    model = await models.import_file(path, "digits", actor="me@here")
    assert model.lineage == {"kind": "import", "file": "in.onnx", "source": content_id(ONE)}
    await models.export("digits", tmp_path / "out.onnx")
    assert content_id((tmp_path / "out.onnx").read_bytes()) == model.artifact
    again = await models.import_file(tmp_path / "out.onnx", "digits", actor="me@here")
    assert again == model
    other = await models.import_file(tmp_path / "out.onnx", "other", actor="me@here")
    assert (other.artifact, "source" in other.lineage) == (model.artifact, False)  # it carries its self-test already
    models.path_of(model).write_bytes(TWO)
    with pytest.raises(Conflict, match="damaged"):
        await models.export("digits", tmp_path / "worse.onnx")
    assert not (tmp_path / "worse.onnx").exists()
    with pytest.raises(Missing):
        models.find("digits:7")


async def test_a_model_without_a_self_test_goes_to_no_node(models):
    two = onnx.load_model_from_string(picture_model(["n", 2], ("Add", ["picture", "other"], ["answer"]), out=["n", 2]))
    two.graph.input.append(onnx.helper.make_tensor_value_info("other", onnx.TensorProto.FLOAT, ["n", 2]))
    kept = await models.register("two", two.SerializeToString(), actor="me@here")
    with pytest.raises(BadInput, match="self-test"):
        models.manifest(kept)


async def test_a_model_of_a_drilled_session_is_neither_made_active_nor_brought_to_nodes(models):
    model = await models.register("digits", ONE, lineage={"run_id": "r1", "rounds": 5, "drilled": 3}, actor="me@here")
    with pytest.raises(Refused, match="digits:1 comes from a session that was drilled in round 3"):
        await models.make_active(model, actor="me@here")
    with pytest.raises(Refused, match="drilled in round 3"):
        models.manifest(model)
    assert models.find("digits:1").state == "draft"


async def test_a_model_whose_last_layer_nobody_trained_is_neither_made_active_nor_brought_to_nodes(models):
    model = await models.register("digits", ONE, lineage={"run_id": "r1", "headless": "fedper"}, actor="me@here")
    with pytest.raises(Refused, match="the last layer of digits:1: with fedper each node"):
        await models.make_active(model, actor="me@here")
    with pytest.raises(Refused, match="the last layer"):
        models.manifest(model)
