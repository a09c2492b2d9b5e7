import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.engine.base.errors import BadInput, Limit
from app.engine.control.adapters.balancer import LoadBalancer, LoadBalancerResource


class Backend(BaseHTTPRequestHandler):
    def do_GET(self):
        body = str(self.server.server_port).encode()
        self.send_response(500 if self.server.broken else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


@pytest.fixture
def servers():
    made = []
    for _ in range(3):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
        server.daemon_threads = True
        server.broken = False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        made.append((server, thread))
    yield [server for server, _ in made]
    for server, thread in made:
        server.shutdown()
        thread.join()
        server.server_close()


def send(name, _request):
    connection = http.client.HTTPConnection(name, timeout=5)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        body = answer.read().decode()
        if answer.status != 200:
            raise OSError(f"{answer.status}")
        return body
    finally:
        connection.close()


def test_requests_reach_live_backends_and_a_broken_one_is_ejected(servers):
    names = [f"127.0.0.1:{server.server_port}" for server in servers]
    balancer = LoadBalancer(send, names, policy="round_robin")
    resource = LoadBalancerResource(balancer)
    assert {balancer.call(None) for _ in range(30)} == {str(server.server_port) for server in servers}
    servers[0].broken = True
    for _ in range(40):
        balancer.call(None)  # each is answered: a second try goes elsewhere
    assert resource.get_metrics()["ejected_count"] == 1
    assert resource.get_metrics()["errors_count"] == 0
    assert resource.apply_control(2) == 2
    assert {balancer.call(None) for _ in range(20)} <= {str(server.server_port) for server in servers[1:]}
    assert resource.get_metrics()["p99_s"] > 0


def test_backends_are_added_and_removed_and_the_last_one_stays():
    balancer = LoadBalancer(lambda name, _request: name, ["a"])
    balancer.add("b")
    balancer.set_active(2)
    assert {balancer.call(None) for _ in range(50)} == {"a", "b"}
    balancer.remove("a")
    assert balancer.call(None) == "b"
    for wrong in ("a", "b"):
        with pytest.raises(BadInput):
            balancer.remove(wrong)
    with pytest.raises(BadInput, match="is a backend already"):
        balancer.add("b")


def test_a_full_backend_refuses():
    inner = []

    def nested(_name, depth):
        if depth:
            with pytest.raises(Limit):
                balancer.call(0)
            inner.append(depth)
        return depth

    balancer = LoadBalancer(nested, ["a"], limit=1)
    balancer.call(1)
    assert inner == [1]
    assert balancer.refused == 1


@pytest.mark.parametrize("policy", ["round_robin", "least", "two_choices", "weighted"])
def test_a_second_try_never_goes_where_the_first_one_failed(policy):
    asked = []

    def send(name, _request):
        asked.append(name)
        if name == "bad":
            raise OSError("broken")
        return name

    balancer = LoadBalancer(send, ["bad", "good"], policy=policy, active=1)
    for _ in range(200):
        assert balancer.call(None) == "good"
    assert balancer.failed == 0
    asked.clear()
    alone = LoadBalancer(send, ["bad"])
    with pytest.raises(OSError, match="broken"):
        alone.call(None)
    assert asked == ["bad"]
    assert alone.failed == 1


def test_a_backend_that_is_full_itself_is_a_failure_of_it_and_another_is_asked():
    def send(name, _request):
        if name == "full":
            raise Limit("too many requests")
        return name

    balancer = LoadBalancer(send, ["full", "good"], active=1, policy="least")
    assert {balancer.call(None) for _ in range(10)} == {"good"}
    assert (balancer.refused, balancer.failed, balancer.router.backends[0].failed) == (0, 0, 5)
    alone = LoadBalancer(send, ["full"])
    with pytest.raises(Limit, match="too many requests"):
        alone.call(None)
    assert (alone.refused, alone.failed) == (0, 1)


def test_many_that_fail_at_once_eject_once_and_one_trial_decides():
    now_s, going, gate, broken = [0.0], threading.Semaphore(0), threading.Event(), [True]

    def send(name, wait):
        if wait and name == "a":
            going.release()
            assert gate.wait(20)
        if broken[0] and name == "a":
            raise OSError("broken")
        return name

    balancer = LoadBalancer(send, ["a", "b", "c"], active=1, policy="least", clock=lambda: now_s[0])
    first = balancer.router.backends[0]
    callers = [threading.Thread(target=balancer.call, args=(True,)) for _ in range(40)]
    for caller in callers:
        caller.start()
        assert going.acquire(timeout=20)
    now_s[0] = 0.5
    gate.set()
    for caller in callers:
        caller.join(20)
    assert (first.failed, first.ejections, first.until_s) == (40, 1, 1.5)
    broken[0], now_s[0] = False, 2.0
    assert balancer.call(False) == "a"
    assert (first.ejections, first.until_s) == (0, 0.0)


def test_a_request_that_is_at_fault_is_tried_once_and_ejects_nobody():
    asked = []

    def send(name, request):
        asked.append(name)
        if request == "bad":
            raise BadInput("no request")
        return name

    balancer = LoadBalancer(send, ["a", "b", "c", "d"])
    for _ in range(40):
        with pytest.raises(BadInput, match="no request"):
            balancer.call("bad")
    assert len(asked) == balancer.failed == 40
    assert LoadBalancerResource(balancer).get_metrics()["ejected_count"] == 0


def test_backends_that_are_added_can_be_used():
    balancer = LoadBalancer(lambda name, _request: name, ["a", "b"])
    live, told = LoadBalancerResource(balancer), LoadBalancerResource(balancer, 1, 3)
    assert (live.high, told.high) == (2.0, 3.0)
    for name in "cd":
        balancer.add(name)
    assert (live.high, told.high) == (4.0, 3.0)
    assert (live.apply_control(9), told.apply_control(9)) == (4.0, 3.0)
