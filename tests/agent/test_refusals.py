"""Callers refused in the TLS handshake leave a line each, on every loop that an agent or a hub runs on, and no flood."""

import asyncio
import socket
import ssl

import pytest

from app.agent.main import fast_loop
from app.agent.refusals import MOST_TOLD, Refusals
from app.agent.server import AgentServer, listen
from app.engine.base.clock import ManualClock
from app.wire.identity import DeviceIdentity
from app.wire.tls import client_context, pairing_context, pin, server_context

SERVER, FRIEND, STRANGER = (DeviceIdentity.generate(name) for name in ("server", "friend", "stranger"))


async def app(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def asked(port, context):
    """Ask over TLS and return the first line of the answer; a refusal in TLS 1.3 is seen when it is read."""
    with socket.create_connection(("127.0.0.1", port)) as raw, raw if context is None else context.wrap_socket(raw) as stream:
        stream.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        return stream.recv(64)


def refused(port, context):
    try:
        return asked(port, context) == b""
    except OSError:
        return True


def old():
    context = pairing_context()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, fast_loop()], ids=["asyncio", "fast"])
def test_whoever_fails_in_the_handshake_is_told_with_the_reason_and_others_are_not(loop, caplog):
    strangers = {
        "self-signed certificate": client_context(STRANGER, SERVER.public), "unsupported protocol": old(), "http request": None,
    }  # fmt: skip

    async def meet():
        context = server_context(SERVER)
        pin(context, FRIEND.public)
        server = AgentServer(app, context, lambda: None)
        with listen("127.0.0.1", 0) as listener:
            serving = asyncio.create_task(server.serve([listener]))
            await server.listening.wait()
            port, thread = listener.getsockname()[1], asyncio.to_thread
            for friend in (client_context(FRIEND, SERVER.public), pairing_context()):
                assert (await thread(asked, port, friend)).startswith(b"HTTP/1.1 200")
            assert caplog.messages == []
            for context in strangers.values():
                assert await thread(refused, port, context)
            server.end()
            await serving

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(meet())
    told = [line.removeprefix("a caller was refused in the TLS handshake: ") for line in caplog.messages]
    assert [line.replace("self signed", "self-signed") for line in told] == list(strangers)  # as OpenSSL 1 writes it


def test_a_crowd_is_told_by_its_first_few_in_a_minute(caplog):
    clock = ManualClock()
    refusals = Refusals(clock.monotonic_s)
    for number in range(100):
        refusals.tell(f"caller {number}")
    clock.advance(61)
    refusals.tell("a later one")
    assert caplog.messages[MOST_TOLD - 1 :] == [
        f"caller {MOST_TOLD - 1}", "more callers were refused; for a minute no further ones are named", "a later one",
    ]  # fmt: skip
