"""Nodes that called a hub because nobody reaches them from outside: who, from where, and when they were last heard."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from app.engine.base.errors import Conflict, Limit, Refused
from app.wire.announcements import read_announcement
from app.wire.identity import PublicIdentity

MOST: Final = 10_000
MOST_UNKNOWN: Final = 1_000
_FORGOTTEN_US: Final = 7 * 86_400_000_000
_KEPT: Final = ("name", "address", "seen_from", "known", "heard_us")


class Callers:
    """What nodes announced; lives on the loop. `pinned` returns the identity of a node that a console paired with."""

    def __init__(self, hub: str, pinned: Callable[[str], PublicIdentity | None]) -> None:
        self._hub, self._pinned = hub, pinned
        self._heard: dict[str, dict[str, Any]] = {}

    def take(self, document: dict[str, Any], seen_from: str, now_us: int) -> None:
        """Note an announcement; raise `Refused` for a forged one, `Conflict` for one shown again, `Limit` beyond the bounds.

        Nodes that nobody has paired with are kept apart, so that strangers can never push out those that are known.
        """
        told = read_announcement(document, self._hub, now_us)
        device = told.identity.device_id
        pinned, before = self._pinned(device), self._heard.get(device)
        if pinned is not None and pinned.certificate_der != told.identity.certificate_der:
            raise Refused("This node's identity is not the one that was pinned", field="identity")
        if before is not None and told.at_us <= before["at_us"]:
            raise Conflict("This announcement was heard before", field="at_us")
        if before is None:
            self._make_room(known=pinned is not None, now_us=now_us)
        self._heard[device] = {
            "device": device, "name": told.name, "address": told.address, "seen_from": seen_from, "at_us": told.at_us,
            "heard_us": now_us, "known": pinned is not None,
        }  # fmt: skip

    def load(self, kept: Iterable[dict[str, Any]], now_us: int) -> None:
        """Take up what was kept of nodes that called before this start."""
        for one in kept:
            if now_us - one["heard_us"] < _FORGOTTEN_US:
                self._heard[one["id"]] = {**{name: one[name] for name in _KEPT}, "device": one["id"], "at_us": 0}

    def told(self) -> list[dict[str, Any]]:
        """Return every node that called, by name; `known` tells whether a console has paired with it."""
        found = [{**one, "known": self._pinned(one["device"]) is not None} for one in self._heard.values()]
        return sorted(found, key=lambda one: (one["name"], one["device"]))

    def _make_room(self, *, known: bool, now_us: int) -> None:
        self._heard = {device: one for device, one in self._heard.items() if now_us - one["heard_us"] < _FORGOTTEN_US}
        alike = sum(one["known"] == known for one in self._heard.values())
        if alike >= (MOST if known else MOST_UNKNOWN):
            raise Limit("The hub hears {most} nodes at most", most=MOST if known else MOST_UNKNOWN)
