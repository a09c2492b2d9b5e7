"""A proxy between a console and a node that can be told to do what networks do: cut, half-open, slow, duplicate.

It forwards TCP and knows nothing of what is said, so it stands between any client and server of the tests.
"""

import asyncio
import contextlib


class FaultProxy:
    """Forwards to `target` (host:port). `mode`: "" all is well, "cut" refuses and drops, "half_open" takes and is silent, "slow"
    holds each piece for `delay_s`, "duplicate" opens each connection twice at the server and forwards the first. With a number in
    `cut_after` the connection ends, once, when so many more bytes have come from the target.
    """

    def __init__(self, target, delay_s=0.2):
        host, _, port = target.rpartition(":")
        self._target, self.delay_s = (host, int(port)), delay_s
        self.mode, self.connections, self.cut_after, self.carried = "", 0, 0, 0
        self._talks, self._writers = set(), set()

    async def start(self):
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def stop(self):
        self._server.close()
        self._drop()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def __aenter__(self):
        return await self.start()

    async def __aexit__(self, *_what):
        await self.stop()

    def be(self, mode):
        """Do `mode` from now on; a cut also ends what is open."""
        self.mode = mode
        if mode == "cut":
            self._drop()

    def _drop(self):
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _take(self, reader, writer):
        task = asyncio.current_task()
        self._talks.add(task)
        self._writers.add(writer)
        self.connections += 1
        others = []
        try:
            if self.mode == "cut":
                return
            for _ in range(2 if self.mode == "duplicate" else 1):
                others.append(await asyncio.open_connection(*self._target))
                self._writers.add(others[-1][1])
            there_reader, there_writer = others[0]
            await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer, back=True))
        except OSError:
            pass
        finally:
            self._talks.discard(task)
            for each in (writer, *(pair[1] for pair in others)):
                self._writers.discard(each)
                each.transport.abort()

    def _cut_in(self, piece):
        """Return how much of a piece from the target still goes through, all of it but for the one that the cut is in."""
        self.carried += len(piece)
        if not 0 < self.cut_after <= len(piece):
            self.cut_after = max(0, self.cut_after - len(piece))
            return len(piece)
        left, self.cut_after = self.cut_after, 0
        return left

    async def _pump(self, reader, writer, *, back=False):
        with contextlib.suppress(OSError):
            while piece := await reader.read(1 << 16):
                while self.mode == "half_open":
                    await asyncio.sleep(0.01)
                if self.mode == "slow":
                    await asyncio.sleep(self.delay_s)
                through = self._cut_in(piece) if back else len(piece)
                writer.write(piece[:through])
                await writer.drain()
                if through < len(piece):
                    break
        writer.transport.abort()
