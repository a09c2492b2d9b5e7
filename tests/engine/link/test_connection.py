"""A scripted node answers byte for byte what a test says; what HTTP allows is understood, what it forbids ends the link."""

import asyncio
import contextlib

import pytest

from app.engine.base.errors import BadInput, Offline, Timeout
from app.engine.link import connection
from app.engine.link.records import Peer
from app.engine.link.transport import Transport, head_of, host_and_port
from app.wire.identity import DeviceIdentity
from app.wire.tls import pin, server_context

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Script:
    """Answers each request with the next of `answers` ("" of bytes: hangs up); keeps what was asked."""

    def __init__(self, answers):
        self.answers, self.asked, self.connections = list(answers), [], 0

    async def serve(self, reader, writer):
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                told = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                body = await reader.readexactly(int(told[0].split(b":")[1])) if told else b""
                self.asked.append((head, body))
                answer = self.answers.pop(0)
                if answer is None:
                    await reader.read()
                    break
                writer.write(answer)
                await writer.drain()
                if not answer or b"Connection: close" in answer:
                    break
        writer.transport.abort()


@contextlib.asynccontextmanager
async def talking(*answers):
    ours, theirs = DeviceIdentity.generate("laptop"), DeviceIdentity.generate("north")
    context, script = server_context(theirs), Script(answers)
    pin(context, ours.public)
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0, ssl=context)

    async def own():
        return ours

    transport = Transport(Peer("n1", f"127.0.0.1:{server.sockets[0].getsockname()[1]}", theirs.public), own)
    try:
        yield transport, script
    finally:
        await transport.close()
        server.close()


async def test_one_connection_serves_many_requests():
    async with talking(OK, OK, OK) as (transport, script):
        for _ in range(3):
            assert (await transport.send("GET", "/v1/status")).document() == {}
        assert script.connections == 1
        assert script.asked[0][0].startswith(b"GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1:")


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", b"x"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
)
async def test_every_form_of_an_answer_is_read_to_its_end(answer, body):
    async with talking(answer, OK) as (transport, script):
        assert (await transport.send("GET", "/a")).body == body
        assert (await transport.send("GET", "/b")).body == b"{}"
        assert script.connections == 1


async def test_a_large_body_arrives_whole():
    sent = bytes(range(256)) * 4096
    async with talking(OK) as (transport, script):
        await transport.send("PUT", "/v1/artifacts/x", body=sent, headers={"Content-Range": "bytes 0-9/10"})
    head, body = script.asked[0]
    assert body == sent
    assert b"\r\nContent-Range: bytes 0-9/10\r\n" in head


async def test_a_connection_that_the_node_gave_up_is_made_anew():
    async with talking(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", OK) as (transport, script):
        await transport.send("GET", "/a")
        await transport.send("GET", "/b")
        assert script.connections == 2


async def test_requests_at_the_same_time_have_connections_of_their_own():
    async with talking(OK, OK, OK) as (transport, script):
        await asyncio.gather(*(transport.send("GET", f"/{at}") for at in range(3)))
        assert script.connections == 3


async def test_what_nobody_asked_for_ends_the_connection():
    async with talking(OK + OK, OK) as (transport, script):
        await transport.send("GET", "/a")
        await transport.send("GET", "/b")
        assert script.connections == 2


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nabc", b"SSH-2.0-x\r\n\r\n"]
)
async def test_an_answer_that_is_none_is_offline(answer):
    async with talking(answer, OK, b"") as (transport, _):
        with pytest.raises(Offline):
            await transport.send("GET", "/v1/status")


async def test_silence_is_a_timeout_and_its_connection_is_not_used_again():
    async with talking(None, OK) as (transport, script):
        with pytest.raises(Timeout):
            await transport.send("GET", "/a", limit_s=0.1)
        assert (await transport.send("GET", "/b")).body == b"{}"
        assert script.connections == 2


async def test_an_answer_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(connection, "MOST_BYTES", 10)
    async with talking(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n" + b"x" * 11) as (transport, _):
        with pytest.raises(BadInput):
            await transport.send("GET", "/a")


def part(status, tag, body, span="", says=0):
    lines = [f"HTTP/1.1 {status} OK", f"Content-Length: {says or len(body)}", f'ETag: "{tag}"', "Connection: close"]
    lines += [f"Content-Range: bytes {span}/10"] if span else []
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def test_what_came_of_an_answer_that_broke_off_is_not_asked_for_again():
    broken = (part(200, "a", b"0123", says=10), part(206, "a", b"45", "4-9", 6))
    async with talking(*broken, part(206, "a", b"6789", "6-9")) as (transport, script):
        kept = connection.Kept()
        for size in (4, 6):
            with pytest.raises(Offline):
                await transport.send("GET", "/u", kept=kept)
            assert kept.size == size
        reply = await transport.send("GET", "/u", kept=kept)
        assert kept.joined(reply) == b"0123456789"
        asked = [head.split(b"\r\n") for head, _ in script.asked if head.startswith(b"GET /u")]
        assert b"Range: bytes=4-" in asked[1]
        assert b'If-Range: "a"' in asked[1]
        assert b"Range: bytes=6-" in asked[2]


async def test_another_answer_in_its_place_is_not_joined_to_what_came_before():
    begun, other = part(200, "a", b"0123", says=10), part(206, "b", b"456789", "4-9")
    async with talking(begun, other, part(200, "b", b"x")) as (transport, _):
        kept = connection.Kept()
        with pytest.raises(Offline):
            await transport.send("GET", "/u", kept=kept)
        assert kept.joined(await transport.send("GET", "/u", kept=kept)) is None
        assert (await transport.send("GET", "/u", kept=kept)).body == b"x"


@pytest.mark.parametrize(
    ("address", "parts"),
    [("north.local:1", ("north.local", 1)), ("[fe80::1]:65535", ("fe80::1", 65535)), ("1.2.3.4:80", ("1.2.3.4", 80))],
)
def test_an_address_is_a_host_and_a_port(address, parts):
    assert host_and_port(address) == parts


@pytest.mark.parametrize(
    "address", ["", "host", "host:", ":1", "a b:1", "host:0", "host:65536", "fe80::1:1", "u@h:1", "h\r\nX:1"]
)
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(BadInput):
        host_and_port(address)


@pytest.mark.parametrize(("target", "headers"), [("/a\r\nX: y", {}), ("/a b", {}), ("/a", {"X": "y\r\nZ: w"}), ("/ä", {})])
def test_nothing_slips_a_line_into_a_request(target, headers):
    door = connection.Door("::1", 1, None, None)
    with pytest.raises(BadInput):
        head_of(door, "GET", target, headers, 0)
    assert b"Host: [::1]:1\r\n" in head_of(door, "GET", "/a", {}, 0)
