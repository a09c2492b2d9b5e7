from pathlib import Path

import pytest

from app.agent.options import Options, address_of, hosts_of, is_loopback
from app.engine.base.errors import BadInput


@pytest.mark.parametrize(
    ("host", "told"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("node.local", False)],
)
def test_only_what_this_machine_alone_can_reach_is_loopback(host, told):
    assert is_loopback(host) is told
    assert Options(Path("x"), "n", host=host).announced is not told


def test_nothing_is_announced_against_the_wish():
    assert not Options(Path("x"), "n", host="0.0.0.0", mdns=False).announced


@pytest.mark.parametrize("name", ["", "x" * 65, "two\nlines"])
def test_a_name_that_cannot_be_is_bad_input(name):
    with pytest.raises(BadInput):
        Options(Path("x"), name).check()


def test_an_empty_host_is_bad_input():
    with pytest.raises(BadInput):
        Options(Path("x"), "n", host="").check()


def test_what_listens_everywhere_is_told_by_an_address_that_others_reach(monkeypatch):
    monkeypatch.setattr("app.agent.adapters.machine.addresses", lambda: ["10.0.0.5", "172.17.0.1"])
    assert hosts_of("0.0.0.0") == ["10.0.0.5", "172.17.0.1"]
    assert [address_of(host, 7443) for host in ("0.0.0.0", "::", "", "::1", "hub.site")] == [
        "10.0.0.5:7443", "10.0.0.5:7443", "10.0.0.5:7443", "[::1]:7443", "hub.site:7443",
    ]  # fmt: skip
    monkeypatch.setattr("app.agent.adapters.machine.addresses", list)
    assert address_of("0.0.0.0", 7443) == "127.0.0.1:7443"
