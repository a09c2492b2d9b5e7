"""Callers who were refused, told in the log: a line each, and no flood of them.

Who fails in the TLS handshake is told by what OpenSSL says of it. From where they came is not: an `SSLObject`, the one place
of asyncio and uvloop alike where a failed handshake is seen, knows no address.
"""

import logging
import ssl
import time
from collections.abc import Callable
from typing import Final

LOG = logging.getLogger(__name__)
MOST_TOLD: Final = 20  # in a minute
_MINUTE_S: Final = 60.0


class Refusals:
    """Writes a line of each caller who was refused; of crowds the first few in a minute."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._since_s, self._count = -_MINUTE_S, 0

    def tell(self, line: str) -> None:
        """Write `line`, unless enough were written in this minute."""
        now_s = self._monotonic_s()
        if now_s - self._since_s >= _MINUTE_S:
            self._since_s, self._count = now_s, 0
        self._count += 1
        if self._count <= MOST_TOLD:
            LOG.warning("%s", line)
        elif self._count == MOST_TOLD + 1:
            LOG.warning("more callers were refused; for a minute no further ones are named")

    def watch(self, context: ssl.SSLContext) -> None:
        """Tell of every handshake that fails in a connection made with `context` from now on."""
        tell = self.tell

        class Watched(ssl.SSLObject):
            """A side of a TLS connection that tells when its handshake fails."""

            def do_handshake(self) -> None:
                """Take the handshake as far as what has come allows."""
                try:
                    super().do_handshake()
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    raise
                except ssl.SSLError as error:
                    tell(f"a caller was refused in the TLS handshake: {reason_of(error)}")
                    raise

        context.sslobject_class = Watched


def reason_of(error: ssl.SSLError) -> str:
    """Return why a handshake failed, in OpenSSL's words."""
    found = getattr(error, "verify_message", "") or (error.reason or type(error).__name__).replace("_", " ").lower()
    return str(found)
