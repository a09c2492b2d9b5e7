import pytest

from app.agent.artifacts import Intake
from app.agent.models import Models
from app.agent.shelf import Shelf, Span
from app.engine.base.errors import BadInput, Conflict, Missing, Refused
from app.wire.delta import make_delta
from app.wire.identity import DeviceIdentity
from app.wire.manifests import chunks_of, seal

LAPTOP, STRANGER = DeviceIdentity.generate("laptop"), DeviceIdentity.generate("stranger")


class Site:
    """The artifact side of one node, paired with one console."""

    def __init__(self, folder, kit):
        self.kit = kit
        self.shelf = Shelf(folder / "artifacts")
        self.models = Models(folder / "models", self.shelf)
        self.intake = Intake(self.shelf, self.models, {LAPTOP.public.device_id: LAPTOP.public}.get)

    def sealed(self, net, version, by=LAPTOP, **changed):
        told = {"issued_us": version, "chunks": chunks_of(net.data).to_json(), **changed}
        return seal(by, self.kit.manifest_of(net, version, **told))

    def do(self, verb, **document):
        return self.intake.change("digits", verb, document)

    def send(self, net, version, **changed):
        sealed = self.sealed(net, version, **changed)
        if not self.do("announce", **sealed)["complete"]:
            self.shelf.take(self.kit.sha_of(net.data), Span(0, len(net.data)), net.data)
        self.do("prepare", **sealed)
        self.do("activate", version=version)
        return self.do("commit")

    def files(self):
        return list(self.shelf._folder.iterdir())


@pytest.fixture
def site(tmp_path, kit):
    return Site(tmp_path, kit)


@pytest.fixture(scope="module")
def nets(kit):
    return [kit.make_net(seed) for seed in range(4)]


def test_a_sealed_manifest_lets_its_artifact_in_and_is_needed_again_to_prepare(site, nets, kit):
    assert site.send(nets[0], 1)["version"] == 1
    with pytest.raises(Refused, match="not signed"):
        site.do("prepare", **kit.manifest_of(nets[1], 2))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda sealed: {**sealed, "manifest": {**sealed["manifest"], "version": 9}}, "does not hold"),
        (lambda sealed: {**sealed, "mldsa": sealed["ed25519"]}, "does not hold"),
        (lambda sealed: {**sealed, "ed25519": sealed["mldsa"]}, "does not hold"),
        (lambda sealed: {**sealed, "ed25519": "%"}, "malformed"),
        (lambda sealed: {**sealed, "signer": "0" * 32}, "not paired"),
        (lambda sealed: sealed["manifest"], "not signed"),
    ],
)
def test_a_manifest_that_nobody_paired_signed_is_refused_before_a_byte_is_kept(site, nets, change, reason):
    with pytest.raises(Refused, match=reason):
        site.do("announce", **change(site.sealed(nets[0], 1)))
    with pytest.raises(Refused):
        site.do("announce", **site.sealed(nets[0], 1, by=STRANGER))
    with pytest.raises(Refused, match="No signed manifest"):
        site.shelf.take(site.kit.sha_of(nets[0].data), Span(0, len(nets[0].data)), nets[0].data)
    assert (site.files(), site.models.status()) == ([], ())


def test_a_manifest_of_another_model_is_refused(site, nets):
    with pytest.raises(BadInput, match="not of digits"):
        site.do("announce", **site.sealed(nets[0], 1, name="letters"))


def test_an_older_version_is_refused_unless_the_signer_says_so(site, nets):
    site.send(nets[1], 2)
    for verb in ("announce", "prepare"):
        with pytest.raises(Refused, match="older than the active version 2"):
            site.do(verb, **site.sealed(nets[0], 1, issued_us=50))
    assert site.models.status()[0].version == 2
    assert site.send(nets[0], 1, issued_us=60, downgrade=True)["version"] == 1


def test_a_manifest_left_behind_is_a_replay_even_where_it_allowed_a_downgrade(site, nets):
    site.send(nets[1], 2, issued_us=10)
    back = site.sealed(nets[0], 1, issued_us=20, downgrade=True)
    site.send(nets[0], 1, issued_us=20, downgrade=True)
    assert site.do("announce", **back)["complete"]  # said again while it stands, it changes nothing
    site.send(nets[2], 3, issued_us=30)
    for verb in ("announce", "prepare"):
        with pytest.raises(Refused, match="replay"):
            site.do(verb, **back)
    assert site.models.status()[0].version == 3


