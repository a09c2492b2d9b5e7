"""Desired and reported state as pure functions: layers, where each key comes from, what is still to do, three-way differences.

The words are those of device twins (Azure IoT: layered deployments; AWS: shadows; Kubernetes: level-triggered reconcile).
Documents are JSON objects; a path is the tuple of keys down to a leaf. Deltas are computed, never stored.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Path = tuple[str, ...]
Document = Mapping[str, Any]
OWN: Final = "this node"
_ABSENT: Final = object()


@dataclass(frozen=True)
class Layer:
    """A part of the desired state for every node that `query` finds; the higher `priority` wins per key."""

    id: str
    name: str
    query: str = ""
    priority: int = 0
    document: Document = field(default_factory=dict)
    version: int = 1


@dataclass(frozen=True)
class Origin:
    """Where one key of the desired state comes from: the layer that won, and those it stands over, highest first."""

    path: Path
    value: Any
    layer: str
    over: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Twin:
    """One node's twin as the console holds it; `acked` is what the node last took from here, at its `acked_version`."""

    id: str
    version: int = 0
    own: Document = field(default_factory=dict)
    acked: Document = field(default_factory=dict)
    acked_version: int = 0
    reported: Document = field(default_factory=dict)
    applied_version: int = 0
    reported_us: int = 0
    conflict: Document = field(default_factory=dict)


def leaves(document: Document, at: Path = ()) -> dict[Path, Any]:
    """Return every leaf of `document` by its path; an empty object is a leaf."""
    found: dict[Path, Any] = {}
    for key, value in document.items():
        if isinstance(value, Mapping) and value:
            found |= leaves(value, (*at, key))
        else:
            found[*at, key] = value
    return found


def document_of(found: Mapping[Path, Any]) -> dict[str, Any]:
    """Return the document that has exactly these leaves."""
    whole: dict[str, Any] = {}
    for path, value in found.items():
        place = whole
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = value
    return whole


def compose(layers: Iterable[Layer], own: Document) -> tuple[dict[str, Any], tuple[Origin, ...]]:
    """Return the desired state and the origin of each of its keys, by path.

    `layers` are those that hold for the node, in any order; ties go by name; the node's own keys stand above all. A null in
    a layer removes what stands below it.
    """
    found: dict[Path, list[tuple[str, Any]]] = {}
    ordered = [(layer.name, layer.document) for layer in sorted(layers, key=lambda layer: (layer.priority, layer.name))]
    for name, document in [*ordered, (OWN, own)]:
        for path, value in leaves(document).items():
            for other in [other for other in found if other != path and _nested(other, path)]:
                del found[other]
            found.setdefault(path, []).insert(0, (name, value))
    kept = {path: told for path, told in sorted(found.items()) if told[0][1] is not None}
    origins = tuple(Origin(path, told[0][1], told[0][0], tuple(told[1:])) for path, told in kept.items())
    return document_of({path: told[0][1] for path, told in kept.items()}), origins


def _nested(one: Path, other: Path) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


@dataclass(frozen=True)
class Lack:
    """A key of the desired state that the node does not report so; `ignored` when it told that it does not know the key."""

    path: Path
    desired: Any
    reported: Any = None
    ignored: bool = False


def delta(desired: Document, reported: Document) -> tuple[Lack, ...]:
    """Return what the node has still to do."""
    told = leaves(reported)
    ignored = set(reported.get("ignored") or ())
    return tuple(
        Lack(path, value, told.get(path), path[0] in ignored)
        for path, value in leaves(desired).items()
        if told.get(path, _ABSENT) != value
    )


def patch_to(before: Document, after: Document) -> dict[str, Any]:
    """Return the merge patch (RFC 7396) that makes `before` into `after`."""
    patch: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        there = before.get(key, _ABSENT)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            if inner := patch_to(there, value):
                patch[key] = inner
        elif there != value:
            patch[key] = value
    return patch


Change = Literal["mine", "theirs", "both", "conflict"]


@dataclass(frozen=True)
class Difference:
    """One key that changed since `base`, by whom; None stands for absent."""

    path: Path
    base: Any
    theirs: Any
    mine: Any
    change: Change

    def to_json(self) -> dict[str, Any]:
        """Return the difference as plain JSON, its path with dots."""
        return {
            "path": ".".join(self.path), "base": self.base, "theirs": self.theirs, "mine": self.mine, "change": self.change,
        }  # fmt: skip


def three_way(base: Document, theirs: Document, mine: Document) -> tuple[Difference, ...]:
    """Return every key that one side or both changed; `conflict` where both did, differently."""
    flat = [leaves(document) for document in (base, theirs, mine)]
    found: list[Difference] = []
    for path in sorted(set().union(*flat)):
        was, they, we = (each.get(path) for each in flat)
        if was == they == we:
            continue
        change: Change = "mine" if they == was else "theirs" if we == was else "both" if they == we else "conflict"
        found.append(Difference(path, was, they, we, change))
    return tuple(found)


def merged(base: Document, differences: Sequence[Difference], *, keep: Literal["mine", "theirs"]) -> dict[str, Any]:
    """Return `base` with all changes; where both sides changed a key differently, that of `keep`."""
    found = leaves(base)
    for each in differences:
        value = each.theirs if each.change == "theirs" or (each.change == "conflict" and keep == "theirs") else each.mine
        if value is None:
            found.pop(each.path, None)
        else:
            found[each.path] = value
    return document_of(found)
