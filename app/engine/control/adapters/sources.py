"""Where a remote resource's figure comes from: a Prometheus query, or a JMX attribute through Jolokia over HTTP.

`prometheus://host:port/QUERY` asks the HTTP API's instant query; `jmx://host:port/MBEAN/ATTRIBUTE[/PATH]` asks Jolokia's
read operation (protocol 7). Both time out after two seconds, and whatever goes wrong is `Offline` or `BadInput`.
"""

import http.client
import json
import math
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


def _get(host: str, path: str) -> Any:
    try:
        connection = http.client.HTTPConnection(host, timeout=_TIMEOUT_S)
    except http.client.InvalidURL as error:
        raise BadInput("{host} is no host with a port: {why}", field="metric_source", host=host, why=error) from error
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        body = answer.read(_MOST_BYTES)
    except (OSError, OverflowError, UnicodeError, http.client.HTTPException) as error:
        raise Offline("{host} did not answer: {why}", host=host, why=error) from error
    finally:
        connection.close()
    try:
        return json.loads(body)
    except ValueError as error:
        raise Offline("{host} answered {status} without JSON", host=host, status=answer.status) from error


@dataclass(frozen=True)
class Prometheus:
    """The first value of an instant query."""

    host: str
    query: str

    def read(self) -> float:
        """Return the value; no series is `Offline`, a query that cannot be parsed `BadInput`."""
        told = _get(self.host, "/api/v1/query?" + urllib.parse.urlencode({"query": self.query}))
        if not isinstance(told, dict) or told.get("status") != "success":
            why = told.get("error", "") if isinstance(told, dict) else ""
            raise BadInput("Prometheus refused the query {query}: {why}", field="metric_source", query=self.query, why=why)
        data = told.get("data")
        kind = data.get("resultType") if isinstance(data, dict) else None
        if kind not in {"scalar", "vector"}:
            raise BadInput("The query {query} answers a {kind}, no figure", field="metric_source", query=self.query,
                           kind=kind, hint="Ask for an instant vector or a scalar, without a range in brackets.")  # fmt: skip
        try:
            result = told["data"]["result"]
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
        number = float(value)
    except (TypeError, ValueError):
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