def test_a_delta_makes_the_artifact_of_a_file_that_stands_in_a_slot(site, nets, kit):
    site.send(nets[0], 1)
    site.shelf.discard(kit.sha_of(nets[0].data))
    delta = make_delta(nets[0].data, nets[1].data)
    about = {"base": kit.sha_of(nets[0].data), "artifact": kit.sha_of(delta), "size_bytes": len(delta)}
    sealed = site.sealed(nets[1], 2)
    told = site.do("announce", **sealed, delta={**about, "chunks": chunks_of(delta).to_json()})
    assert about["base"] in told["bases"]
    assert told["delta"]["missing"] == [[0, len(delta)]]
    site.shelf.take(about["artifact"], Span(0, len(delta)), delta)
    ends = {"base": about["base"], "delta": about["artifact"], "artifact": kit.sha_of(nets[1].data)}
    assert site.do("assemble", **ends)["complete"]
    assert site.do("prepare", **sealed)["prepared_version"] == 2
    with pytest.raises(Missing):
        site.do("assemble", **ends)


def test_a_delta_that_makes_something_else_is_not_kept(site, nets, kit):
    site.send(nets[0], 1)
    wrong = make_delta(nets[0].data, nets[2].data)
    about = {"base": kit.sha_of(nets[0].data), "artifact": kit.sha_of(wrong), "size_bytes": len(wrong)}
    site.do("announce", **site.sealed(nets[1], 2), delta={**about, "chunks": chunks_of(wrong).to_json()})
    site.shelf.take(about["artifact"], Span(0, len(wrong)), wrong)
    with pytest.raises(BadInput, match="hash differs"):
        site.do("assemble", base=about["base"], delta=about["artifact"], artifact=kit.sha_of(nets[1].data))
    with pytest.raises(Missing, match="to start from"):
        site.do("assemble", base="sha256:" + "0" * 64, delta=about["artifact"], artifact=about["base"])
    with pytest.raises(Missing):
        site.shelf.need(kit.sha_of(nets[1].data))


def test_shadow_traffic_is_what_was_recorded_where_it_was_allowed(site, nets):
    from app.wire.tensors import pack

    site.send(nets[0], 1)
    site.models.infer("digits", pack({"x": nets[3].x}, {}))
    sealed = site.sealed(nets[1], 2)
    site.do("announce", **sealed)
    site.shelf.take(site.kit.sha_of(nets[1].data), Span(0, len(nets[1].data)), nets[1].data)
    with pytest.raises(Conflict, match="Nothing is prepared"):
        site.do("shadow")
    site.do("prepare", **sealed)
    assert site.do("shadow")["source"] == "self_test"
    site.do("record", most_bytes=1 << 20)
    for _ in range(5):
        site.models.infer("digits", pack({"x": nets[3].x}, {}))
    told = site.do("shadow")
    same = (nets[0].y.argmax(1) == nets[1].y.argmax(1)).mean()
    assert (told["source"], told["requests"], told["rows"]) == ("recorded", 5, 15)
    assert 0 <= told["agreement_ratio"] <= 1
    assert same is not None
    assert told["old_p99_s"] > 0
    assert told["new_p99_s"] > 0
    again = Models(site.models._cabinet._folder, site.shelf)
    assert again._recordings["digits"].most_bytes == 1 << 20


def test_a_model_keeps_to_its_memory_and_its_share_of_a_core(site, nets, monkeypatch):
    from app.agent.adapters import memory
    from app.engine.base.errors import Limit
    from app.wire.tensors import pack

    sizes = iter([100, 5000, 100, 200])
    monkeypatch.setattr(memory, "resident_bytes", lambda: next(sizes))
    limits = {"memory_bytes": 1000, "cpu_ratio": 1e-9}
    with pytest.raises(Limit, match="needs 4900 bytes"):
        site.send(nets[0], 1, limits=limits)
    assert site.models.status() == ()
    site.send(nets[0], 1, limits=limits)
    site.models.infer("digits", pack({"x": nets[0].x}, {}))
    with pytest.raises(Limit, match="of a core"):
        site.models.infer("digits", pack({"x": nets[0].x}, {}))
