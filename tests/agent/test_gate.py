"""Who may speak to an agent, with real TLS and a real process."""

import asyncio
import errno
import json
import sqlite3
import ssl
import time

import httpx
import pytest

from app.agent.gate import Gate, problem_of
from app.engine.base.clock import ManualClock
from app.engine.base.errors import Refused
from app.wire.identity import DeviceIdentity
from app.wire.pairing import ConsoleSide, new_code
from app.wire.signing import HEADER
from app.wire.tls import client_context, pairing_context, server_context

ROUTES = [
    ("GET", "/v1/status"), ("GET", "/v1/inventory"), ("GET", "/v1/telemetry"), ("GET", "/v1/twin"), ("PATCH", "/v1/twin"),
    ("PUT", "/v1/artifacts/sha256:" + "0" * 64), ("POST", "/v1/models/digits/activate"), ("POST", "/v1/infer/digits"),
    ("POST", "/v1/rounds/r1/train"), ("GET", "/v1/rounds/r1/update"), ("DELETE", "/v1/pair"), ("GET", "/v1/nothing"),
]  # fmt: skip


def twin_version(site) -> int:
    return site.console.get("/v1/twin").json()["version"]


def patch(site, **changed):
    """Send one signed change and tell whether it was refused with nothing changed."""
    before = twin_version(site)
    reply = site.console.change("PATCH", "/v1/twin", {"labels": {"a": "b"}}, {"If-Match": str(before)}, **changed)
    return reply, twin_version(site) - before


def is_refused(reply: httpx.Response) -> bool:
    assert reply.headers["content-type"] == "application/problem+json"
    document = reply.json()
    assert document.keys() == {"type", "title", "detail", "hint", "field"}
    return (reply.status_code, document["type"]) == (403, "refused")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_an_unpaired_caller_is_refused_everywhere_but_at_the_pairing_desk(site, method, path):
    with httpx.Client(verify=pairing_context(), base_url=site.agent.url) as client:
        assert is_refused(client.request(method, path, content=b"x" * 10 if method != "GET" else None))


def test_callers_who_are_not_known_are_told_in_the_log_a_line_each_and_no_flood_of_them(caplog):
    class Shut:
        def console_of(self, _shown):
            raise Refused("You are not paired with this hub")

    sent, clock = [], ManualClock()
    gate = Gate(Shut(), (), clock.monotonic_s)

    async def send(message):
        sent.append(message)

    async def ask(path):
        scope = {"type": "http", "method": "GET", "path": path, "headers": [], "client": ("10.0.0.9", 5), "state": {}}
        await gate(scope, None, send)

    async def flood():
        await ask("/sync/pull\nall is well")
        for _ in range(100):
            await ask("/sync/push")
        clock.advance(61)
        await ask("/metrics")

    asyncio.run(flood())
    assert sum(message.get("status") == 403 for message in sent) == 102
    lines = [record.message for record in caplog.records]
    assert lines[0] == "GET /sync/pull\\nall is well from 10.0.0.9 was refused: You are not paired with this hub"
    assert len(lines) == 22
    assert lines[20].startswith("more callers were refused")
    assert lines[21].startswith("GET /metrics from 10.0.0.9 was refused")


def test_a_certificate_that_is_not_pinned_does_not_get_through_the_handshake(site):
    stranger = DeviceIdentity.generate("stranger")
    context = client_context(stranger, site.console.agent)
    with httpx.Client(verify=context, base_url=site.agent.url) as client, pytest.raises(httpx.TransportError):
        client.get("/v1/status")
    assert site.console.get("/v1/status").status_code == 200


def test_plain_http_is_not_spoken(site):
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://{site.agent.address}/v1/status")


def test_a_signed_change_is_done_once(site):
    reply, steps = patch(site)
    assert (reply.status_code, steps) == (200, 1)


def test_a_change_without_a_signature_is_refused(site):
    before = twin_version(site)
    assert is_refused(site.console.client.patch("/v1/twin", content=b"{}", headers={"If-Match": str(before)}))
    assert twin_version(site) == before


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"identity": DeviceIdentity.generate("thief")}, "not paired"),
        ({"node": "ab" * 16}, "another node"),
        ({"expiry_us": 1}, "expired"),
        ({"expiry_us": time.time_ns() // 1000 + 3_600_000_000}, "expired"),
    ],
    ids=["wrong key", "other node", "expired", "lives too long"],
)
def test_a_wrong_signature_is_refused_and_changes_nothing(site, changed, reason):
    reply, steps = patch(site, **changed)
    assert is_refused(reply)
    assert reason in reply.json()["detail"]
    assert steps == 0


