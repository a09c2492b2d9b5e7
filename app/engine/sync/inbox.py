"""The conflict inbox of one home: what met, what holds there now, and a person's choice."""

from typing import Any, Final

from app.engine.base.errors import BadInput, Conflict, Missing
from app.engine.base.records import Records
from app.engine.jobs.base import Base
from app.engine.store import rows
from app.engine.store.shelf import Shelf
from app.engine.sync.conflicts import OPEN, TABLE
from app.engine.sync.followers import Followers
from app.engine.sync.present import presents
from app.engine.sync.records import Met, conflict_of, only
from app.engine.sync.resolve import choose, need_shown

_MOST_SHOWN: Final = 2000


class Inbox:
    """The conflicts of one home: those that are open first, the newest of them."""

    def __init__(self, base: Base, followers: Followers) -> None:
        self._base, self._followers = base, followers
        self.records: Records[Met] = Records(lambda met: met.id, "conflict")

    async def load(self) -> None:
        """Read anew what met."""
        found = await self._base.store.read(
            lambda conn: [*_found(conn, {"state": OPEN}), *_found(conn, {"state !=": OPEN})][:_MOST_SHOWN]
        )
        self.records.replace_all(found)

    async def look(self, key: str = "", *, resolved: bool = False) -> dict[str, Any]:
        """Return what met with what holds there now, as plain JSON: those that `key` names, parted by commas; all if none.

        Raises `Missing` for none of that name, `BadInput` for more than one.
        """
        asked = [met for met in self.records if resolved or met.state == OPEN]
        if key:
            asked = await self._named(key)
        now = await self._base.store.read(lambda conn: presents(Shelf(conn), asked))
        told = [{**met.to_json(), **there.to_json()} for met, there in zip(asked, now, strict=True)]
        return {"conflicts": told, "total_count": len(asked) if key else await self.count(resolved=resolved),
                "as_of_us": self._base.clock.now_us()}  # fmt: skip

    async def resolve(self, key: str, choice: str, *, shown: str = "", actor: str, cause: str) -> dict[str, Any]:
        """Let the value that stands stand (`kept`), or bring back the one that lost (`lost`); both stay on record.

        Several that `key` names, parted by commas, are resolved alike: all of them or none, and what became of them is returned
        as {conflicts}. Raises `Conflict` where another value holds by now than the one whose mark is `shown`, in this order.
        """
        mets, marks = await self._named(key), shown.split(",") if shown else []
        if choice not in ("kept", "lost"):
            raise BadInput("{name} must be one of {choices}, not {value}", name="choice", choices="kept, lost", value=choice)
        if marks and len(marks) != len(mets):
            raise BadInput("There are {marks} marks for {count} conflicts", marks=len(marks), count=len(mets), field="shown")
        for met in mets:
            if met.state != OPEN:
                raise Conflict("{title} was resolved already, by {who}", title=met.title, who=met.resolved_by or "–")
        now_us = self._base.clock.now_us()

        def work(conn: rows.Conn) -> set[str]:
            for met, mark in zip(mets, marks, strict=False):  # before the first is written: two may be about one value
                need_shown(conn, met, mark)
            return {choose(conn, met, choice, actor=actor, cause=cause, now_us=now_us) for met in mets}

        self._followers.changed((TABLE, *await self._base.store.write(work)))
        await self._followers.settled()
        told = [(await self.find(met.id)).to_json() for met in mets]
        return told[0] if len(told) == 1 else {"conflicts": told}

    async def _named(self, key: str) -> list[Met]:
        """Return the conflicts that are named, parted by commas, each once."""
        found = [await self.find(each.strip()) for each in key.split(",")]
        return list({met.id: met for met in found}.values())

    async def find(self, key: str) -> Met:
        """Return the conflict whose id is `key`, or begins or ends with it, one too that is not among those shown."""
        named = await self._base.store.read(lambda conn: _found(conn, {"id ~": key})) if key else []
        found = [one for one in named if one.id.startswith(key) or one.id.endswith(key)]
        if not found:
            raise Missing("There is no conflict {name}", name=key, field="conflict")
        return only([one for one in found if one.id == key] or found, key)

    async def count(self, *, resolved: bool) -> int:
        """Return how many conflicts there are, those too that are too many to be shown."""
        where = None if resolved else {"state": OPEN}
        return await self._base.store.read(lambda conn: rows.count(conn, TABLE, where=where))


def _found(conn: rows.Conn, where: dict[str, Any]) -> list[Met]:
    return [
        conflict_of(row)
        for row in rows.select(conn, TABLE, where=where, order="created_us", descending=True, limit=_MOST_SHOWN)
    ]
