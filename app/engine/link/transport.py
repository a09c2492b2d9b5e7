"""One request to one node over mutual TLS; every complaint of httpx and ssl becomes one of our errors here.

Each node has its own client, whose only trust anchor is the node's pinned certificate, and which keeps its connection
open between requests: a handshake costs some thirty requests.
"""

import asyncio
import importlib.util
import json
import logging
import random
import ssl
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

if importlib.util.find_spec("rich") is not None:  # then httpx would load its own command line, 6 MiB of which nothing is used
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # the import system's own word for absent

import httpx

from app.engine.base.errors import BadInput, Limit, Offline, OutpostError, Refused, Timeout, from_problem
from app.engine.link.records import Peer
from app.engine.store.threads import in_thread
from app.wire.identity import DeviceIdentity
from app.wire.tls import client_context, pairing_context, require_peer

CONNECT_S: Final = 3.0
_KEEP_S: Final = 70.0  # less than an agent keeps an idle connection
_MOST_BYTES: Final = 128 << 20

logging.getLogger("httpx").setLevel(logging.WARNING)  # a line per request is no news
# httpcore asks at every lock which async library runs, by importing sniffio; where that is not installed, each such import
# searches the whole path, a quarter of what a pull costs. None says at once that it is not there.
if importlib.util.find_spec("sniffio") is None:
    sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type] # the import system's own word for absent

_LIMITS: Final = httpx.Limits(max_connections=8, max_keepalive_connections=4, keepalive_expiry=_KEEP_S)
_CUT_OFF: Final = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError, httpx.CloseError)

Own = Callable[[], Awaitable[DeviceIdentity]]


@dataclass(frozen=True)
class Answer:
    """What a node replied: status, headers and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> dict[str, Any]:
        """Return the body as a JSON object; raise `BadInput` when it is none."""
        try:
            document = json.loads(self.body)
        except ValueError:
            raise BadInput("The node's answer is not JSON") from None
        if not isinstance(document, dict):
            raise BadInput("The node's answer is not a JSON object")
        return document


class Transport:
    """Requests to one node; opened at the first one, closed with `close`.

    It uses httpx's transport without its client, whose cookies, redirects and log lines nobody here needs: they double
    what a pull costs.
    """

    def __init__(self, peer: Peer, own: Own) -> None:
        self.peer = peer
        self._own = own
        self._http: httpx.AsyncHTTPTransport | None = None
        self._url = httpx.URL()
        self._opening = asyncio.Lock()
        self._checked: Any = None

    async def send(
        self, method: str, target: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None, limit_s: float = 10.0
    ) -> Answer:
        """Send one request to `target` (path with query) and return the answer; raise what the node's problem says.

        Raises `Offline` when the node cannot be reached, `Timeout` when it does not answer within `limit_s`, `Refused`
        when it is not who was pinned or does not know this console.
        """
        http = self._http or await self._open()
        limits = {"connect": min(CONNECT_S, limit_s), "read": limit_s, "write": limit_s, "pool": limit_s}
        url = self._url.copy_with(raw_path=target.encode("ascii"))
        request = httpx.Request(method, url, headers=headers, content=body, extensions={"timeout": limits})
        try:
            answer = await self._exchange(http, request)
        except httpx.HTTPError as error:
            told = translated(error, self.peer.identity.name, self.peer.address)
            if isinstance(told, Offline) and isinstance(error, _CUT_OFF) and await self._refuses_us():
                told = _unknown_here(self.peer.identity.name)
            raise told from error
        if answer.status >= 400:
            raise problem_of(answer, self.peer.identity.name)
        return answer

    async def _exchange(self, http: httpx.AsyncHTTPTransport, request: httpx.Request) -> Answer:
        response = await http.handle_async_request(request)
        try:
            self._check_peer(response)
            parts, size = [], 0
            async for part in response.aiter_raw():
                parts.append(part)
                size += len(part)
                if size > _MOST_BYTES:
                    raise Limit("{node} answered with more than a node may send", node=self.peer.identity.name)
        finally:
            await response.aclose()
        return Answer(response.status_code, response.headers, b"".join(parts))

    async def close(self) -> None:
        """Close the connections; a later request opens them anew."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def _open(self) -> httpx.AsyncHTTPTransport:
        async with self._opening:
            if self._http is None:
                identity = await self._own()
                context = await in_thread(partial(client_context, identity, self.peer.identity), "tls")
                self._url = _url(self.peer.address)
                self._http = httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=_LIMITS)
            return self._http

    async def _refuses_us(self) -> bool:
        """Tell whether the node answers one who shows no certificate: then it was ours that made it hang up.

        In TLS 1.3 the client's certificate is judged after the handshake, and the alert that tells so may be lost.
        """
        try:
            context = await in_thread(partial(client_context, None, self.peer.identity), "tls")
            async with _client(self.peer.address, context) as http:
                return (await http.get("/v1/status", timeout=CONNECT_S)).status_code == Refused.status
        except httpx.HTTPError:
            return False

    def _check_peer(self, response: httpx.Response) -> None:
        stream = response.extensions.get("network_stream")
        if stream is not None and stream is not self._checked:
            require_peer(stream.get_extra_info("ssl_object"), self.peer.identity)
            self._checked = stream


