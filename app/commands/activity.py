"""The rows of activity: the time line of jobs, commands and events, and what is new since somebody last looked."""

from typing import TYPE_CHECKING, Any

from app.commands.audit import since_us
from app.engine.base.command import Arg, Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call

_SEEN = "activity.seen"


async def _list(
    call: "Call",
    *,
    actor: str,
    kind: str,
    object: str,  # noqa: A002 - the argument's name on the command line
    text: str,
    since: str,
    until: str,
    limit: int,
) -> dict[str, Any]:
    from app.engine.observe import timeline

    asked = timeline.Filter(actor, kind, object, text, since_us(since), since_us(until))
    await call.engine.journal.flush()
    entries = await call.engine.store.read(lambda conn: timeline.find(conn, asked, limit))
    return {"entries": entries, "count": len(entries)}


async def _news(call: "Call") -> dict[str, Any]:
    from app.engine.observe import news
    from app.engine.store import rows

    await call.engine.journal.flush()

    def read(conn: rows.Conn) -> dict[str, Any]:
        seen = rows.get(conn, "meta", _SEEN)
        return news.gather(conn, int((seen or {}).get("value") or 0))

    return await call.engine.store.read(read)


async def _seen(call: "Call") -> dict[str, Any]:
    from app.engine.store import rows

    now_us = call.engine.clock.now_us()
    row = {"id": _SEEN, "value": now_us}
    await call.engine.store.write(lambda conn: rows.put(conn, "meta", row, actor=call.actor, cause=call.cause, now_us=now_us))
    return {"since_us": now_us}


ROWS: tuple[Command, ...] = (
    Command(
        "activity.list", "Show activity", "Lists jobs, commands and events on one time line, newest first.", _list,
        (
            Arg("actor", str, "Only what this actor did: a name, or user@device.", ""),
            Arg("kind", str, "Only entries of this kind.", "", choices=("", "job", "command", "event")),
            Arg("object", str, "Only what happened to this: the id or name of a node, job, run, model or setting.", ""),
            Arg("text", str, "Only entries that say all of these words.", ""),
            Arg("since", str, "Only from this date or time on (ISO 8601).", ""),
            Arg("until", str, "Only before this date or time (ISO 8601).", ""),
            Arg("limit", int, "How many at most.", 200, low=1, high=10_000),
        ),
        role=Role.OBSERVER, danger=Danger.READ, returns="{entries: [{id, at_us, kind, what, state, object, actor}], count}",
    ),
    Command(
        "activity.news", "Show what is new",
        "Sums up what happened since it was last marked as seen: one line per kind of thing.",
        _news, role=Role.OBSERVER, danger=Danger.READ,
        returns="{since_us, news: [{what, state, count, objects, last_us}], count}",
    ),
    Command(
        "activity.seen", "Mark activity as seen", "What happened until now is no news any more on this machine.",
        _seen, role=Role.OBSERVER, danger=Danger.READ, returns="{since_us}",
    ),
)  # fmt: skip
