"""Where a remote resource's figure comes from: a Prometheus query, or a JMX attribute through Jolokia over HTTP.

`prometheus://host:port/QUERY` asks the HTTP API's instant query; `jmx://host:port/MBEAN/ATTRIBUTE[/PATH]` asks Jolokia's
read operation (protocol 7). Both have two seconds for all of it, and whatever goes wrong is `Offline` or `BadInput`.
"""

import http.client
import io
import json
import math
import socket
import time
import urllib.parse
from dataclasses import dataclass
from typing import Any, Final, Protocol

from app.engine.base.errors import BadInput, Offline

_TIMEOUT_S: Final = 2.0
_MOST_BYTES: Final = 1 << 20


class MetricSource(Protocol):
    """Something that knows one figure."""

    def read(self) -> float:
        """Return the figure now; raises `Offline` when it cannot be had."""


def _left_s(until_s: float) -> float:
    left_s = until_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("timed out")
    return left_s


class _Reader(io.RawIOBase):
    def __init__(self, sock: socket.socket, until_s: float) -> None:
        self._sock, self._until_s = sock, until_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(_left_s(self._until_s))
        return self._sock.recv_into(buffer)


class _Timed:
    """A socket as an HTTP connection uses it, with one deadline for all of it: one that drips is not read for ever."""

    def __init__(self, host: str, port: int, until_s: float) -> None:
        self._until_s = until_s
        self.sock = self._connected(host, port)

    def _connected(self, host: str, port: int) -> socket.socket:
        why = OSError("it has no address")
        for family, kind, protocol, _name, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            one = socket.socket(family, kind, protocol)
            try:
                one.settimeout(_left_s(self._until_s))
                one.connect(address)
            except OSError as error:
                one.close()
                why = error
            else:
                return one
        raise why

    def sendall(self, data: Any) -> None:
        self.sock.settimeout(_left_s(self._until_s))
        self.sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self.sock, self._until_s))

    def close(self) -> None:
        """Leave the socket open for what is still read from it."""


def _get(host: str, path: str) -> Any:
    try:
        connection: Any = http.client.HTTPConnection(host)
    except http.client.InvalidURL as error:
        raise BadInput("{host} is no host with a port: {why}", field="metric_source", host=host, why=error) from error
    timed = None
    try:
        timed = connection.sock = _Timed(connection.host, connection.port, time.monotonic() + _TIMEOUT_S)
        connection.request("GET", path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        body = answer.read(_MOST_BYTES)
    except (OSError, OverflowError, UnicodeError, http.client.HTTPException) as error:
        raise Offline("{host} did not answer: {why}", host=host, why=error) from error
    finally:
        if timed is not None:
            timed.sock.close()
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Offline("{host} answered {status} without JSON", host=host, status=answer.status) from error


@dataclass(frozen=True)
class Prometheus:
    """The value of an instant query that answers one series."""

    host: str
    query: str

    def read(self) -> float:
        """Return the value; no series is `Offline`, a query that cannot be parsed or has several `BadInput`."""
        told = _get(self.host, "/api/v1/query?" + urllib.parse.urlencode({"query": self.query}))
        if not isinstance(told, dict) or told.get("status") != "success":
            why = told.get("error", "") if isinstance(told, dict) else ""
            raise BadInput("Prometheus refused the query {query}: {why}", field="metric_source", query=self.query, why=why)
        data = told.get("data")
        kind = data.get("resultType") if isinstance(data, dict) else None
        if not isinstance(kind, str) or kind not in {"scalar", "vector"}:
            raise BadInput("The query {query} answers a {kind}, no figure", field="metric_source", query=self.query,
                           kind=kind, hint="Ask for an instant vector or a scalar, without a range in brackets.")  # fmt: skip
        try:
            result = told["data"]["result"]
            if kind == "vector" and len(result) > 1:
                raise BadInput("The query {query} answers {count} series, not one figure", field="metric_source",
                               query=self.query, count=len(result), hint="Make it one, for example with sum(…).")  # fmt: skip
            pair = result if kind == "scalar" else result[0]["value"] if result else (0.0, None)
            value = pair[1]
        except (KeyError, TypeError, IndexError) as error:
            raise Offline("{host} answered {query} without a value", host=self.host, query=self.query) from error
        if value is None:
            raise Offline("{host} has no series for {query}", host=self.host, query=self.query)
        return _number(value, self.query)


@dataclass(frozen=True)
class Jolokia:
    """One attribute of a managed bean."""

    host: str
    path: str

    def read(self) -> float:
        """Return the value; an error of the bean is `Offline`."""
        told = _get(self.host, "/jolokia/read/" + self.path)
        if not isinstance(told, dict) or told.get("status") != 200:
            why = told.get("error", "") if isinstance(told, dict) else ""
            raise Offline("{host} has no {path}: {why}", host=self.host, path=self.path, why=why)
        return _number(told.get("value"), self.path)


def _number(value: Any, what: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise Offline("{what} is {value}, no number", what=what, value=repr(value)[:80])
    return number


def source_of(address: str) -> MetricSource:
    """Return the source that `address` names; raises `BadInput` for another scheme or an incomplete address."""
    scheme, _, rest = address.partition("://")
    host, _, path = rest.partition("/")
    if scheme == "prometheus" and host and path:
        return Prometheus(host, urllib.parse.unquote(path))
    if scheme == "jmx" and host and path.count("/") >= 1:
        return Jolokia(host, path)
    raise BadInput(
        "{address} is no metric source", field="metric_source", address=repr(address),
        hint="Use prometheus://host:port/QUERY or jmx://host:port/MBEAN/ATTRIBUTE.",
    )  # fmt: skip
