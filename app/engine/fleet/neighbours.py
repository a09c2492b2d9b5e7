"""Who looks after whom: the nodes of a site in a ring, each told the next few; as a pure function."""

from collections.abc import Iterable

from app.engine.fleet.health import Health
from app.engine.fleet.records import Node


def rings_of(nodes: Iterable[Node], count: int) -> dict[str, dict[str, str]]:
    """Return for each node's id its neighbours as {device id: address}: the next `count` of its site, in order of names.

    A node out of service is nobody's neighbour; one alone at its site has none.
    """
    sites: dict[str, list[Node]] = {}
    for node in sorted(nodes, key=lambda each: (each.name, each.id)):
        if node.state is not Health.DECOMMISSIONED:
            sites.setdefault(node.site, []).append(node)
    told: dict[str, dict[str, str]] = {}
    for ring in sites.values():
        for at, node in enumerate(ring):
            mates = (ring[(at + step) % len(ring)] for step in range(1, min(count, len(ring) - 1) + 1))
            told[node.id] = {mate.device_id: mate.address for mate in mates}
    return told
