import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from app.engine.base.errors import BadInput, Offline
from app.engine.control.adapters.buffers import MemoryResource
from app.engine.control.adapters.sources import source_of

# As recorded from Prometheus 2.42 and Jolokia 1.7.
ANSWERS = {
    "/api/v1/query?query=up": {"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {"__name__": "up"}, "value": [1700000000.123, "0.75"]}]}},
    "/api/v1/query?query=scalar%28up%29": {"status": "success", "data": {"resultType": "scalar", "result": [1700000000.1, "2"]}},
    "/api/v1/query?query=none": {"status": "success", "data": {"resultType": "vector", "result": []}},
    "/api/v1/query?query=lie": {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "NaN"]}]}},
    "/api/v1/query?query=up%5B5m%5D": {"status": "success", "data": {"resultType": "matrix", "result": [
        {"metric": {"__name__": "up"}, "values": [[1700000000.1, "1"], [1700000015.1, "1"]]}]}},
    "/api/v1/query?query=%22a%22": {"status": "success", "data": {"resultType": "string", "result": [1700000000.1, "a"]}},
    "/api/v1/query?query=shapes": {"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {}, "histogram": [1700000000.1, {"count": "3"}]}]}},
    "/api/v1/query?query=bare": {"status": "success"},
    "/api/v1/query?query=%28": {"status": "error", "errorType": "bad_data", "error": "parse error"},
    "/jolokia/read/java.lang:type=Memory/HeapMemoryUsage/used": {"status": 200, "value": 123456, "timestamp": 1700000000,
        "request": {"mbean": "java.lang:type=Memory", "attribute": "HeapMemoryUsage", "path": "used", "type": "read"}},
    "/api/v1/query?query=many": {"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {"job": "a"}, "value": [1, "1"]}, {"metric": {"job": "b"}, "value": [1, "2"]}]}},
    "/api/v1/query?query=kinds": {"status": "success", "data": {"resultType": ["vector"], "result": []}},
    "/api/v1/query?query=deep": "[" * 200_000,
    "/jolokia/read/a/huge": {"status": 200, "value": 10**400},
    "/jolokia/read/a/true": {"status": 200, "value": True},
    "/jolokia/read/java.lang:type=Nope/X": {"status": 404, "error": "javax.management.InstanceNotFoundException"},
}  # fmt: skip


class Recorded(BaseHTTPRequestHandler):
    def do_GET(self):
        told = ANSWERS.get(self.path, "<html>")
        body = (told if isinstance(told, str) else json.dumps(told)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="module")
def host():
    server = HTTPServer(("127.0.0.1", 0), Recorded)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_recorded_answers_give_their_figures(host):
    assert source_of(f"prometheus://{host}/up").read() == 0.75
    assert source_of(f"prometheus://{host}/scalar(up)").read() == 2
    assert source_of(f"jmx://{host}/java.lang:type=Memory/HeapMemoryUsage/used").read() == 123456


@pytest.mark.parametrize(
    ("address", "error", "told"),
    [
        ("prometheus://{}/none", Offline, "no series for none"),
        ("prometheus://{}/lie", Offline, "no number"),
        ("prometheus://{}/(", BadInput, "parse error"),
        ("prometheus://{}/up[5m]", BadInput, "answers a matrix, no figure"),
        ('prometheus://{}/"a"', BadInput, "answers a string, no figure"),
        ("prometheus://{}/bare", BadInput, "no figure"),
        ("prometheus://{}/shapes", Offline, "without a value"),
        ("prometheus://{}/other", Offline, "without JSON"),
        ("jmx://{}/java.lang:type=Nope/X", Offline, "InstanceNotFound"),
        ("prometheus://{}/many", BadInput, "answers 2 series, not one figure"),
        ("prometheus://{}/kinds", BadInput, "no figure"),
        ("prometheus://{}/deep", Offline, "without JSON"),
        ("jmx://{}/a/huge", Offline, "no number"),
        ("jmx://{}/a/true", Offline, "no number"),
    ],
)
def test_what_is_no_figure_is_told_in_one_line(host, address, error, told):
    with pytest.raises(error, match=told):
        source_of(address.format(host)).read()


def test_a_server_that_is_gone_is_offline():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Offline, match="did not answer"):
        source_of(f"prometheus://127.0.0.1:{port}/up").read()


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"])
def test_a_server_that_drips_is_not_read_for_longer_than_the_time_there_is(head, monkeypatch):
    monkeypatch.setattr("app.engine.control.adapters.sources._TIMEOUT_S", 0.3)
    ended = threading.Event()

    def drip(listening):
        taken, _ = listening.accept()
        with taken:
            taken.sendall(head or b"HTTP/1.1 200 OK\r\nX: ")
            while not ended.wait(0.01):
                try:
                    taken.sendall(b"x")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        with pytest.raises(Offline, match="timed out"):
            source_of(f"prometheus://127.0.0.1:{listening.getsockname()[1]}/up").read()
        ended.set()
        thread.join()


