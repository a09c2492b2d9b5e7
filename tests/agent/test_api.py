"""What an agent answers, asked over real TLS in a real process."""

import json

import numpy as np
import onnxruntime
import pytest

from app.engine.base.errors import BadInput, Conflict, Missing
from app.engine.learning.nets import initial
from app.wire.signing import HEADER
from app.wire.status import Inventory, Status
from app.wire.tensors import pack, unpack


@pytest.fixture(scope="module")
def nets(kit):
    return [kit.make_net(seed) for seed in range(4)]


def test_status_and_inventory_are_what_the_wire_says(site, kit):
    status = Status.from_json(kit.checked(site.console.get("/v1/status")).json())
    inventory = Inventory.from_json(kit.checked(site.console.get("/v1/inventory")).json())
    assert status.device == inventory.device == site.agent.device
    assert (status.name, inventory.name) == ("north-1", "north-1")
    assert inventory.mem_bytes > 1 << 20
    assert inventory.runtimes["onnxruntime"] == onnxruntime.__version__


def test_measurements_come_in_order_and_a_long_poll_waits_for_the_next(site):
    page = site.console.page(wait=5)
    after = page.cursor
    for _ in range(3):
        page = site.console.page(page.epoch, after, wait=5)
        assert [item.seq for item in page.items] == list(range(after + 1, page.next_seq))
        assert page.items
        assert page.lost == ()
        after = page.cursor
    item = page.items[-1]
    assert 0 <= item.cpu_ratio <= 1
    assert 0 < item.mem_ratio < 1
    assert item.resources["process_mem_bytes"] > 1 << 20


def test_a_page_brings_the_status_when_asked_for_it(site):
    plain = site.console.get("/v1/telemetry").json()
    whole = site.console.get("/v1/telemetry", status=1).json()
    assert "status" not in plain
    assert whole["status"]["device"] == site.console.get("/v1/status").json()["device"]


def test_a_page_holds_no_more_than_asked_for(site):
    site.console.page(wait=5)
    page = site.console.page(limit=1)
    assert [item.seq for item in page.items] == [1]


@pytest.mark.parametrize("params", [{"after": "x"}, {"after": "-1"}, {"limit": "1.5"}, {"wait": "soon"}, {"wait": "nan"}])
def test_a_malformed_question_is_bad_input(site, params):
    reply = site.console.get("/v1/telemetry", **params)
    assert (reply.status_code, reply.json()["type"]) == (400, "bad-input")


def test_desired_state_is_patched_at_its_version_only(site, kit):
    console = site.console
    before = console.get("/v1/twin")
    version = before.json()["version"]
    assert before.headers["etag"] == f'"{version}"'
    change = {"cadence_s": 0.2, "labels": {"site": "north"}, "release": 7}
    told = kit.checked(console.change("PATCH", "/v1/twin", change, {"If-Match": f'"{version}"'})).json()
    assert told["version"] == told["reported"]["applied_version"] == version + 1
    assert told["reported"]["cadence_s"] == 0.2
    assert told["reported"]["ignored"] == ["release"]
    assert console.get("/v1/inventory").json()["labels"] == {"site": "north"}
    with pytest.raises(Conflict):
        kit.checked(console.change("PATCH", "/v1/twin", change, {"If-Match": str(version)}))
    with pytest.raises(BadInput, match="If-Match"):
        kit.checked(console.change("PATCH", "/v1/twin", change))
    with pytest.raises(BadInput, match="cadence_s"):
        kit.checked(console.change("PATCH", "/v1/twin", {"cadence_s": 0}, {"If-Match": str(version + 1)}))
    assert console.get("/v1/twin").json() == told


def test_an_artifact_is_resumed_and_a_corrupt_piece_refused(site, kit):
    data = np.random.default_rng(1).bytes(300_000)
    artifact, console, piece = kit.sha_of(data), site.console, 65536
    put = lambda body, first: console.change(  # noqa: E731
        "PUT", f"/v1/artifacts/{artifact}", body, {"Content-Range": f"bytes {first}-{first + len(body) - 1}/{len(data)}"}
    )
    assert put(data[:piece], 0).status_code == 403
    assert console.announce(data)["missing"] == [[0, 300_000]]
    assert put(data[:piece], 0).json()["missing"] == [[piece, 300_000]]
    assert put(data[: piece - 1], 0).status_code == 409
    assert put(b"!" + data[piece + 1 : 3 * piece], piece).status_code == 400
    assert put(data[2 * piece :], 2 * piece).json()["missing"] == [[piece, 2 * piece]]
    assert console.announce(data)["received_bytes"] == 300_000 - piece
    assert put(data[piece : 2 * piece], piece).json() == {
        "schema": 1, "received_bytes": 300_000, "complete": True, "missing": [],
    }  # fmt: skip


