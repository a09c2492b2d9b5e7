import contextlib
import dataclasses
import hmac
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import BadInput, Refused
from app.wire.identity import DeviceIdentity
from app.wire.pairing import ConsoleSide, Transcript, code_text, new_code, parse_code

AGENT, CONSOLE, OTHER = (DeviceIdentity.generate(name).public for name in ("agent", "console", "other"))


@given(st.binary(min_size=16, max_size=16))
def test_a_code_survives_its_text_in_any_dress(code):
    text = code_text(code)
    assert parse_code(text) == code
    assert parse_code(text.lower().replace("-", " ")) == code
    assert parse_code(text.replace("-", "").replace("0", "O").replace("1", "l")) == code


@given(st.binary(min_size=16, max_size=16), st.integers(0, 27), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_one_wrong_character_hardly_ever_passes(code, at, character):
    text = code_text(code).replace("-", "")
    wrong = text[:at] + character + text[at + 1 :]
    if wrong == text:
        return
    with contextlib.suppress(BadInput):
        assert parse_code(wrong) != code  # 1 in 4096 may pass the check; it is still another code


@given(st.text(max_size=60))
def test_any_text_is_a_code_or_bad_input(text):
    with contextlib.suppress(BadInput):
        assert len(parse_code(text)) == 16


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "0 characters"), ("ABCD", "4 characters"), ("ABCU-" * 7, "'U' at place 4"), ("0" * 28, "check")],
)
def test_a_malformed_code_says_why(text, reason):
    with pytest.raises(BadInput, match=reason):
        parse_code(text)


def test_codes_differ():
    assert len({new_code() for _ in range(50)}) == 50


def talk(code_here: str, code_there: str, *, shown=AGENT.certificate_der, agent=AGENT):
    """Play the agent by hand, from the module's description."""
    side = ConsoleSide(CONSOLE, code_here)
    hello = side.hello()
    nonce = secrets.token_bytes(32)
    reply = {"schema": 1, "session": "s", "identity": agent.to_json(), "nonce": nonce.hex()}
    proof = side.prove(reply, shown)
    transcript = Transcript(CONSOLE, agent, bytes.fromhex(hello["nonce"]), nonce)
    knows = transcript.holds(parse_code(code_there), "console", bytes.fromhex(proof["proof"]))
    answer = {"proof": transcript.prove(parse_code(code_there), "agent").hex()}
    return knows, lambda: side.accept(answer)


def test_two_who_know_the_code_pin_each_other():
    code = new_code()
    knows, accept = talk(code, code)
    assert knows
    assert accept() == AGENT


def test_two_with_different_codes_do_not():
    knows, accept = talk(new_code(), new_code())
    assert not knows
    with pytest.raises(Refused, match="does not know"):
        accept()


def test_another_certificate_on_the_line_is_refused_before_any_proof():
    code = new_code()
    with pytest.raises(Refused, match="another certificate"):
        talk(code, code, shown=OTHER.certificate_der)


def test_a_man_in_the_middle_who_swaps_identities_gains_no_proof():
    code = new_code()
    side = ConsoleSide(CONSOLE, code)
    nonce = secrets.token_bytes(32)
    side.prove({"session": "s", "identity": OTHER.to_json(), "nonce": nonce.hex()}, OTHER.certificate_der)
    there = Transcript(CONSOLE, AGENT, bytes.fromhex(side.hello()["nonce"]), nonce)
    with pytest.raises(Refused):
        side.accept({"proof": there.prove(parse_code(code), "agent").hex()})


@pytest.mark.parametrize("part", ["console", "agent", "console_nonce", "agent_nonce"])
def test_every_part_of_the_transcript_is_bound(part):
    code = parse_code(new_code())
    one = Transcript(CONSOLE, AGENT, b"c" * 32, b"a" * 32)
    changed = {"console": OTHER, "agent": OTHER, "console_nonce": b"x" * 32, "agent_nonce": b"x" * 32}[part]
    two = dataclasses.replace(one, **{part: changed})
    assert one.holds(code, "agent", one.prove(code, "agent"))
    assert not two.holds(code, "agent", one.prove(code, "agent"))


@pytest.mark.parametrize("part", ["name", "mldsa"])
def test_what_the_certificate_does_not_say_is_bound_too(part):
    code = parse_code(new_code())
    one = Transcript(CONSOLE, AGENT, b"c" * 32, b"a" * 32)
    agent = dataclasses.replace(AGENT, **{part: getattr(OTHER, part)})
    assert not dataclasses.replace(one, agent=agent).holds(code, "agent", one.prove(code, "agent"))


def test_a_proof_cannot_be_turned_round():
    code = parse_code(new_code())
    transcript = Transcript(CONSOLE, AGENT, b"c" * 32, b"a" * 32)
    assert not transcript.holds(code, "agent", transcript.prove(code, "console"))


def test_the_proof_is_hmac_under_hkdf_by_the_book():
    code, transcript = b"k" * 16, Transcript(CONSOLE, AGENT, b"c" * 32, b"a" * 32)
    digest = transcript.digest()
    extracted = hmac.digest(digest, code, "sha256")  # RFC 5869, section 2.2
    key = hmac.digest(extracted, b"outpost-pairing-1 agent\x01", "sha256")  # section 2.3, one block
    assert transcript.prove(code, "agent") == hmac.digest(key, digest, "sha256")


@pytest.mark.parametrize("reply", [None, {}, {"session": 1}, {"session": "s", "identity": {}}])
def test_a_malformed_reply_is_bad_input(reply):
    side = ConsoleSide(CONSOLE, new_code())
    with pytest.raises(BadInput):
        side.prove(reply, None)
    with pytest.raises(BadInput):
        side.accept({"proof": "00"})


@pytest.mark.parametrize("nonce", ["", "zz", 3, "00" * 31])
def test_a_malformed_nonce_is_bad_input(nonce):
    side = ConsoleSide(CONSOLE, new_code())
    with pytest.raises(BadInput, match="nonce"):
        side.prove({"session": "s", "identity": AGENT.to_json(), "nonce": nonce}, AGENT.certificate_der)