async def ask_unpaired(
    address: str, step: Callable[[dict[str, Any], bytes | None], dict[str, Any] | None], first: dict[str, Any]
) -> None:
    """Talk with a node that is not paired yet: send `first`, then what `step(reply, certificate)` returns, until None."""
    async with _client(address, pairing_context()) as http:
        body: dict[str, Any] | None = first
        while body is not None:
            try:
                response = await http.post("/v1/pair", json=body, timeout=httpx.Timeout(10.0, connect=CONNECT_S))
            except httpx.HTTPError as error:
                raise translated(error, address, address) from error
            answer = Answer(response.status_code, response.headers, response.content)
            if answer.status >= 400:
                raise problem_of(answer, address)
            stream = response.extensions.get("network_stream")
            tls = stream.get_extra_info("ssl_object") if stream is not None else None
            body = step(answer.document(), tls.getpeercert(binary_form=True) if tls is not None else None)


def _client(address: str, context: ssl.SSLContext) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=_url(address), verify=context, trust_env=False, follow_redirects=False)


def _url(address: str) -> httpx.URL:
    try:
        return httpx.URL(f"https://{address}/")
    except (httpx.InvalidURL, ValueError):
        raise BadInput("{address} is not an address", address=address, field="address", hint="Write host:port.") from None


def translated(error: Exception, node: str, address: str) -> OutpostError:
    """Return our error for one of httpx's; what lies under it tells a wrong identity from a dead link."""
    if isinstance(error, (httpx.ConnectTimeout, httpx.PoolTimeout)):
        return Offline("{node} does not answer at {address}", node=node, address=address)
    if isinstance(error, httpx.TimeoutException):
        return Timeout("{node} did not answer in time", node=node)
    under = _ssl_error_under(error)
    if isinstance(under, ssl.SSLCertVerificationError):
        return Refused(
            "{node} at {address} is not the node that was paired", node=node, address=address,
            hint="Someone may stand in between. If the node was set up anew, remove it and pair again.",
        )  # fmt: skip
    if under is not None and "ALERT" in str(under).upper():
        return _unknown_here(node)
    return Offline("{node} cannot be reached at {address}", node=node, address=address)


def _unknown_here(node: str) -> Refused:
    return Refused("{node} does not know this console", node=node, hint="Pair it again with the code it shows.")


def problem_of(answer: Answer, node: str) -> OutpostError:
    """Return the error that a refused request's problem document tells, or one by its status alone."""
    try:
        return from_problem(answer.document())
    except BadInput:
        return Offline("{node} answered with status {status}", node=node, status=answer.status)


def _ssl_error_under(error: BaseException | None) -> ssl.SSLError | None:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None


def full_jitter_s(attempt: int, base_s: float, cap_s: float, draw: random.Random) -> float:
    """Return a wait drawn evenly from 0 to min(cap, base 2^attempt) (Exponential Backoff And Jitter, AWS, 2015)."""
    return draw.uniform(0.0, min(cap_s, base_s * 2.0 ** min(attempt, 30)))
