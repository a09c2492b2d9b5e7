import json
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest

from app.agent import slots as slots_module
from app.agent.models import Models
from app.agent.shelf import Shelf, Span
from app.engine.base.errors import BadInput, Conflict, Missing, OutpostError
from app.wire.manifests import chunks_of
from app.wire.selftest import drawn, drawn_input, told_output
from app.wire.tensors import pack, unpack


class Place:
    """The models of one node, that can be opened again as after a restart."""

    def __init__(self, folder, kit) -> None:
        self._folder, self._kit = folder, kit
        self.open()

    def open(self) -> None:
        self.shelf = Shelf(self._folder / "artifacts")
        self.models = Models(self._folder / "models", self.shelf)

    def prepare(self, net, version: int, **changed):
        if net.data:
            self.shelf.announce(self._kit.sha_of(net.data), chunks_of(net.data))
            self.shelf.take(self._kit.sha_of(net.data), Span(0, len(net.data)), net.data)
        return self.do("prepare", **self._kit.manifest_of(net, version, **changed))

    def do(self, verb: str, **document):
        return self.models.change("digits", verb, document)

    def status(self):
        return next(iter(self.models.status()), None)

    def answer(self, x):
        return unpack(self.models.infer("digits", pack({"x": x}, {})), most_bytes=1 << 20)


@pytest.fixture
def place(tmp_path, kit):
    return Place(tmp_path, kit)


@pytest.fixture(scope="module")
def nets(kit):
    return [kit.make_net(seed) for seed in range(3)]


def test_a_model_goes_from_prepared_to_committed_and_answers_as_onnxruntime_does(place, nets):
    told = place.prepare(nets[0], 1)
    assert (told["version"], told["prepared_version"], told["loaded"]) == (None, 1, False)
    with pytest.raises(Missing, match="is active"):
        place.answer(nets[0].x)
    assert place.do("activate", version=1)["version"] == 1
    assert place.do("commit")["committed"]
    rows = np.random.default_rng(0).random((100, 64), dtype=np.float32)
    got, meta = place.answer(rows)
    wanted = onnxruntime.InferenceSession(nets[0].data).run(None, {"x": rows})[0]
    np.testing.assert_allclose(got["y"], wanted, atol=1e-6)
    assert meta["version"] == "1"


def test_a_model_is_quick_once_it_was_seen_to_be_and_is_loaded(place, nets, monkeypatch):
    place.prepare(nets[0], 1)
    place.do("activate")
    assert not place.models.is_quick("digits", 100)
    spent, now = iter([0.0, 1e-3, *[0.0, 1e-5] * 20]), [0.0]  # before and after each run

    def thread_time():
        now[0] += next(spent)
        return now[0]

    monkeypatch.setattr("app.agent.models.time.thread_time", thread_time)
    place.answer(nets[0].x)
    assert not place.models.is_quick("digits", 100)
    for _ in range(14):
        place.answer(nets[0].x)
    assert place.models.is_quick("digits", 100)
    assert not place.models.is_quick("digits", 1 << 20)
    assert not place.models.is_quick("nobody", 100)
    place.open()
    assert not place.models.is_quick("digits", 100)


def test_a_rollback_brings_the_old_version_back_until_the_commit(place, nets):
    for version, net in enumerate(nets[:2], 1):
        place.prepare(net, version)
        place.do("activate")
        if version == 1:
            place.do("commit")
    np.testing.assert_allclose(place.answer(nets[1].x)[0]["y"], nets[1].y, atol=1e-5)
    told = place.do("rollback")
    assert (told["version"], told["committed"]) == (1, True)
    np.testing.assert_allclose(place.answer(nets[0].x)[0]["y"], nets[0].y, atol=1e-5)
    place.do("activate")
    place.do("commit")
    with pytest.raises(Conflict, match="committed"):
        place.do("rollback")
    assert place.status().version == 2


