"""The shelf's part for a log that is written anew slice by slice: which stamps are exchanged, and which rows were reached."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import and_, bindparam, func, tuple_, update
from sqlalchemy import delete as delete_from
from sqlalchemy import select as select_from

from app.engine.store.bulk import bulk_of
from app.engine.store.rows import Conn, table_of

Key: TypeAlias = tuple[str, str]
Stamp: TypeAlias = tuple[int, str]

_PART: Final = 400


class Moves:
    """Stamps to be exchanged, each with those its writer had seen there, and the time it gets (0: none yet)."""

    def __init__(self, conn: Conn) -> None:
        self.conn = conn
        self._bulk = bulk_of(conn)

    def moved_put(self, seen: Mapping[Stamp, Sequence[Stamp]]) -> None:
        """Note stamps that are to be exchanged, each with those its writer had seen."""
        made, known = table_of("sync_moved"), self._moved(seen, "had")
        fresh = [at for at in seen if at not in known]
        if fresh:
            told = [{"hlc": at[0], "replica": at[1], "had": list(map(list, seen[at])), "fresh_hlc": 0} for at in fresh]
            self._bulk.insert("sync_moved", told)
        for at, had in known.items():
            more = [list(one) for one in seen[at] if list(one) not in had]
            if more:
                here = and_(made.c.hlc == at[0], made.c.replica == at[1])
                self.conn.execute(update(made).where(here).values(had=[*had, *more]))

    def moved_next(self, after: Stamp, most: int) -> list[tuple[Stamp, list[Stamp]]]:
        """Return the next stamps after `after`, by time and replica, each with those its writer had seen."""
        made = table_of("sync_moved")
        both = (made.c.hlc, made.c.replica)
        query = select_from(*both, made.c.had).where(tuple_(*both) > after).order_by(*both).limit(most)
        return [((hlc, replica), [(had[0], had[1]) for had in seen]) for hlc, replica, seen in self.conn.execute(query)]

    def moved_set(self, times: Mapping[Stamp, int]) -> None:
        """Note the times that stamps get."""
        if times:
            made = table_of("sync_moved")
            here = and_(made.c.hlc == bindparam("at_hlc"), made.c.replica == bindparam("at_replica"))
            told = [{"at_hlc": at[0], "at_replica": at[1], "fresh_hlc": hlc} for at, hlc in times.items()]
            self.conn.execute(update(made).where(here), told)

    def moved_of(self, stamps: Iterable[Stamp]) -> dict[Stamp, int]:
        """Return the times of those stamps that are exchanged."""
        return self._moved(stamps, "fresh_hlc")

    def moved_top(self) -> int:
        """Return the latest time that is exchanged."""
        made = table_of("sync_moved")
        return int(self.conn.execute(select_from(func.max(made.c.hlc))).scalar() or 0)

    def moved_drop(self, most: int) -> int:
        """Forget about `most` stamps; return how many that were."""
        made = table_of("sync_moved")
        last = self.conn.execute(select_from(made.c.hlc).order_by(made.c.hlc).limit(most)).scalars().all()
        if not last:
            return 0
        return int(self.conn.execute(delete_from(made).where(made.c.hlc <= last[-1])).rowcount)

    def _moved(self, stamps: Iterable[Stamp], column: str) -> dict[Stamp, Any]:
        made, wanted = table_of("sync_moved"), set(stamps)
        times, found = sorted({at[0] for at in wanted}), dict[Stamp, Any]()
        for at in range(0, len(times), _PART):
            query = select_from(made.c.hlc, made.c.replica, made.c[column]).where(made.c.hlc.in_(times[at : at + _PART]))
            found |= {(hlc, replica): value for hlc, replica, value in self.conn.execute(query) if (hlc, replica) in wanted}
        return found

    def worked_on(self, keys: Iterable[Key], after: int, upto: int) -> set[Key]:
        """Return those rows that one of our own operations after number `after`, up to `upto`, is on."""
        made, wanted, found = table_of("sync_ops"), list(dict.fromkeys(keys)), set[Key]()
        for at in range(0, len(wanted), _PART):
            both = (made.c.table_name, made.c.row_id)
            on = tuple_(*both).in_(wanted[at : at + _PART])
            query = select_from(*both).where(on, made.c.seq > after, made.c.seq <= upto).distinct()
            found |= {(str(table), str(row)) for table, row in self.conn.execute(query)}
        return found

    def drop_own(self, after: int, upto: int) -> None:
        """Drop our own operations after number `after`, up to `upto`, which are about to be written anew."""
        made = table_of("sync_ops")
        self.conn.execute(delete_from(made).where(made.c.seq > after, made.c.seq <= upto))
