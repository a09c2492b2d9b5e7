"""Where consoles pair: one code at a time, five wrong proofs and there is a new one. The talk is in `wire/pairing.py`."""

import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from app.engine.base.clock import Clock
from app.engine.base.errors import BadInput, Limit, Refused
from app.wire.documents import SCHEMA
from app.wire.identity import PublicIdentity
from app.wire.pairing import NONCE_BYTES, Transcript, new_code, nonce_of, parse_code, proof_of

MOST_WRONG: Final = 5
_SESSIONS: Final = 16
_SESSION_LIFE_S: Final = 120.0
_HELLOS_PER_MINUTE: Final = 60


@dataclass
class _Session:
    transcript: Transcript
    began_s: float
    reply: dict[str, Any] | None = None
    proof: bytes = b""


class Desk:
    """The agent's part of pairing; lives on the loop. `show` is told every new code, `pin` keeps a console."""

    life_s: float | None = None  # how long a code is taken; None until it is used

    def __init__(
        self,
        agent: PublicIdentity,
        clock: Clock,
        show: Callable[[str], None],
        pin: Callable[[PublicIdentity], Awaitable[None]],
    ) -> None:
        self._agent, self._clock, self._show, self._pin = agent, clock, show, pin
        self.code: str | None = None
        self._opened_s, self._wrong = 0.0, 0
        self._sessions: dict[str, _Session] = {}
        self._hellos: deque[float] = deque(maxlen=_HELLOS_PER_MINUTE)

    def open(self) -> str:
        """Make a new code, show it and return it; an earlier one is void."""
        self.code, self._opened_s, self._wrong = new_code(), self._clock.monotonic_s(), 0
        self._show(self.code)
        return self.code

    @property
    def left_s(self) -> float | None:
        """Return for how long the code is taken still, 0 where there is none; None for one that does not age."""
        if self.code is None or self.life_s is None:
            return None if self.code is not None else 0.0
        return max(0.0, self.life_s - (self._clock.monotonic_s() - self._opened_s))

    def closed(self) -> Refused:
        """Return what is told while no code is taken."""
        return Refused("This node takes no new console now", hint="Start its agent with --pair to be shown a code.")

    def wrong(self) -> Refused:
        """Return what is told of a wrong code."""
        return Refused("The pairing code is wrong", hint="Use the code the node shows now.", field="code")

    def _need_code(self) -> str:
        """Return the code that is taken now; raise `Refused` for none, or one that is too old."""
        if self.code is None or self.left_s == 0.0:
            self.code = None
            raise self.closed()
        return self.code

    async def answer(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return the reply to one step of the talk."""
        match document.get("step"):
            case "hello":
                return self._hello(document)
            case "prove":
                return await self._prove(document)
        raise BadInput("A pairing step is hello or prove", field="step")

    def _hello(self, document: dict[str, Any]) -> dict[str, Any]:
        self._need_code()
        now_s = self._clock.monotonic_s()
        if len(self._hellos) == _HELLOS_PER_MINUTE and now_s - self._hellos[0] < 60:
            raise Limit("Too many try to pair", hint="Wait a minute.")
        console = PublicIdentity.from_json(document.get("identity"))
        if console.device_id == self._agent.device_id:
            raise BadInput("A node cannot pair with itself", field="identity")
        self._hellos.append(now_s)
        nonce = secrets.token_bytes(NONCE_BYTES)
        self._forget_old(now_s)
        name = secrets.token_hex(16)
        self._sessions[name] = _Session(Transcript(console, self._agent, nonce_of(document), nonce), now_s)
        return {"schema": SCHEMA, "session": name, "identity": self._agent.to_json(), "nonce": nonce.hex()}

    async def _prove(self, document: dict[str, Any]) -> dict[str, Any]:
        name, proof = document.get("session"), proof_of(document)
        session = self._sessions.get(name) if isinstance(name, str) else None
        if session is None or self._clock.monotonic_s() - session.began_s > _SESSION_LIFE_S:
            raise Refused("This pairing talk is unknown or too old", hint="Begin again.")
        if session.reply is not None and secrets.compare_digest(session.proof, proof):
            return session.reply  # the reply was lost on its way
        code = parse_code(self._need_code())
        if session.reply is not None or not session.transcript.holds(code, "console", proof):
            self._sessions.pop(str(name), None)
            self._count_wrong()
            raise self.wrong()
        self.code = None
        try:
            await self._pin(session.transcript.console)
        except BaseException:
            self.open()
            raise
        session.proof = proof
        session.reply = {"schema": SCHEMA, "proof": session.transcript.prove(code, "agent").hex()}
        return session.reply

    def _count_wrong(self) -> None:
        self._wrong += 1
        if self._wrong >= MOST_WRONG:
            self._sessions.clear()
            self.open()

    def _forget_old(self, now_s: float) -> None:
        for name in [name for name, each in self._sessions.items() if now_s - each.began_s > _SESSION_LIFE_S]:
            del self._sessions[name]
        while len(self._sessions) >= _SESSIONS:
            del self._sessions[next(iter(self._sessions))]
