"""What a large registry costs: resident memory of 100,000 node records with their pinned identities; prints JSON.

And the time a query takes over them.
"""

import argparse
import base64
import json
import os
import sys
import time
from typing import TYPE_CHECKING

import psutil

from app.engine.base.records import Records
from app.engine.fleet import intake
from app.engine.fleet.query import compile_query
from app.wire.identity import PublicIdentity

if TYPE_CHECKING:
    from app.engine.fleet.records import Node

QUERY = 'site == "site-7" and tier == tier-2 and label.gpu'


def row(at: int) -> dict[str, object]:
    """Return a row of `edge_nodes` as the store gives it, each value an object of its own."""
    return {
        "id": f"0190-{at:032d}", "node_identifier": f"{at:032x}", "name": f"node-{at:06d}", "status": "online",
        "address": f"10.{at >> 16}.{at >> 8 & 255}.{at & 255}:8443", "site": f"site-{at % 500}", "location_lat": at / 1e4,
        "location_lon": at / 2e4, "hardware_profile": {"cpu_count": 8, "system": f"Linux {at % 7}"},
        "connectivity_type": "lte", "last_heartbeat": 1_700_000_000_000_000 + at, "registered_at": at, "labels": {"gpu": "yes"},
        "cursor_epoch": f"{at:016x}", "cursor_seq": at, "home": "", "models": ["digits:1"],
        "tier": "tier-2", "held": None, "link_bytes_s": None,
        "link_bytes_day": None,
    }  # fmt: skip


def identity(device: str, name: str) -> PublicIdentity:
    """Return an identity of the size of a real one; nobody has its keys."""
    return PublicIdentity(device, name, os.urandom(32), os.urandom(1952), base64.b64encode(os.urandom(348)).decode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=100_000)
    options = parser.parse_args()
    process = psutil.Process()
    before = process.memory_info().rss
    records: Records[Node] = Records(lambda node: node.id, "node")
    records.replace_all(intake.node_of(row(at)) for at in range(options.nodes))
    identities = {node.id: identity(node.device_id, node.name) for node in records}
    devices = {node.device_id: node.id for node in records}
    grown = process.memory_info().rss - before
    match = compile_query(QUERY)
    began_s = time.process_time()
    found = sum(match(node, 0) for node in records)
    spent_s = time.process_time() - began_s
    settings = {
        "nodes": options.nodes,
        "identities": len(identities),
        "devices": len(devices),
        "python": sys.version.split()[0],
    }
    for figure, value, unit in (
        ("registry.memory", grown, "bytes"), ("registry.process", process.memory_info().rss, "bytes"),
        ("registry.query", spent_s, "CPU s"), ("registry.found", found, "nodes"),
    ):  # fmt: skip
        print(json.dumps({"figure": figure, "value": value, "unit": unit, "settings": settings}))


if __name__ == "__main__":
    main()
