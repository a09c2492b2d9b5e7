"""Announcements: a node that nobody reaches from outside tells a hub that it is there, signed by the node's own identity.

The document is a sealed manifest (see `manifests.py`) of {"kind", "identity", "name", "address", "hub", "at_us"}. It names the
hub it is for, so that nobody can take it to another one, and its time, so that nobody can show it again later.
"""

from dataclasses import dataclass
from typing import Any, Final

from app.engine.base.errors import Conflict, Refused
from app.wire.documents import SCHEMA, object_of, text_of, whole_of
from app.wire.identity import DeviceIdentity, PublicIdentity
from app.wire.manifests import seal, unseal

KIND: Final = "announcement"
SKEW_US: Final = 300_000_000
_CHARACTERS: Final = 128


@dataclass(frozen=True)
class Announcement:
    """Who announced themselves, as what, where they listen in their own network, and when on their clock."""

    identity: PublicIdentity
    name: str
    address: str
    at_us: int


def announce(identity: DeviceIdentity, *, name: str, address: str, hub: str, at_us: int) -> dict[str, Any]:
    """Return the signed announcement of a node to the hub with device id `hub`."""
    told = {
        "schema": SCHEMA, "kind": KIND, "identity": identity.public.to_json(), "name": name, "address": address, "hub": hub,
        "at_us": at_us,
    }  # fmt: skip
    return seal(identity, told)


def read_announcement(document: dict[str, Any], hub: str, now_us: int) -> Announcement:
    """Return an announcement to `hub`; raise `BadInput`, `Refused` for a forged or misdirected one, `Conflict` for its time."""
    told = object_of(document, "manifest")
    identity = PublicIdentity.from_json(told.get("identity"))
    unseal(document, lambda device: identity if device == identity.device_id else None)
    if told.get("kind") != KIND or text_of(told, "hub") != hub:
        raise Refused("This announcement is for another hub", field="hub")
    at_us = whole_of(told, "at_us")
    if abs(at_us - now_us) > SKEW_US:
        raise Conflict(
            "The node's clock differs from the hub's by {skew_s} s", skew_s=round(abs(at_us - now_us) / 1e6), field="at_us",
            hint="Set the clock of the node.",
        )  # fmt: skip
    return Announcement(identity, text_of(told, "name")[:_CHARACTERS], text_of(told, "address")[:_CHARACTERS], at_us)
