"""How long what waits in a socket's receive buffer has waited: the kernel stamps each packet, the oldest is looked at.

SO_TIMESTAMPNS of Linux (socket(7)): the time of day at which a packet came in, told beside it. The packet is only looked at
(MSG_PEEK), so its reader still gets it; an error that waits for the reader is left to it too. Without stamps nothing is told.
"""

import os
import select
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Final

# Python 3.11 names neither; the number is that of asm-generic, which every architecture we run on has.
_STAMPS: Final = 35
_TIMESPEC: Final = struct.Struct("@ll")


def stamped(sock: socket.socket) -> bool:
    """Have what comes into `sock` stamped from now on, and tell whether the system does so."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, _STAMPS, 1)
    except OSError:
        return False
    return True


def oldest_wait_s(sock: socket.socket, day_s: Callable[[], float] = time.time) -> float:
    """Return how long the oldest packet that waits in `sock` has waited, 0 where none waits; never blocks, takes nothing."""
    looks = select.poll()
    looks.register(sock, select.POLLIN)
    events = dict(looks.poll(0)).get(sock.fileno(), 0)
    if events & (select.POLLERR | select.POLLIN) != select.POLLIN:
        return 0.0
    # A copy without a time limit of its own: a look at a socket that has one would wait for the reader's next packet.
    with socket.socket(fileno=os.dup(sock.fileno())) as copy:
        try:
            _, told, _, _ = copy.recvmsg(1, socket.CMSG_SPACE(_TIMESPEC.size), socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except OSError:
            return 0.0  # the reader was quicker
    stamps = [data for level, kind, data in told if (level, kind) == (socket.SOL_SOCKET, _STAMPS)]
    if not stamps:
        return 0.0
    came: tuple[int, int] = _TIMESPEC.unpack(stamps[0][: _TIMESPEC.size])
    return max(0.0, day_s() - came[0] - 1e-9 * came[1])