def test_after_the_commit_the_version_before_stands_in_for_a_file_that_went_bad(place, nets, tmp_path):
    for version, net in enumerate(nets[:2], 1):
        place.prepare(net, version)
        place.do("activate")
        place.do("commit")
    models = place.models
    assert [key[1] for key in models._loaded] == [models.slots("digits").manifest.artifact]  # the old one takes no memory
    body = pack({"x": nets[0].x}, {})
    told, meta = unpack(models.infer_before("digits", body), most_bytes=1 << 20)
    np.testing.assert_allclose(told["y"], nets[0].y, atol=1e-5)
    assert meta["version"] == "1"
    place.prepare(nets[0], 3)
    with pytest.raises(Missing, match="stands before"):
        models.infer_before("digits", body)


def test_rolling_back_the_first_version_leaves_none(place, nets):
    place.prepare(nets[0], 1)
    place.do("activate")
    assert place.do("rollback")["version"] is None
    with pytest.raises(Missing):
        place.answer(nets[0].x)


def test_nothing_is_prepared_over_an_uncommitted_version(place, nets):
    place.prepare(nets[0], 1)
    place.do("activate")
    with pytest.raises(Conflict, match="not committed"):
        place.prepare(nets[1], 2)


def test_verbs_that_were_done_can_be_said_again(place, nets):
    assert place.prepare(nets[0], 1) == place.prepare(nets[0], 1)
    assert place.do("activate", version=1) == place.do("activate", version=1)
    assert place.do("commit") == place.do("commit")


def test_activating_another_version_than_the_one_prepared_is_a_conflict(place, nets):
    place.prepare(nets[0], 1)
    with pytest.raises(Conflict, match="Version 9"):
        place.do("activate", version=9)
    assert place.status().version is None


def test_the_active_version_is_there_after_a_restart_without_the_artifact(place, nets, tmp_path):
    place.prepare(nets[0], 1)
    place.do("activate")
    for path in (tmp_path / "artifacts").iterdir():
        path.unlink()
    place.open()
    assert not place.status().loaded
    np.testing.assert_allclose(place.answer(nets[0].x)[0]["y"], nets[0].y, atol=1e-5)
    assert place.status().loaded


def test_a_model_that_fails_its_self_test_is_refused_and_the_old_one_stays(place, nets):
    place.prepare(nets[0], 1)
    place.do("activate")
    place.do("commit")
    wrong = {"input": nets[1].x.tolist(), "output": nets[0].y.tolist(), "tolerance": 1e-4}
    with pytest.raises(BadInput, match="fails its self-test"):
        place.prepare(nets[1], 2, self_test=wrong)
    assert (place.status().version, place.status().prepared_version) == (1, None)


@pytest.mark.parametrize(
    "test",
    [
        {"input": [["x"]], "output": [[1]], "tolerance": 1},
        {"input": [[1, 2], [3]], "output": [[1], [1]], "tolerance": 1},
        {"input": [[1.0] * 64], "output": [[1.0]], "tolerance": 1},
        {"input": [[1.0] * 3], "output": [[1.0] * 10], "tolerance": 1},
        {"input": [[1.0] * 64], "output": [[1.0] * 10], "tolerance": 0},
    ],
    ids=["text", "ragged", "other shape out", "other shape in", "too strict"],
)
def test_a_self_test_that_does_not_fit_is_bad_input(place, nets, test):
    with pytest.raises(BadInput):
        place.prepare(nets[0], 1, self_test=test)
    assert place.status() is None


def with_test_inside(net, text):
    model = onnx.load_model_from_string(net.data)
    model.metadata_props.add(key="outpost.self_test", value=text)
    return SimpleNamespace(data=model.SerializeToString(), x=net.x, y=net.y)


def test_the_self_test_inside_the_artifact_is_asked_too(place, nets):
    right = {"input": nets[0].x.tolist(), "output": nets[0].y.tolist(), "tolerance": 1e-4}
    assert place.prepare(with_test_inside(nets[0], json.dumps(right)), 1)["prepared_version"] == 1
    wrong = {**right, "output": (nets[0].y + 1).tolist()}
    for text, words in ((json.dumps(wrong), "fails its self-test"), ("{}", "cannot be read"), ("nonsense", "cannot be read")):
        with pytest.raises(BadInput, match=words):
            place.prepare(with_test_inside(nets[0], text), 2)
    assert place.status().prepared_version == 1


