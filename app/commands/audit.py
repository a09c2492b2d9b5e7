"""The row of the audit trail: who ran what, when, and how it ended."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role
from app.engine.base.errors import BadInput

if TYPE_CHECKING:
    from app.engine.engine import Call


def since_us(text: str) -> int:
    """Return the microseconds since 1970 that an ISO 8601 time or date means (UTC unless it says otherwise); empty: 0."""
    if not text:
        return 0
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            "since must be a date or time such as 2026-03-01 or 2026-03-01T08:30Z, not {value}", field="since", value=text
        ) from None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1e6)


async def _list(call: "Call", *, actor: str, command: str, since: str, limit: int) -> dict[str, Any]:
    from app.engine.store import audit

    at_us = since_us(since)
    entries = await call.engine.store.read(
        lambda conn: audit.find(conn, actor=actor, command=command, since_us=at_us, limit=limit)
    )
    return {"entries": entries, "count": len(entries)}


ROWS: tuple[Command, ...] = (
    Command(
        "audit.list",
        "List the audit trail",
        "List who ran which command, newest first.",
        _list,
        (
            Arg("actor", str, "Only this actor, as user@device.", ""),
            Arg("command", str, "Only this command, or every command of a noun such as fleet.", ""),
            Arg("since", str, "Only from this date or time on (ISO 8601).", ""),
            Arg("limit", int, "How many at most.", 100, low=1, high=10_000),
        ),
        role=Role.OBSERVER,
        danger=Danger.READ,
        returns="entries, count",
    ),
)
