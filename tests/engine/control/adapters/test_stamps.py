import socket
import sys
import time

import pytest

from app.engine.control.adapters.stamps import oldest_wait_s, stamped

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel stamps packets on Linux only")


@pytest.fixture
def pair():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        sender.connect(receiver.getsockname())
        assert stamped(receiver)
        yield receiver, sender


def test_the_oldest_datagram_tells_how_long_it_has_waited_and_is_left_to_its_reader(pair):
    receiver, sender = pair
    sender.send(b"first")
    sender.send(b"second")
    sent_s = time.time()
    assert oldest_wait_s(receiver, lambda: sent_s + 7.0) == pytest.approx(7.0, abs=1.0)
    assert receiver.recv(100) == b"first"
    assert receiver.recv(100) == b"second"


@pytest.mark.parametrize("timeout", [None, 0.0, 600.0])
def test_an_empty_buffer_is_told_as_no_wait_and_never_waited_for(pair, timeout):
    receiver, _sender = pair
    receiver.settimeout(timeout)
    assert oldest_wait_s(receiver) == 0.0
    assert receiver.gettimeout() == timeout


def test_an_error_that_waits_for_the_reader_is_left_to_it(pair):
    receiver, sender = pair
    receiver.close()
    sender.settimeout(5.0)
    assert stamped(sender)
    sender.send(b"nobody listens")
    assert oldest_wait_s(sender) == 0.0
    with pytest.raises(ConnectionRefusedError):
        sender.recv(1)


def test_what_is_no_stream_of_packets_is_not_stamped(monkeypatch, pair):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not stamped(pair[0])
