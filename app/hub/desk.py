"""Whom a hub lets in: the consoles it paired with, pinned in the store, TLS that knows them, and where they pair."""

from typing import Any, Final

from app.agent.desk import Desk
from app.engine.base.errors import Refused
from app.engine.engine import Engine
from app.engine.store import rows
from app.wire.identity import DeviceIdentity, PublicIdentity
from app.wire.tls import pin, server_context

CONSOLE: Final = "console"
CODE_S: Final = 900.0


class HubDesk(Desk):
    """Where consoles pair with a hub: a code is taken once, and for a quarter of an hour."""

    life_s = CODE_S

    def closed(self) -> Refused:
        """Return what is told while no code is taken."""
        return Refused(
            "This hub takes no new console now: its code was used, or is older than {minutes} minutes",
            minutes=round(CODE_S / 60), hint="Have it show a fresh code: outpost hub token",
        )  # fmt: skip

    def wrong(self) -> Refused:
        """Return what is told of a wrong code."""
        return Refused("The code is not the one that the hub shows now", hint="Have it show a fresh code: outpost hub token",
                       field="code")  # fmt: skip


class Door:
    """The consoles of a hub; lives on the loop."""

    def __init__(self, engine: Engine, identity: DeviceIdentity) -> None:
        self._engine, self._identity = engine, identity
        self.tls = server_context(identity)
        self._consoles: dict[bytes, PublicIdentity] = {}

    async def load(self) -> None:
        """Let in everybody who was paired before."""
        found = await self._engine.store.read(lambda conn: rows.select(conn, "sync_peers", where={"kind": CONSOLE}))
        for row in found:
            self._let_in(PublicIdentity.from_json(row["identity"]))

    async def pin(self, console: PublicIdentity) -> None:
        """Keep a console that has just proved that it knows the code."""
        row: dict[str, Any] = {
            "id": console.device_id, "kind": CONSOLE, "name": console.name, "identity": console.to_json(),
        }  # fmt: skip
        await self._engine.sync.keep_peer(row)
        self._let_in(console)

    def _let_in(self, console: PublicIdentity) -> None:
        self._consoles[console.certificate_der] = console
        pin(self.tls, console)

    @property
    def count(self) -> int:
        """Return how many consoles are paired."""
        return len(self._consoles)

    def console_of(self, shown: bytes | None) -> PublicIdentity:
        """Return the paired console whose certificate (DER) a connection showed; raise `Refused`."""
        console = self._consoles.get(shown) if shown else None
        if console is None or console.device_id not in self._engine.sync.peers:
            raise Refused("You are not paired with this hub", hint="Join it with the code of: outpost hub token")
        return console

    async def check_signature(self, console: PublicIdentity, header: str, method: str, target: str, body: bytes) -> str:
        """Raise `Refused`: nothing that a hub is asked needs a signature beside the connection's."""
        _ = (console, header, method, target, body)
        raise Refused("A hub takes no signed requests")
