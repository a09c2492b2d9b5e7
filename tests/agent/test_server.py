import socket

import pytest

from app.agent.server import listen
from app.engine.base.errors import Conflict


def test_port_zero_lets_the_system_choose():
    with listen("127.0.0.1", 0) as one, listen("127.0.0.1", 0) as two:
        assert 0 < one.getsockname()[1] != two.getsockname()[1]
        assert not one.getblocking()


def test_a_port_in_use_is_a_conflict_that_says_so():
    with listen("127.0.0.1", 0) as one, pytest.raises(Conflict, match="can listen on 127"):
        listen("127.0.0.1", one.getsockname()[1])


def test_an_address_that_is_not_ours_is_a_conflict():
    with pytest.raises(Conflict, match=r"192\.0\.2\.1"):
        listen("192.0.2.1", 0)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ipv6_is_listened_to_where_it_exists():
    try:
        listener = listen("::1", 0)
    except Conflict:
        pytest.skip("no IPv6 loopback here")
    assert listener.family == socket.AF_INET6
    listener.close()
