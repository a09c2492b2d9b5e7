"""Global models of a session as versions of a model in the registry, made one after the other beside its rounds."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, Protocol

from app.engine.learning import sessions
from app.engine.learning.sessions import Session
from app.engine.store.store import Store

EACH: Final = "each"
_TIDY_S: Final = 600.0  # between looks, while versions are made, for files that nobody needs


class Registrar(Protocol):
    """What a session needs of the registry of models."""

    def check(self, name: str) -> None:
        """Raise `BadInput` when no model can have this name."""

    def held(self, run: str, name: str) -> Collection[int]:
        """Return the rounds of a run after which the model is a version of `name` already."""

    async def keep(self, run: str, name: str, number: int, *, actor: str, cause: str) -> dict[str, Any]:
        """Make the model of a run after round `number` the next version of `name`; return {id, name, version, artifact}."""

    async def tidy(self) -> None:
        """Let go of files of versions that nobody used, where there are too many."""


class Versions:
    """Makes the models of one session versions of `name`: that of `each` round, or only the last; of no name: none.

    A round of which there is a version already, from before the engine ended say, is left alone. Now and then, as `now_s`, a
    steady clock, tells, the registrar is had let go of files: a session may be so long that they fill the disk before its end.
    """

    def __init__(
        self, registrar: Registrar | None, run: str, name: str, *, each: bool, actor: str, cause: str,
        now_s: Callable[[], float] = lambda: 0.0,
    ) -> None:  # fmt: skip
        self._registrar = registrar if name else None
        self._now_s, self._tidied_s = now_s, now_s()
        self._run, self._name, self._each = run, name, each
        self._actor, self._cause = actor, cause
        self._waiting: list[int] = []
        self._working: asyncio.Task[None] | None = None
        self._newest: dict[str, Any] | None = None

    def make(self, rounds: Iterable[int]) -> None:
        """Have the models after `rounds`, which are committed, made versions where each is to be; does not wait."""
        if self._each:
            self._begin(rounds)

    @property
    def wanted(self) -> bool:
        """Tell whether any are made."""
        return self._registrar is not None

    def so_far(self) -> dict[str, Any] | None:
        """Return the newest made, without waiting for more; raise what went wrong."""
        if self._working is not None and self._working.done():
            self._working.result()
        return self._newest

    async def close(self, last: int) -> dict[str, Any] | None:
        """Wait until all are made, that of round `last` too; return the newest made, raise what went wrong."""
        if not self._each:
            self._begin([last])
        if self._working is not None:
            await self._working
        return self._newest

    def let_go(self) -> None:
        """Make no more; what is not made yet is made when the session goes on."""
        self._waiting.clear()
        if self._working is not None and not self._working.cancel() and not self._working.cancelled():
            self._working.exception()  # seen: whoever waited for it was told

    def _begin(self, rounds: Iterable[int]) -> None:
        if self._registrar is None:
            return
        self._waiting += rounds
        failed = self._working is not None and self._working.done() and self._working.exception() is not None
        if self._waiting and not failed and (self._working is None or self._working.done()):
            self._working = asyncio.create_task(self._work(self._registrar))

    async def _work(self, registrar: Registrar) -> None:
        held = registrar.held(self._run, self._name)
        while self._waiting:
            number = self._waiting[0]
            if number not in held:
                self._newest = await registrar.keep(self._run, self._name, number, actor=self._actor, cause=self._cause)
            del self._waiting[0]
            if self._now_s() - self._tidied_s >= _TIDY_S:
                await registrar.tidy()
                self._tidied_s = self._now_s()


async def needed(
    store: Store, known: Iterable[Session], results: Iterable[Mapping[str, Any]], held: Callable[[str, str], Collection[int]]
) -> set[str]:
    """Return the content that is needed yet: what sessions go on from, what versions are yet to be made of, `results`' models.

    `held` tells of which rounds of a run there is a version of a name.
    """
    told = {str(result.get("model", "")) for result in results}
    for session in known:
        told |= {str(session.checkpoint.get(name, "")) for name in ("model", "state")}
        name = str(session.spec.get("name", ""))
        if name and session.status != sessions.DONE and session.spec.get("versions") == EACH:
            missing = sorted(set(range(1, session.round + 1)) - set(held(session.id, name)))
            told |= set(await store.read(lambda conn, key=session.id, of=missing: sessions.params_in(conn, key, of)))  # type: ignore[misc]
    return told - {""}
