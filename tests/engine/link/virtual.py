"""Virtual nodes whose telemetry is a function of the sequence number alone, so that pulled and told can be compared."""

from dataclasses import replace

from app.agent import virtual
from app.wire.telemetry import Measurement

START_US = 1_700_000_000_000_000


def measurement(seq):
    return Measurement(
        seq, START_US + seq * 1_000_000, cpu_ratio=seq % 100 / 100, mem_ratio=0.5, resources={"mem_bytes": 1e9 + seq}
    )


class VirtualNode(virtual.VirtualNode):
    """One node with `have` measurements, and one more every `grow_s` seconds."""

    def __init__(self, name, console, have, grow_s=0.0):
        super().__init__(name, console, have, grow_s)

    def measurement(self, seq):
        return replace(measurement(seq))
