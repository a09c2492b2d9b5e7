import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.agent import slots as module
from app.agent.manifest import Manifest
from app.agent.slots import Cabinet, Slots
from app.engine.base.errors import BadInput, Conflict, Missing


def manifest(version: int) -> Manifest:
    return Manifest("digits", version, f"sha256:{version:064x}", 3, [[1.0]], [[1.0]], 1e-4)


class Life(RuleBasedStateMachine):
    """Verbs in any order, against a model with three variables: active, previous, prepared."""

    def __init__(self) -> None:
        super().__init__()
        self.slots, self.version = Slots(), 0
        self.active = self.previous = self.prepared = self.before = None
        self.pending = False

    @rule()
    def prepare(self) -> None:
        if self.pending:
            with pytest.raises(Conflict):
                self.slots.with_prepared(manifest(99))
            return
        self.version += 1
        self.slots = self.slots.emptied().with_prepared(manifest(self.version))
        self.prepared, self.before = self.version, None

    @rule()
    def activate(self) -> None:
        if self.prepared is None:
            with pytest.raises(Conflict):
                self.slots.activated()
            return
        self.slots = self.slots.activated()
        self.active, self.previous, self.prepared, self.pending = self.prepared, self.active, None, True
        self.before = self.previous

    @rule()
    def commit(self) -> None:
        if self.active is None:
            with pytest.raises(Conflict):
                self.slots.final()
            return
        self.slots = self.slots.final()
        self.previous, self.prepared, self.pending = None, None, False

    @rule()
    def roll_back(self) -> None:
        if not self.pending and self.prepared is None:
            with pytest.raises(Conflict):
                self.slots.rolled_back()
            return
        if not self.pending:
            self.slots, self.prepared = self.slots.rolled_back(), None
            return
        self.slots = self.slots.rolled_back()
        self.active, self.prepared, self.previous, self.pending = self.previous, self.active, None, False
        self.before = None

    @invariant()
    def agrees(self) -> None:
        assert (self.slots.manifest.version if self.slots.manifest else None) == self.active
        assert (self.slots.waiting.version if self.slots.waiting else None) == self.prepared
        assert self.slots.committed is not self.pending
        assert (self.slots.before[1].version if self.slots.before else None) == self.before
        assert len(self.slots.manifests) <= 2
        assert Slots.from_json(self.slots.to_json()) == self.slots


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestLife = Life.TestCase


@pytest.fixture
def cabinet(tmp_path):
    return Cabinet(tmp_path / "models")


def test_the_pointer_survives_a_restart(cabinet, tmp_path):
    slots = Slots().with_prepared(manifest(1)).activated()
    cabinet.fill("digits", "b", b"one")
    cabinet.point("digits", slots)
    again = Cabinet(tmp_path / "models")
    assert again.load() == {"digits": slots}
    assert again.read("digits", "b") == b"one"


def test_a_stop_at_any_write_leaves_the_old_pointer_or_the_new(cabinet, tmp_path, monkeypatch):
    cabinet.fill("digits", "a", b"one")
    old = Slots("a", committed=True, manifests={"a": manifest(1)})
    cabinet.point("digits", old)
    new = old.with_prepared(manifest(2))
    states = [old, new, new.activated(), new.activated().final()]
    real = module.replace_file
    for stop_at in range(8):
        written = 0

        def write(path, data, stop_at=stop_at):
            nonlocal written
            written += 1
            if written > stop_at:
                path.with_name(path.name + ".new").write_bytes(data[: len(data) // 2])
                raise OSError("power cut")
            real(path, data)

        monkeypatch.setattr(module, "replace_file", write)
        try:
            cabinet.fill("digits", "b", b"two")
            for state in states[1:]:
                cabinet.point("digits", state)
        except OSError as error:
            assert str(error) == "power cut"  # noqa: PT017 - the loop goes on
        found = Cabinet(tmp_path / "models").load()["digits"]
        assert found in states
        assert cabinet.read("digits", found.active) == (b"one" if found.manifest.version == 1 else b"two")
        monkeypatch.setattr(module, "replace_file", real)
        cabinet.point("digits", old)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"active": "a", "committed": true, "prepared": null, "slots": {}}'])
def test_a_damaged_pointer_is_an_empty_model(cabinet, tmp_path, text):
    (tmp_path / "models/digits").mkdir()
    (tmp_path / "models/digits/state.json").write_text(text)
    assert cabinet.load() == {"digits": Slots()}


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "x" * 65])
def test_a_name_never_leaves_the_folder(cabinet, name):
    with pytest.raises(BadInput):
        cabinet.path(name, "a")


def test_a_lost_file_is_told(cabinet):
    with pytest.raises(Missing, match="lost its file"):
        cabinet.read("digits", "a")
