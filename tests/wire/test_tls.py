import ssl

import pytest

from app.engine.base.errors import Refused
from app.wire.identity import DeviceIdentity
from app.wire.tls import client_context, pairing_context, peer_der, pin, require_peer, server_context

AGENT, CONSOLE, OTHER = (DeviceIdentity.generate(name) for name in ("agent", "console", "other"))


def shake(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Shake hands in memory and pass one byte each way, so that both have seen the other's certificate."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    here, there = client.wrap_bio(down, up), server.wrap_bio(up, down, server_side=True)
    todo = [here.do_handshake, there.do_handshake]
    for _ in range(10):
        for step in tuple(todo):
            try:
                step()
            except ssl.SSLWantReadError:
                continue
            todo.remove(step)
    assert not todo
    return here, there


def test_a_pinned_console_and_a_pinned_agent_meet():
    server = server_context(AGENT)
    pin(server, OTHER.public)
    pin(server, CONSOLE.public)
    here, there = shake(server, client_context(CONSOLE, AGENT.public))
    assert here.version() == "TLSv1.3"
    assert peer_der(there) == CONSOLE.public.certificate_der
    require_peer(here, AGENT.public)


def test_a_console_pinned_later_gets_in_on_the_same_context():
    server = server_context(AGENT)
    with pytest.raises(ssl.SSLError):
        shake(server, client_context(CONSOLE, AGENT.public))
    pin(server, CONSOLE.public)
    _, there = shake(server, client_context(CONSOLE, AGENT.public))
    assert peer_der(there) == CONSOLE.public.certificate_der


def test_a_certificate_that_is_not_pinned_is_refused_by_the_server():
    server = server_context(AGENT)
    pin(server, CONSOLE.public)
    with pytest.raises(ssl.SSLError):
        shake(server, client_context(OTHER, AGENT.public))


def test_a_server_with_another_certificate_is_refused_by_the_client():
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(server_context(OTHER), client_context(CONSOLE, AGENT.public))


def test_pairing_gets_in_without_a_certificate_and_shows_the_servers():
    here, there = shake(server_context(AGENT), pairing_context())
    assert peer_der(there) is None
    assert peer_der(here) == AGENT.public.certificate_der
    with pytest.raises(Refused):
        require_peer(here, OTHER.public)


def test_nothing_older_than_tls_1_3_is_spoken():
    old = pairing_context()
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        shake(server_context(AGENT), old)


def test_nobody_is_a_peer_of_no_connection():
    assert peer_der(None) is None