def test_a_model_of_pictures_proves_itself_and_answers(place):
    shape = ["n", 3, 48, 48]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("GlobalAveragePool", ["picture"], ["mean"])], "net",
        [onnx.helper.make_tensor_value_info("picture", onnx.TensorProto.FLOAT, shape)],
        [onnx.helper.make_tensor_value_info("mean", onnx.TensorProto.FLOAT, ["n", 3, 1, 1])],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    x = drawn(3, (2, 3, 48, 48))
    net = SimpleNamespace(data=model.SerializeToString(), x=x, y=x.mean(axis=(2, 3), keepdims=True))
    test = {"input": drawn_input(3, x.shape), "output": told_output(net.y), "tolerance": 1e-4}
    with pytest.raises(BadInput, match="fails its self-test"):
        place.prepare(net, 1, self_test={**test, "output": told_output(net.y + 1)})
    place.prepare(net, 1, self_test=test)
    assert place.do("shadow")["source"] == "self_test"
    place.do("activate")
    assert np.allclose(place.answer(x)[0]["y"], net.y, atol=1e-5)
    place.open()  # the manifest on disk is read again
    assert place.status().version == 1


@pytest.mark.parametrize("cut", [10, 100, -5])
def test_a_malformed_model_is_refused_with_a_clear_line(place, nets, kit, cut):
    broken = type(nets[0])(data=nets[0].data[:cut], x=nets[0].x, y=nets[0].y)
    with pytest.raises(BadInput, match="digits"):
        place.prepare(broken, 1)
    assert place.status() is None


def test_a_manifest_of_another_file_is_refused(place, nets, kit):
    with pytest.raises(BadInput, match="not what its manifest says"):
        place.prepare(nets[0], 1, size_bytes=3)


def test_a_file_changed_on_disk_is_not_loaded(place, nets, tmp_path):
    place.prepare(nets[0], 1)
    place.do("activate")
    for path in (tmp_path / "models/digits").glob("*.onnx"):
        path.write_bytes(nets[1].data)
    place.open()
    with pytest.raises(BadInput, match="not what its manifest says"):
        place.answer(nets[0].x)


@pytest.mark.parametrize("verb", ["activate", "commit", "rollback"])
def test_a_verb_without_a_model_is_missing(place, verb):
    with pytest.raises(Missing):
        place.do(verb)


def test_an_unknown_verb_is_missing(place):
    with pytest.raises(Missing):
        place.do("dance")


def test_another_name_in_the_manifest_is_refused(place, nets):
    with pytest.raises(BadInput, match="not of digits"):
        place.prepare(nets[0], 1, name="letters")


def test_a_write_that_fails_at_any_step_leaves_the_old_version_or_the_new(place, nets, monkeypatch):
    place.prepare(nets[0], 1)
    place.do("activate")
    place.do("commit")
    place.prepare(nets[1], 2)  # so that the next one has a slot to empty first
    real = slots_module.replace_file
    seen = set()
    for stop_at in range(6):
        left = [stop_at]

        def write(path, data, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise OSError("power cut")
            real(path, data)

        monkeypatch.setattr(slots_module, "replace_file", write)
        try:
            place.prepare(nets[2], 3)
            place.do("activate")
            place.do("commit")
        except OSError:
            seen.add("cut")
        monkeypatch.setattr(slots_module, "replace_file", real)
        place.open()
        version = place.status().version
        seen.add(version)
        np.testing.assert_allclose(place.answer(nets[version - 1].x)[0]["y"], nets[version - 1].y, atol=1e-5)
        if version == 3:
            break
    assert seen == {"cut", 1, 3}


def test_input_that_does_not_fit_is_bad_input_and_the_model_stays(place, nets):
    place.prepare(nets[0], 1)
    place.do("activate")
    for body in (b"", b"junk", pack({"x": np.zeros((2, 3))}, {}), pack({}, {}), pack({"a": np.zeros(1), "b": np.zeros(1)}, {})):
        with pytest.raises(OutpostError):
            place.models.infer("digits", body)
    assert place.answer(nets[0].x)[0]["y"].shape == (3, 10)
