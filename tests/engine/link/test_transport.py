import random
import ssl

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import BadInput, Conflict, Offline, Refused, Timeout
from app.engine.link.connection import ProtocolError, Silent, TooLarge, Unreachable
from app.engine.link.records import Peer
from app.engine.link.transport import Answer, Transport, full_jitter_s, problem_of, translated
from app.wire.identity import DeviceIdentity


def under(cause, kind=Unreachable):
    error = kind("no")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Silent("no"), Offline),
        (Unreachable("refused"), Offline),
        (TimeoutError(), Timeout),
        (TimeoutError(110, "Connection timed out"), Offline),
        (ProtocolError("closed"), Offline),
        (BrokenPipeError(), Offline),
        (TooLarge(), BadInput),
        (under(ssl.SSLCertVerificationError("self-signed")), Refused),
        (ssl.SSLCertVerificationError("self-signed"), Refused),
        (under(ssl.SSLError(1, "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca"), ProtocolError), Refused),
        (under(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]")), Offline),
        (under(ConnectionRefusedError()), Offline),
    ],
)
def test_every_failure_of_the_link_has_one_kind(error, kind):
    told = translated(error, "north", "10.0.0.1:8443")
    assert type(told) is kind
    assert "north" in str(told)


def test_a_problem_document_becomes_the_error_it_was():
    body = b'{"type": "conflict", "detail": "It changed", "hint": "Look again"}'
    told = problem_of(Answer(409, {}, body), "north")
    assert isinstance(told, Conflict)
    assert (str(told), told.hint) == ("It changed", "Look again")


def test_a_problem_is_cut_to_a_length():
    told = problem_of(Answer(400, {}, b'{"type": "bad-input", "detail": "' + b"x" * 10**6 + b'", "hint": 3}'), "north")
    assert (type(told), len(str(told)), told.hint) == (BadInput, 1000, "")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"\xff"])
def test_an_error_that_is_no_problem_document_is_offline(body):
    assert "502" in str(problem_of(Answer(502, {}, body), "north"))


@given(st.integers(0, 2000), st.floats(0.01, 10), st.floats(0.01, 100), st.integers())
def test_waits_are_drawn_within_the_growing_bound(attempt, base_s, cap_s, seed):
    wait_s = full_jitter_s(attempt, base_s, cap_s, random.Random(seed))
    assert 0 <= wait_s <= min(cap_s, base_s * 2.0 ** min(attempt, 30))


@pytest.mark.parametrize("address", ["", "no port", "host:port", "host:99999999"])
async def test_a_malformed_address_is_bad_input_or_offline(address):
    async def own():
        return DeviceIdentity.generate("laptop")

    transport = Transport(Peer("n1", address, DeviceIdentity.generate("north").public), own)
    with pytest.raises((BadInput, Offline)):
        await transport.send("GET", "/v1/status")
    await transport.close()


async def test_an_answer_that_is_larger_than_tensors_may_be_is_the_nodes_fault(client_of, monkeypatch):
    async def sent(*_asked, **_how):
        return Answer(200, {}, bytes(11))

    monkeypatch.setattr("app.wire.limits.TENSOR_BYTES", 10)
    client = client_of(Peer("n1", "10.0.0.1:8443", DeviceIdentity.generate("north").public))
    monkeypatch.setattr(client._transport, "send", sent)
    with pytest.raises(BadInput, match="11 bytes"):
        await client.infer("digits", np.zeros((1, 4), np.float32))
