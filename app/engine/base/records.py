"""Observable keyed records: what engine collections are made of, and what the one table model shows."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.engine.base.errors import Missing

R = TypeVar("R")


@dataclass(frozen=True)
class Change(Generic[R]):
    """One step of a collection: records added, records changed in place, and keys removed."""

    added: tuple[R, ...] = ()
    changed: tuple[R, ...] = ()
    removed: tuple[str, ...] = ()


class Records(Generic[R]):
    """Frozen records by key, in insertion order; changes are told to watchers on the loop that made them."""

    def __init__(self, key: Callable[[R], str], name: str = "record") -> None:
        self._key, self._name = key, name
        self._rows: dict[str, R] = {}
        self._watchers: list[Callable[[Change[R]], None]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[R]:
        return iter(tuple(self._rows.values()))

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def key_of(self, record: R) -> str:
        """Return the key of `record`."""
        return self._key(record)

    def get(self, key: str) -> R | None:
        """Return the record under `key`, or None."""
        return self._rows.get(key)

    def need(self, key: str) -> R:
        """Return the record under `key`; raise `Missing` if there is none."""
        try:
            return self._rows[key]
        except KeyError:
            raise Missing("There is no {name} {key}", name=self._name, key=key) from None

    def put(self, *records: R) -> None:
        """Add or replace `records` as one step; one equal to what stands there is left alone."""
        added: list[R] = []
        changed: list[R] = []
        for record in records:
            key = self._key(record)
            before = self._rows.get(key)
            if before is None:
                added.append(record)
            elif before != record:
                changed.append(record)
            else:
                continue
            self._rows[key] = record
        if added or changed:
            self._tell(Change(tuple(added), tuple(changed)))

    def discard(self, *keys: str) -> None:
        """Remove the records under `keys`; unknown keys are ignored."""
        gone = tuple(key for key in keys if self._rows.pop(key, None) is not None)
        if gone:
            self._tell(Change(removed=gone))

    def replace_all(self, records: Iterable[R]) -> None:
        """Make the collection hold exactly `records`."""
        fresh = {self._key(record): record for record in records}
        self.discard(*(key for key in self._rows if key not in fresh))
        self.put(*fresh.values())

    def watch(self, watcher: Callable[[Change[R]], None]) -> Callable[[], None]:
        """Call `watcher` after every step; the function returned ends that."""
        self._watchers.append(watcher)

        def undo() -> None:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

        return undo

    def _tell(self, change: Change[R]) -> None:
        for watcher in tuple(self._watchers):
            watcher(change)
