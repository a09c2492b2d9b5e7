"""A load balancer over live HTTP servers on loopback, as a rig: each server serves four requests at once."""

import http.client
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from app.engine.base.errors import Offline
from app.engine.control.adapters.balancer import LoadBalancer, LoadBalancerResource
from app.engine.control.rigs import ClientRig, Rig

EACH: Final = 4
_TIMEOUT_S: Final = 30.0


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, ended: threading.Event) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ended, self.slots = ended, threading.Semaphore(EACH)
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        with self.server.slots:
            self.server.ended.wait(float(self.path[1:]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


def _send(name: str, service_s: Any) -> None:
    connection = http.client.HTTPConnection(name, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", f"/{service_s:.6f}")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException) as error:
        raise Offline("{name} did not answer: {why}", name=name, why=error) from error
    finally:
        connection.close()


def balancer_rig(size: int, low: int, high: int, policy: str = "two_choices") -> Rig:
    """Return clients of a balancer over `high` servers, `size` of them active; a wait is an answer's time less its service."""
    ended = threading.Event()
    servers = [_Server(ended) for _ in range(high)]
    names = [f"127.0.0.1:{server.server_port}" for server in servers]
    balancer = LoadBalancer(_send, names, active=size, limit=64, policy=policy)

    def serve(service_s: float, began: Callable[..., None]) -> None:
        balancer.call(service_s)
        began(service_s)

    def end() -> None:
        ended.set()
        for server in servers:
            server.shutdown()
            server.thread.join()
            server.server_close()

    rig = ClientRig(LoadBalancerResource(balancer, low, high, each=EACH), serve, end)
    rig.backends = balancer.shares
    return rig
