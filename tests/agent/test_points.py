"""A power cut at every named point: the process is killed there, and what is left is opened again."""

import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.agent.points import NAMES, on_reached, reached
from app.agent.slots import Cabinet
from app.wire.delta import make_delta

ROOT = Path(__file__).parents[2]
# A life from version 1 to version 2 with a stand-in for the runtime, so that each trial is quick; killed at argv[2].
LIFE = """
import json, os, signal, sys
from pathlib import Path
import numpy as np
from types import ModuleType
runtime = ModuleType("app.agent.adapters.onnx")
class Session:
    self_test = ""
    def __init__(self, data, name): self.data = data
    def run(self, tensors): return {"y": tensors["x"]}
runtime.Session = Session
sys.modules["app.agent.adapters.onnx"] = runtime
from app.agent.artifacts import Intake
from app.agent.models import Models
from app.agent.points import on_reached
from app.agent.shelf import Shelf, Span
from app.wire.delta import make_delta
from app.wire.identity import DeviceIdentity
from app.wire.manifests import chunks_of, seal
from app.engine.base.ids import content_id
folder, point = Path(sys.argv[1]), sys.argv[2]
shelf = Shelf(folder / "artifacts")
models = Models(folder / "models", shelf)
laptop = DeviceIdentity.generate("laptop")
intake = Intake(shelf, models, lambda device: laptop.public)
def sealed(data, version):
    test = {"input": [[1.0]], "output": [[1.0]], "tolerance": 0}
    return seal(laptop, {"name": "m", "version": version, "artifact": content_id(data), "size_bytes": len(data),
                         "self_test": test, "chunks": chunks_of(data).to_json(), "issued_us": version})
def send(data, version):
    if not intake.change("m", "announce", sealed(data, version))["complete"]:
        shelf.take(content_id(data), Span(0, len(data)), data)
    return intake.change("m", "prepare", sealed(data, version))
one, two, three = b"1" * 100000, b"1" * 99999 + b"2", b"3" * 100000
if not models.status():
    send(one, 1)
    for verb in ("activate", "commit"): intake.change("m", verb, {})
send(three, 3)
on_reached(lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == point else None)
delta = make_delta(one, two)
about = {"base": content_id(one), "artifact": content_id(delta), "size_bytes": len(delta)}
intake.change("m", "announce", {**sealed(two, 4), "delta": {**about, "chunks": chunks_of(delta).to_json()}})
if point in ("delta.applied",):
    shelf.take(about["artifact"], Span(0, len(delta)), delta)
    intake.change("m", "assemble", {"base": about["base"], "delta": about["artifact"], "artifact": content_id(two)})
send(two, 4)
if point == "rollback.done":
    intake.change("m", "activate", {})
    intake.change("m", "rollback", {})
for verb in ("activate", "commit"): intake.change("m", verb, {})
print(json.dumps("reached the end"))
"""
ONE, TWO, THREE = b"1" * 100_000, b"1" * 99_999 + b"2", b"3" * 100_000
FILES = {1: ONE, 3: THREE, 4: TWO}
NEW = {"activate.done", "commit.done"}


def live(folder, point):
    return subprocess.run(
        [sys.executable, "-c", LIFE, str(folder), point], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
@pytest.mark.parametrize("point", NAMES)
def test_a_kill_at_any_point_leaves_the_old_version_or_the_new(tmp_path, point):
    ran = live(tmp_path, point)
    assert ran.returncode == -signal.SIGKILL, ran.stdout + ran.stderr
    cabinet = Cabinet(tmp_path / "models")
    slots = cabinet.load()["m"]
    version = slots.manifest.version
    assert version in ((1, 4) if point == "slot.pointed" else (4,) if point in NEW else (1,))
    data = cabinet.read("m", slots.active)
    assert data == FILES[version]
    assert "sha256:" + hashlib.sha256(data).hexdigest() == slots.manifest.artifact
    # And from there it goes on to the end.
    ran = live(tmp_path, "")
    told = ran.stdout + ran.stderr
    assert ran.returncode == 0 or "not committed" in told or "replay" in told or "older" in told, told
    if ran.returncode == 0:
        assert json.loads(ran.stdout) == "reached the end"
        slots = Cabinet(tmp_path / "models").load()["m"]
        assert (slots.manifest.version, slots.committed) == (4, True)


def test_a_hook_is_told_until_it_is_taken_away():
    told = []
    undo = on_reached(told.append)
    reached("piece.kept")
    undo()
    reached("piece.kept")
    assert told == ["piece.kept"]


def test_the_trial_files_differ_by_little():
    assert len(make_delta(ONE, TWO)) < 200
