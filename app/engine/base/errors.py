"""What can go wrong, as a small tree: each error says what happened and what to do about it.

Every class knows its HTTP status and its exit status, so that the window, the command line and the hub agree.
The shape on the wire is RFC 9457 (Problem Details for HTTP APIs).
"""

from typing import Any, ClassVar

from app.engine.base.text import tr


class OutpostError(Exception):
    """An error a person is told about: a message with `{name}` fields, a hint, and the argument at fault."""

    slug: ClassVar[str] = "error"
    title: ClassVar[str] = "Error"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, /, *, hint: str = "", field: str = "", **values: object) -> None:
        super().__init__(message)
        self.message, self.hint_source, self.field = message, hint, field
        self.values = {"field": field, **values} if field else values

    def __str__(self) -> str:
        return tr(self.message, **self.values)

    @property
    def hint(self) -> str:
        """What to do now, in the reader's language; empty when the message says it all."""
        return tr(self.hint_source, **self.values)

    def problem(self) -> dict[str, Any]:
        """Return the problem document {type, title, detail, hint, field} of this error."""
        return {"type": self.slug, "title": tr(self.title), "detail": str(self), "hint": self.hint, "field": self.field}


class BadInput(OutpostError):
    """The caller's input is malformed or out of range; nothing was changed."""

    slug, title, status, exit_code = "bad-input", "Bad input", 400, 2


class Infeasible(BadInput):
    """What was asked cannot be: its constraints are proved to contradict one another."""

    slug, title = "infeasible", "Infeasible"


class Refused(OutpostError):
    """The caller may not do this, or cannot prove who they are."""

    slug, title, status, exit_code = "refused", "Refused", 403, 3


class Offline(OutpostError):
    """The other side cannot be reached now."""

    slug, title, status, exit_code = "offline", "Offline", 503, 4


class Timeout(OutpostError):
    """The other side was reached but did not answer in time."""

    slug, title, status, exit_code = "timeout", "Timed out", 504, 4


class Missing(OutpostError):
    """The named thing does not exist."""

    slug, title, status, exit_code = "missing", "Not found", 404, 5


class Conflict(OutpostError):
    """The thing changed since the caller last saw it, or is in a state that does not allow this."""

    slug, title, status, exit_code = "conflict", "Conflict", 409, 6


class Limit(OutpostError):
    """A limit (rate, size, memory, disk) stands in the way."""

    slug, title, status, exit_code = "limit", "Limit reached", 429, 7


class Cancelled(OutpostError):
    """The work was cancelled on request; this is no failure."""

    slug, title, status, exit_code = "cancelled", "Cancelled", 499, 130


class Bug(OutpostError):
    """Our own fault: something that must never happen did."""

    slug, title = "bug", "Internal error"


TREE: tuple[type[OutpostError], ...] = (
    BadInput, Infeasible, Refused, Offline, Timeout, Missing, Conflict, Limit, Cancelled, Bug,
)  # fmt: skip


def from_problem(document: dict[str, Any]) -> OutpostError:
    """Return the error a problem document describes; an unknown type becomes `Bug`."""
    kind = next((c for c in TREE if c.slug == document.get("type")), Bug)
    detail, hint = str(document.get("detail", "")), str(document.get("hint", ""))
    return kind("{detail}", hint="{told}" if hint else "", field=str(document.get("field", "")), detail=detail, told=hint)
