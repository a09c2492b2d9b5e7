"""The epochs that a hub had before, as it tells them: another one began with each of its restores."""

from typing import Any

from app.wire.documents import list_of, whole_of


def past_of(document: dict[str, Any]) -> list[list[Any]]:
    """Return the epochs of a hub, its own the last, each with where its restore stood."""
    return [each for each in list_of(document, "past") if isinstance(each, list) and len(each) == 3]


def restored_head(document: dict[str, Any], epoch: str) -> int:
    """Return how far back the restores since `epoch` reached, as an entry of the log; its beginning for an unknown epoch."""
    past = past_of(document)
    at = next((place for place, each in enumerate(past) if each[0] == epoch), None)
    if at is None:
        return 0
    return min([whole_of(document, "restored_head", 0), *(each[1] for each in past[at + 1 :] if isinstance(each[1], int))])
