"""The gate every request passes: pinned certificate, signature where something changes, size of the body, errors told.

Nothing of a body is read before its sender is known, except for pairing, where it is small.
"""

import errno
import json
import logging
import re
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.agent.refusals import Refusals
from app.engine.base.errors import Limit, Missing, Refused
from app.engine.base.funnel import as_outpost_error
from app.wire.identity import PublicIdentity
from app.wire.signing import HEADER

LOG = logging.getLogger(__name__)
_BUG: Final = 500
_MOST_SIGNS: Final = 500


@dataclass(frozen=True)
class Asked:
    """One request that passed the gate: its console (None only when pairing), the path's parts and the whole body.

    `digest` is that of the body where it was signed.
    """

    request: Request
    console: PublicIdentity | None
    parts: dict[str, str]
    body: bytes
    digest: str = ""


@dataclass(frozen=True)
class Rule:
    """One thing that can be asked: method, path with {parts}, who answers, and what the gate demands.

    Where refusals are `told`, each leaves a line in the log.
    """

    method: str
    path: str
    answer: Callable[[Asked], Awaitable[Response]]
    most_bytes: int = 0
    signed: bool = False
    unpaired: bool = False
    told: bool = False

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the path's parts when this rule is meant, or None."""
        found = _pattern(self.path).fullmatch(path) if method == self.method else None
        return found.groupdict() if found else None


@lru_cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]{1,128})", path))


class Door(Protocol):
    """What the gate asks who may come in: a node, or a hub."""

    def console_of(self, shown: bytes | None) -> PublicIdentity:
        """Return the paired console whose certificate (DER) a connection showed; raise `Refused`."""

    async def check_signature(self, console: PublicIdentity, header: str, method: str, target: str, body: bytes) -> str:
        """Return the digest of the body; raise `Refused` unless `header` signs this request by `console`."""


class Gate:
    """The ASGI application: finds the rule, checks the caller, and tells every error as a problem document."""

    def __init__(self, node: Door, rules: tuple[Rule, ...], monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._node, self._strangers, self._known = node, Refusals(monotonic_s), Refusals(monotonic_s)
        self._rules: dict[tuple[str, str], list[Rule]] = {}
        for rule in rules:
            self._rules.setdefault((rule.method, _noun(rule.path)), []).append(rule)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Exception as error:  # noqa: BLE001 - the agent's one seam: whatever it was, the caller is told
            response = problem_of(error)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        method, path = request.scope["method"], request.scope["path"]
        meant = self._rules.get((method, _noun(path)), ())
        found = next(((rule, parts) for rule in meant if (parts := rule.match(method, path)) is not None), None)
        open_to_all = found is not None and found[0].unpaired
        console = None if open_to_all else self._console_of(request)
        if found is None:
            nowhere = Missing("There is no {method} {path} here", method=method, path=path[:200])
            self._tell(request, console, nowhere)
            raise nowhere
        rule, parts = found
        try:
            return await self._passed(request, console, rule, parts)
        except Exception as error:
            if rule.told or isinstance(error, Limit):
                self._tell(request, console, error)
            raise

    async def _passed(self, request: Request, console: PublicIdentity | None, rule: Rule, parts: dict[str, str]) -> Response:
        """Answer what was asked by somebody who may ask it."""
        body, digest = await read_body(request, rule.most_bytes), ""
        if rule.signed and console is not None:
            header = request.headers.get(HEADER)
            if header is None:
                raise Refused("A change needs a signature")
            digest = await self._node.check_signature(console, header, rule.method, target_of(request.scope), body)
        return await rule.answer(Asked(request, console, parts, body, digest))

    def _console_of(self, request: Request) -> PublicIdentity:
        """Return who asks; one who is not known is refused, and told in the log."""
        try:
            return self._node.console_of(request.scope["state"].get("peer_der"))
        except Refused as error:
            self._strangers.tell(f"{_asked_in(request)} was refused: {error}")
            raise

    def _tell(self, request: Request, console: PublicIdentity | None, error: Exception) -> None:
        """Write down who was refused, and why; a bug is written down elsewhere."""
        told = as_outpost_error(_translated(error))
        if told.status < _BUG:
            name = f", {_plain(console.name)} ({console.device_id})," if console is not None else ""
            bound = self._strangers if console is None else self._known
            bound.tell(f"{_asked_in(request)}{name} was refused: {_plain(str(told))}")


def _asked_in(request: Request) -> str:
    """Return who asked what, as one line, whatever signs stand in it."""
    host = request.client.host if request.client is not None else "?"
    return f"{ascii(request.scope['method'])[1:-1]} {ascii(request.scope['path'][:200])[1:-1]} from {host}"


def _plain(text: str) -> str:
    """Return a text of others as the part of one line."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text[:_MOST_SIGNS])


def _noun(path: str) -> str:
    """Return what a path is about: its second part."""
    return path.split("/", 3)[2] if path.count("/") > 1 else path


def target_of(scope: Scope) -> str:
    """Return the path with its query exactly as it was sent, which is what was signed."""
    query = scope["query_string"]
    target: bytes = scope["raw_path"] + (b"?" + query if query else b"")
    return target.decode("ascii", "replace")


async def read_body(request: Request, most_bytes: int) -> bytes:
    """Return the whole body; raise `Limit` as soon as it is larger than allowed."""
    told = request.headers.get("content-length", "0")
    parts: list[bytes] = []
    size = int(told) if told.isascii() and told.isdigit() and len(told) < 16 else 0
    if size <= most_bytes:
        size = 0
        async for part in request.stream():
            parts.append(part)
            size += len(part)
            if size > most_bytes:
                break
    if size > most_bytes:
        raise Limit("The body may have at most {most} bytes", most=most_bytes)
    return b"".join(parts)


def problem_of(error: Exception) -> Response:
    """Return the problem document of `error` (RFC 9457); a bug is logged, and told without its innards."""
    told = as_outpost_error(_translated(error))
    if told.status >= _BUG:
        LOG.error("a bug while answering", exc_info=error)
    return json_response(told.problem(), told.status, "application/problem+json")


def _translated(error: Exception) -> Exception:
    """Return a full disk as what it is; everything else as it came."""
    full = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
    if full or (isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_FULL):
        return Limit("The node's disk is full", hint="Make room on the node and try again; nothing was changed.")
    return error


def json_response(document: dict[str, Any], status: int = 200, media_type: str = "application/json") -> Response:
    """Return `document` as a response; NaN never leaves."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(body, status, media_type=media_type)