def test_a_model_is_installed_and_answers_as_onnxruntime_does_on_a_hundred_rows(site, nets):
    site.console.install(nets[0], 1)
    rows = np.random.default_rng(0).random((100, 64), dtype=np.float32)
    got, meta = unpack(site.console.infer(rows).content, most_bytes=1 << 20)
    wanted = onnxruntime.InferenceSession(nets[0].data).run(None, {"x": rows})[0]
    np.testing.assert_allclose(got["y"], wanted, atol=1e-6)
    assert (got["y"].argmax(1) == wanted.argmax(1)).all()
    assert meta["version"] == "1"
    site.console.infer(rows[:, :3])
    after, seen = 0, []
    while sum(item.inference_count for item in seen) < 1 or not any(item.error_ratio for item in seen):
        page = site.console.page(after=after, wait=5)
        after, seen = page.cursor, [*seen, *page.items]
    counted = next(item for item in seen if item.inference_count)
    assert 0 < counted.latency_p50_s <= counted.latency_p99_s < 60


def test_a_malformed_model_is_refused_with_a_clear_line_and_nothing_changes(site, nets, kit):
    before = site.console.get("/v1/status").json()["models"]
    broken = type(nets[1])(data=nets[1].data[:200], x=nets[1].x, y=nets[1].y)
    site.console.upload(broken.data, "broken")
    reply = site.console.verb("broken", "prepare", kit.manifest_of(broken, 2, "broken"))
    assert reply.status_code == 400
    assert "The model broken cannot be loaded" in reply.json()["detail"]
    assert site.console.get("/v1/status").json()["models"] == before


def test_a_model_not_uploaded_is_missing(site, nets, kit):
    with pytest.raises(Missing, match="not here yet"):
        kit.checked(site.console.verb("digits", "prepare", kit.manifest_of(nets[3], 2)))


@pytest.mark.parametrize("body", [b"", b"junk", b"\x00" * 64])
def test_malformed_tensors_are_bad_input(site, nets, body):
    site.console.install(nets[0], 1, "tensors")
    assert site.console.client.post("/v1/infer/tensors", content=body).status_code == 400


def test_a_round_trains_on_the_nodes_own_data(site, kit):
    rng = np.random.default_rng(0)
    data = site.agent.home / "data"
    data.mkdir()
    rows = {"x": rng.random((30, 64), dtype=np.float32), "y": rng.integers(0, 10, 30)}
    (data / "digits.safetensors").write_bytes(pack(rows, {}))
    params = initial("mlp-64-32-10", 0)
    spec = {"algorithm": "fedavg", "model": "mlp-64-32-10", "epochs": 2, "batch": 16, "learning_rate": 0.2, "seed": 1}
    body = pack(params, {"spec": json.dumps({**spec, "data": "digits"})})
    assert kit.checked(site.console.change("POST", "/v1/rounds/r-1/train?client=0&since=0", body)).status_code == 202
    assert site.console.change("POST", "/v1/rounds/r-2/train?client=0&since=soon", body).status_code == 400
    reply = kit.checked(site.console.get("/v1/rounds/r-1/update", wait=30))
    assert reply.status_code == 200
    update, meta = unpack(reply.content, most_bytes=1 << 24)
    assert {name: array.shape for name, array in update.items()} == {name: array.shape for name, array in params.items()}
    assert meta["examples"] == "30"
    at_once = kit.checked(site.console.change("POST", "/v1/rounds/r-1/train?client=0&since=0&wait=30", body))
    assert (at_once.status_code, at_once.content) == (200, reply.content)
    assert site.console.change("POST", "/v1/rounds/r-2/train?client=0&wait=soon", body).status_code == 400
    assert site.console.get("/v1/rounds/r-2/update").status_code == 404


def test_a_signature_of_one_chunk_does_not_serve_for_another(site, kit):
    data = b"x" * 100
    target = f"/v1/artifacts/{kit.sha_of(data)}"
    signature = site.console.signature("PUT", target, data[:50])
    headers = {HEADER: signature, "Content-Range": "bytes 0-49/100"}
    assert site.console.client.put(target, content=b"y" * 50, headers=headers).status_code == 403