@pytest.mark.parametrize("address", ["", "http://x/y", "prometheus://host", "jmx://host/bean", "prometheus:///up"])
def test_what_is_no_source_is_refused(address):
    with pytest.raises(BadInput, match="no metric source"):
        source_of(address)


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="no Prometheus server here")
def test_a_live_prometheus_answers(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "p.yml").write_text("global: {scrape_interval: 1s}\nscrape_configs: []\n")
    command = ["prometheus", f"--config.file={tmp_path / 'p.yml'}", f"--storage.tsdb.path={tmp_path / 'data'}",
               f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until_s = time.monotonic() + 30
        while time.monotonic() < until_s:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=1) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                server.poll()
                threading.Event().wait(0.05)
        assert source_of(f"prometheus://127.0.0.1:{port}/vector(42)").read() == 42
    finally:
        server.terminate()
        server.wait(20)


JARS = ("/usr/share/java/jolokia-core.jar", "/usr/share/java/json-simple.jar")
# Jolokia's own request handler behind the JDK's HTTP server: what its JVM agent is, for the one bean this machine is sure to have.
SERVER = """
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.Map;
import org.jolokia.backend.BackendManager;
import org.jolokia.config.ConfigKey;
import org.jolokia.config.Configuration;
import org.jolokia.http.HttpRequestHandler;
import org.jolokia.restrictor.AllowAllRestrictor;
import org.jolokia.util.LogHandler;

public class Server {
    public static void main(String[] given) throws Exception {
        LogHandler log = new LogHandler() {
            public void debug(String text) {}
            public void info(String text) {}
            public void error(String text, Throwable why) {}
        };
        Configuration config = new Configuration(ConfigKey.AGENT_ID, "test");
        HttpRequestHandler handler =
            new HttpRequestHandler(config, new BackendManager(config, log, new AllowAllRestrictor()), log);
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/jolokia", exchange -> {
            String path = exchange.getRequestURI().getPath();
            String text;
            try {
                text = handler.handleGetRequest(path, path.substring("/jolokia".length()), Map.of()).toJSONString();
            } catch (Throwable why) {
                text = handler.handleThrowable(why).toJSONString();
            }
            byte[] body = text.getBytes("UTF-8");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        System.out.println(server.getAddress().getPort());
        System.out.flush();
    }
}
"""


@pytest.mark.skipif(
    shutil.which("java") is None or not all(Path(jar).exists() for jar in JARS),
    reason="no JDK with Jolokia (libjolokia-core-java)",
)
def test_a_live_jolokia_answers(tmp_path):
    (tmp_path / "Server.java").write_text(SERVER)
    command = ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", ":".join(JARS), str(tmp_path / "Server.java")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            port = int(server.stdout.readline())
            bean = f"jmx://127.0.0.1:{port}/java.lang:type=Memory"
            assert source_of(f"{bean}/HeapMemoryUsage/used").read() > 1e6
            assert MemoryResource(os.getpid(), f"{bean}/HeapMemoryUsage/used").measure_state().position > 1e6
            with pytest.raises(Offline, match="AttributeNotFoundException"):
                source_of(f"{bean}/Nothing/used").read()
            with pytest.raises(Offline, match="InstanceNotFoundException"):
                source_of(f"jmx://127.0.0.1:{port}/java.lang:type=Nope/X").read()
        finally:
            server.kill()


@pytest.mark.parametrize("host", ["localhost:http", "localhost:9x"])
def test_a_port_that_is_no_number_is_refused(host):
    with pytest.raises(BadInput, match="is no host with a port"):
        source_of(f"prometheus://{host}/up").read()


@pytest.mark.parametrize("host", ["localhost:99999", "a" * 70 + ".example:80"])
def test_a_host_that_cannot_be_is_offline(host):
    with pytest.raises(Offline, match="did not answer"):
        source_of(f"jmx://{host}/java.lang:type=Memory/X").read()
