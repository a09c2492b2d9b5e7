"""Shared text: a replicated growable array, so that two who write in one text both keep what they wrote.

After Roh, Jeon, Kim, Lee, "Replicated abstract data types: Building blocks for collaborative applications" (2011): every
character has an id (hlc, replica, number); an insertion goes behind the character it was typed after, past those with greater
ids; a deletion leaves a tombstone. A change that refers to characters not here yet waits for them.
"""

from difflib import SequenceMatcher
from typing import Any, TypeAlias

from app.engine.base.errors import BadInput
from app.engine.sync.hlc import Stamp

Held: TypeAlias = list[
    list[Any]
]  # [hlc, replica, number, character, alive]; a waiting change is ["wait", change, hlc, replica]

_WAIT = "wait"


def first(text: str, stamp: Stamp) -> Held:
    """Return the array of a text that was written whole at `stamp`."""
    return [[stamp[0], stamp[1], number, letter, 1] for number, letter in enumerate(text)]


def read(held: Held) -> str:
    """Return the text as it stands."""
    return "".join(item[3] for item in held if item[0] != _WAIT and item[4])


def change_of(held: Held, text: str, stamp: Stamp) -> dict[str, Any]:
    """Return the change that makes `held` read `text`, its new characters numbered under `stamp`."""
    alive = [item for item in held if item[0] != _WAIT and item[4]]
    before, number = "".join(item[3] for item in alive), 0
    inserted: list[Any] = []
    deleted: list[Any] = []
    for tag, low, high, first_new, last_new in SequenceMatcher(None, before, text, autojunk=False).get_opcodes():
        if tag in ("delete", "replace"):
            deleted += [item[:3] for item in alive[low:high]]
        if tag in ("insert", "replace"):
            after = alive[low - 1][:3] if low else None
            inserted.append([[stamp[0], stamp[1], number], after, text[first_new:last_new]])
            number += last_new - first_new
    return {"ins": inserted, "del": deleted}


def weave(held: Held, change: Any, stamp: Stamp) -> Held:
    """Return `held` with `change` in it; a change that is in it already changes nothing."""
    chars = [list(item) for item in held if item[0] != _WAIT]
    waiting = [(item[1], (item[2], item[3])) for item in held if item[0] == _WAIT] + [(_checked(change), stamp)]
    moved = True
    while moved:
        left = [(each, at) for each, at in waiting if not _fits(chars, each)]
        moved = len(left) < len(waiting) and bool(left)
        waiting = left
    return chars + [[_WAIT, each, *at] for each, at in sorted(waiting, key=lambda one: one[1])]


def join(held: Held, other: Held) -> Held:
    """Return both arrays as one, as if every change in either had been woven.

    Between a character and the one it was typed after stand only those with greater ids, so a character that is missing finds
    its place behind its neighbour on the left, past those with greater ids.
    """
    chars = [list(item) for item in held if item[0] != _WAIT]
    at, places = 0, {tuple(item[:3]) for item in chars}
    for item in (item for item in other if item[0] != _WAIT):
        id_ = tuple(item[:3])
        if id_ in places:
            at = next(place for place, one in enumerate(chars) if tuple(one[:3]) == id_)
            chars[at][4] = min(chars[at][4], item[4])
        else:
            while at < len(chars) and tuple(chars[at][:3]) > id_:
                at += 1
            chars.insert(at, list(item))
        at += 1
    waiting = [item for one in (held, other) for item in one if item[0] == _WAIT]
    for place, item in enumerate(waiting):
        if item not in waiting[:place]:
            chars = weave(chars, item[1], (item[2], item[3]))
    return chars


def _checked(change: Any) -> dict[str, Any]:
    try:
        for (hlc, replica, number), after, text in change["ins"]:
            ids = (hlc, replica, number, *(after or ()))
            if not isinstance(text, str) or not all(isinstance(part, (int, str)) for part in ids):
                raise TypeError
        for hlc, replica, number in change["del"]:
            if not (isinstance(hlc, int) and isinstance(replica, str) and isinstance(number, int)):
                raise TypeError
    except (KeyError, TypeError, ValueError):
        raise BadInput("The change of a text is malformed") from None
    return {"ins": change["ins"], "del": change["del"]}


def _fits(chars: Held, change: dict[str, Any]) -> bool:
    """Weave `change` in when all it refers to is here."""
    places = {tuple(item[:3]) for item in chars}
    needed = [tuple(id_) for id_ in change["del"]] + [tuple(after) for _, after, _ in change["ins"] if after]
    if not places.issuperset(needed):
        return False
    for id_, after, text in change["ins"]:
        _insert(chars, id_, after, text)
    gone = {tuple(id_) for id_ in change["del"]}
    for item in chars:
        if tuple(item[:3]) in gone:
            item[4] = 0
    return True


def _insert(chars: Held, id_: list[Any], after: list[Any] | None, text: str) -> None:
    hlc, replica, number = id_
    if any(item[:3] == [hlc, replica, number] for item in chars):
        return
    at = 0 if after is None else next(place for place, item in enumerate(chars) if item[:3] == list(after)) + 1
    for step, letter in enumerate(text):
        fresh = [hlc, replica, number + step]
        while at < len(chars) and tuple(chars[at][:3]) > tuple(fresh):
            at += 1
        chars.insert(at, [*fresh, letter, 1])
        at += 1
