"""What changed since somebody last looked: alike things counted together, each with one of them to open."""

from collections import defaultdict
from typing import Any, Final

from app.engine.observe import timeline
from app.engine.store import rows

MOST: Final = 2_000
_NAMED: Final = 3
_NO_NEWS: Final = frozenset(
    {"engine.started", "setting.changed", "round.finished", "settings.set", "activity.seen", "job.cancel"}
)


def gather(conn: rows.Conn, since_us: int) -> dict[str, Any]:
    """Return {since_us, news: [{kind, what, state, count, objects, object_kind, object, last_us}], count}, newest first."""
    entries = timeline.find(conn, timeline.Filter(since_us=since_us), MOST)
    return {"since_us": since_us, "news": grouped(entries), "count": len(entries)}


def grouped(entries: list[timeline.Entry]) -> list[dict[str, Any]]:
    """Return one item per kind of thing and how it ended; what still runs, and what a job already says, is left out."""
    causes = {entry["cause"] for entry in entries if entry["kind"] == "job" and entry["cause"]}
    groups: dict[tuple[str, str, str], list[timeline.Entry]] = defaultdict(list)
    for entry in entries:
        repeated = entry["kind"] == "command" and entry["cause"] in causes
        live = entry["state"] in ("running", "queued", "cancelling")
        if entry["what"] not in _NO_NEWS and not repeated and not live:
            groups[entry["kind"], entry["what"], entry["state"]].append(entry)
    return [_item(those) for those in groups.values()]


def _item(entries: list[timeline.Entry]) -> dict[str, Any]:
    newest = entries[0]
    names = list(dict.fromkeys(str(entry["object_name"] or entry["title"]) for entry in entries))
    return {
        "kind": newest["kind"], "what": newest["what"], "state": newest["state"], "count": len(entries),
        "objects": names[:_NAMED], "more": max(0, len(names) - _NAMED), "object_kind": newest["object_kind"],
        "object": newest["object"], "last_us": newest["at_us"],
    }  # fmt: skip
