"""Placement over the live fleet: what every node that answers has free, written as lines a placement problem reads.

Free are the processors and the memory of the node's inventory, less the share its last telemetry says is in use; rounded down
to 0.05 of a processor and 64 MiB, so that amounts have common units.
"""

from collections.abc import Iterable
from pathlib import Path

from app.engine.base.errors import BadInput, Missing
from app.engine.fleet.health import Health
from app.engine.fleet.records import Node

_CPU_STEP, _MEM_STEP = 50, 64


def node_lines(nodes: Iterable[Node]) -> list[str]:
    """Return `node = name cpu memory round_trip_ms` for each node that is online and has told what it is made of."""
    lines = []
    for node in sorted(nodes, key=lambda node: node.name):
        cpus, memory = node.hardware.get("cpu_count"), node.hardware.get("mem_bytes")
        if node.state is Health.ONLINE and cpus and memory:
            cpu = 1000 * float(cpus) * (1 - (node.cpu_ratio or 0.0))
            mib = float(memory) / 2**20 * (1 - (node.mem_ratio or 0.0))
            trip_ms = round(1000 * (node.round_trip_s or 0.0), 3)
            name = "-".join(node.name.split()) or node.id
            lines.append(f"node = {name} {int(cpu) // _CPU_STEP * _CPU_STEP} {int(mib) // _MEM_STEP * _MEM_STEP} {trip_ms}")
    return lines


def with_fleet(nodes: Iterable[Node], file: Path | None, text: str) -> str:
    """Return the workloads of `file` or `text` with the nodes of the live fleet before them; `Missing` when none answers."""
    from app.engine.qubo.problems.load import text_of

    if (file is None) == (not text):
        raise BadInput("Give the workloads as a file or a text, one of the two", field="file")
    table = text_of(Path(file).expanduser()) if file is not None else text
    lines = node_lines(nodes)
    if not lines:
        raise Missing("No node is online, so there is nowhere to place anything", hint="Start some with: outpost fleet demo")
    own = [
        line for line in table.replace("\\n", "\n").splitlines() if not line.replace(" ", "").startswith(("node=", "problem="))
    ]
    return "\n".join(["problem = placement", *lines, *own]) + "\n"
