from pathlib import Path

import pytest

from app.agent.options import Options, is_loopback
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
