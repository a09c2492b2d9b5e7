import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import Refused
from app.wire.identity import DeviceIdentity
from app.wire.signing import LONGEST_LIFE_US, NonceCache, parse, sign, verify

CONSOLE, OTHER = DeviceIdentity.generate("console"), DeviceIdentity.generate("other")
NODE = "ab" * 16
NOW = 1_700_000_000_000_000


def signed(identity=CONSOLE, **changed):
    parts = {"method": "PATCH", "target": "/v1/twin", "body": b"{}", "node": NODE, "expiry_us": NOW + 1_000_000}
    return sign(identity, **{**parts, **changed})


def check(header, **changed):
    parts = {
        "method": "PATCH", "target": "/v1/twin", "body": b"{}", "node": NODE, "now_us": NOW,
        "signer_of": {CONSOLE.public.device_id: CONSOLE.public}.get, "nonces": NonceCache(),
    }  # fmt: skip
    return verify(header, **{**parts, **changed})


def test_a_signed_request_passes():
    assert check(signed()).signer == CONSOLE.public.device_id


@pytest.mark.parametrize(
    "changed", [{"method": "POST"}, {"target": "/v1/twin?x"}, {"body": b"{ }"}], ids=["method", "target", "body"]
)
def test_another_request_does_not_pass_with_it(changed):
    with pytest.raises(Refused, match="does not hold"):
        check(signed(), **changed)


def test_a_request_for_another_node_is_refused():
    with pytest.raises(Refused, match="another node"):
        check(signed(node="cd" * 16))


def test_an_unpaired_key_is_refused():
    with pytest.raises(Refused, match="not paired"):
        check(signed(OTHER))


def test_a_key_that_claims_to_be_another_is_refused():
    header = signed(OTHER).replace(OTHER.public.device_id, CONSOLE.public.device_id)
    with pytest.raises(Refused, match="does not hold"):
        check(header)


@pytest.mark.parametrize("ahead_us", [0, -1, LONGEST_LIFE_US + 1])
def test_a_request_expired_or_too_long_lived_is_refused(ahead_us):
    with pytest.raises(Refused, match="expired"):
        check(signed(expiry_us=NOW + ahead_us))


def test_a_replay_is_refused():
    header, nonces = signed(), NonceCache()
    check(header, nonces=nonces)
    with pytest.raises(Refused, match="replay"):
        check(header, nonces=nonces)


def test_a_replay_is_refused_after_a_restart_with_what_was_kept():
    header, nonces = signed(), NonceCache()
    kept = check(header, nonces=nonces)
    with pytest.raises(Refused, match="replay"):
        check(header, nonces=NonceCache(floor_us=nonces.floor_us, spent=[(kept.nonce, kept.expiry_us)]))


@pytest.mark.parametrize("at", [5, 6])
def test_half_a_signature_is_none(at):
    ours, others = signed().split(" "), signed(OTHER).split(" ")
    ours[at] = others[at]
    with pytest.raises(Refused, match="does not hold"):
        check(" ".join(ours))


@given(st.text(max_size=200))
def test_any_text_is_refused_as_a_header(text):
    with pytest.raises(Refused, match="malformed"):
        parse(text)


def test_a_refused_request_spends_no_nonce():
    header, nonces = signed(), NonceCache()
    with pytest.raises(Refused):
        check(header, nonces=nonces, body=b"other")
    assert len(nonces) == 0
    check(header, nonces=nonces)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-20, 40)), max_size=60))
def test_no_nonce_is_ever_taken_twice_however_small_the_cache_or_wild_the_clock(steps):
    nonces, taken, now = NonceCache(capacity=3), set(), 1000
    for which, drift in steps:
        now += drift
        nonce, expiry = f"{which:032x}", 1000 + 10 * which  # a nonce comes with one expiry: both are signed
        if not now < expiry <= now + 100:
            continue
        try:
            nonces.spend(nonce, expiry, now)
        except Refused:
            continue
        assert nonce not in taken
        taken.add(nonce)
        assert len(nonces) <= 3