def test_a_signature_over_something_else_is_refused(site):
    before, console = twin_version(site), site.console
    for method, target, body in (("POST", "/v1/twin", b"{}"), ("PATCH", "/v1/twin?x", b"{}"), ("PATCH", "/v1/twin", b"{ }")):
        headers = {HEADER: console.signature(method, target, body), "If-Match": str(before)}
        reply = console.client.patch("/v1/twin", content=b"{}", headers=headers)
        assert is_refused(reply)
        assert "does not hold" in reply.json()["detail"]
    assert twin_version(site) == before


def test_a_replay_is_refused_also_after_a_restart(start, console):
    agent = start()
    console.pair(agent)
    signature = console.signature("PATCH", "/v1/twin", b"{}")
    send = lambda version: console.client.patch(  # noqa: E731
        "/v1/twin", content=b"{}", headers={HEADER: signature, "If-Match": str(version)}
    )
    assert send(0).status_code == 200
    assert "replay" in send(1).json()["detail"]
    agent.kill()
    console.meet(start())
    assert "replay" in send(1).json()["detail"]
    assert console.get("/v1/twin").json()["version"] == 1


def test_a_wrong_code_is_refused_and_the_right_one_still_works(start, kit):
    agent, console = start(), kit.Console()
    with pytest.raises(Refused, match="code is wrong"):
        console.pair(agent, new_code())
    console.pair(agent)
    assert console.get("/v1/status").json()["device"] == agent.device
    with pytest.raises(Refused, match="takes no new console"):
        kit.Console("second").pair(agent)
    console.close()


def test_a_man_in_the_middle_with_a_certificate_of_his_own_is_found_out(site):
    """He relays the agent's true identity, but must show his own certificate on the line."""
    middle = DeviceIdentity.generate("middle")
    side = ConsoleSide(DeviceIdentity.generate("laptop").public, new_code())
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    here, there = pairing_context().wrap_bio(down, up), server_context(middle).wrap_bio(up, down, server_side=True)
    for step in (here, there, here, there):
        try:
            step.do_handshake()
        except ssl.SSLWantReadError:
            continue
    relayed = {"session": "s", "identity": site.console.agent.to_json(), "nonce": "00" * 32}
    with pytest.raises(Refused, match="another certificate"):
        side.prove(relayed, here.getpeercert(True))


def test_a_node_that_came_back_with_another_identity_is_not_spoken_to(site, start, kit):
    other = start()
    context = client_context(site.console.identity, site.console.agent)
    with httpx.Client(verify=context, base_url=other.url) as client, pytest.raises(httpx.ConnectError, match="CERTIFICATE"):
        client.get("/v1/status")


def test_a_console_taken_off_is_refused_at_once_and_the_node_shows_a_new_code(start, console, kit):
    agent = start()
    console.pair(agent)
    assert console.change("DELETE", "/v1/pair").status_code == 200
    assert is_refused(console.get("/v1/status"))
    agent.stop()
    again = start()
    assert again.code
    with pytest.raises(httpx.TransportError):
        kit.checked(httpx.get(f"{again.url}/v1/status", verify=client_context(console.identity, console.agent)))


def test_a_body_larger_than_allowed_is_refused(site):
    reply = site.console.change("PATCH", "/v1/twin", b" " * ((1 << 20) + 1), {"If-Match": "0"})
    assert (reply.status_code, reply.json()["type"]) == (429, "limit")


def test_an_endless_body_is_cut_off(site):
    def endless():
        while True:
            yield b" " * 65536

    with httpx.Client(verify=pairing_context(), base_url=site.agent.url) as client:
        try:
            reply = client.post("/v1/pair", content=endless())
        except httpx.TransportError:
            return
        assert reply.status_code == 429


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", json.dumps({"step": "hello", "identity": {}}).encode()])
def test_a_malformed_pairing_step_is_bad_input(start_once, body):
    with httpx.Client(verify=pairing_context(), base_url=start_once.url) as client:
        reply = client.post("/v1/pair", content=body)
    assert (reply.status_code, reply.json()["type"]) == (400, "bad-input")


def test_a_full_disk_is_told_as_a_limit_and_a_bug_as_a_bug(caplog):
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    for error in (OSError(errno.ENOSPC, "No space left on device"), full):
        assert (problem_of(error).status_code, json.loads(problem_of(error).body)["title"]) == (429, "Limit reached")
    assert not caplog.records
    assert problem_of(ZeroDivisionError("x")).status_code == 500
    assert "a bug while answering" in caplog.text


def test_an_unknown_path_is_missing(site):
    assert site.console.get("/v1/nothing").status_code == 404
    assert site.console.client.post("/v1/status").status_code == 404


@pytest.fixture(scope="module")
def start_once(tmp_path_factory, kit):
    agent = kit.AgentProcess(tmp_path_factory.mktemp("open"))
    yield agent
    agent.kill()
