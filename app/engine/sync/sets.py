"""Sets: lists of members and maps of keys, by the key of each element."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

from app.engine.base.errors import BadInput
from app.engine.sync.hlc import ZERO, Stamp
from app.engine.sync.ops import canonical


def members_of(value: Any) -> dict[str, Any]:
    """Return the elements of a set's value by key: those of a map by its keys, those of a list by their JSON."""
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, list):
        return {canonical([item]): item for item in value}
    return {}


@dataclass
class Held:
    """A set to be changed in place, with what is quick to look things up in: one row may take thousands of changes at once."""

    value: Any
    cell: dict[str, Any]
    members: dict[str, Any]  # of a map its value
    keys: list[str]  # of a list, in its order
    base: tuple[Any, Any] = (None, None)  # the value and the cell of its column that it is about
    looker: str = ""
    fresh: list[str] | None = None  # put since `looker` looked at it last

    @classmethod
    def of(cls, value: Any, cell: dict[str, Any], *, as_list: bool) -> "Held":
        """Return a set of its own with the elements of `value`."""
        members = members_of(value)
        if not (as_list if value is None else isinstance(value, list)):
            return cls(members, cell, members, [])
        keys = sorted(members)
        return cls([members[key] for key in keys], cell, members, keys)

    def known(self, key: str, default: Stamp) -> tuple[Stamp, Stamp]:
        """Return when an element was added last, `default` if it has no stamps, and the last adding that was taken back."""
        stamps = self.cell["e"].get(key)
        if stamps is None:
            return (default if key in self.members else ZERO), ZERO
        return (stamps[0], stamps[1]), (stamps[2], stamps[3])

    def put_since(self, looker: str) -> list[str]:
        """Return the keys put since this replica looked last, if it was the last to look, or all there are."""
        keys = self.fresh if looker and looker == self.looker and self.fresh is not None else list(self.members)
        self.looker, self.fresh = looker, []
        return keys

    def put(self, key: str, item: Any) -> None:
        """Have an element stand in it."""
        if self.fresh is not None:
            self.fresh.append(key)
        if self.value is not self.members:
            at = bisect_left(self.keys, key)
            if key not in self.members:
                self.keys.insert(at, key)
                self.value.insert(at, item)
            self.value[at] = item
        self.members[key] = item

    def pop(self, key: str) -> None:
        """Have an element stand in it no more."""
        if key not in self.members:
            return
        del self.members[key]
        if self.value is not self.members:
            at = bisect_left(self.keys, key)
            del self.keys[at], self.value[at]


def is_out(there: Stamp, gone: Stamp) -> bool:
    """Tell whether an element that was added last at `there` is out by what took back the adding at `gone`, or later ones.

    By the times alone: where a disk was copied, one write goes by one time under several names.
    """
    return there[0] <= gone[0]


def change_of(value: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], bool]:
    """Return what a change says: elements added, what was seen of each, elements taken out with their adding, a list or not."""
    parts = [value.get(name, {}) for name in ("add", "seen", "del")] if isinstance(value, dict) else []
    added, seen, removed = (part for part in (*parts, None, None, None)[:3])
    if not (isinstance(added, dict) and isinstance(seen, dict) and isinstance(removed, dict)):
        raise BadInput("The change of a set names what was added and what was removed")
    return added, seen, removed, bool(value.get("list"))
