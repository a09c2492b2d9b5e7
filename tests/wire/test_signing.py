import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import Refused
from app.wire.identity import DeviceIdentity
from app.wire.signing import LONGEST_LIFE_US, Draft, NonceCache, digest_of, parse, sign, sign_all, verify

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


def together(count):
    return sign_all(CONSOLE, [Draft("PATCH", f"/v1/twin?{n}", NODE, NOW + 1_000_000, digest_of(b"{}")) for n in range(count)])


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13])
def test_each_of_many_requests_signed_together_passes_and_no_other_does_with_its_header(count):
    headers, nonces = together(count), NonceCache()
    for place, header in enumerate(headers):
        with pytest.raises(Refused, match="does not hold"):
            check(header, target=f"/v1/twin?{place + 1}")
        assert check(header, target=f"/v1/twin?{place}", nonces=nonces).nonce
        with pytest.raises(Refused, match="replay"):
            check(header, target=f"/v1/twin?{place}", nonces=nonces)
    assert len({tuple(header.split(" ")[5:7]) for header in headers}) == 1


def test_a_request_signed_with_others_does_not_pass_by_another_path_or_by_none():
    one, two, _ = (header.split(" ") for header in together(3))
    for wrong in ([*one[:7], two[7]], [*one[:7], one[7][4:]], ["1", *one[1:7]], [*one[:4], two[4], *one[5:]]):
        with pytest.raises(Refused, match=r"does not hold|malformed"):
            check(" ".join(wrong), target="/v1/twin?0")


def test_the_root_of_a_batch_is_no_request_and_a_request_no_root():
    alone, batched = signed().split(" "), together(2)[0].split(" ")
    with pytest.raises(Refused, match="does not hold"):
        check(" ".join(["2", *alone[1:], ""]))
    with pytest.raises(Refused, match="does not hold"):
        check(" ".join(["1", *batched[1:7]]), target="/v1/twin?0")


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
