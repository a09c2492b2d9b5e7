"""Rows for help from others: a support bundle, and what this program promises and holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call


async def _bundle(call: "Call", *, file: Path) -> dict[str, Any]:
    import asyncio
    import dataclasses

    from app import __version__
    from app.engine.observe import bundle

    engine = call.engine
    await engine.journal.flush()
    told = await engine.store.read(bundle.read_store)
    more = {
        "store": {"problems": await engine.store.check(), "size_bytes": await engine.store.size_bytes()},
        "traces": [dataclasses.asdict(span) for span in engine.traces.newest(200) if not span.command.startswith("support.")],
    }

    def make() -> tuple[int, int]:
        made = bundle.parts(
            engine.home, version=__version__, at_us=engine.clock.now_us(), settings=engine.settings, store=told, more=more,
            secrets=bundle.known_secrets(engine.home),
        )  # fmt: skip
        return bundle.write(file, made), len(made)

    size_bytes, count = await asyncio.to_thread(make)
    return {"file": str(file), "size_bytes": size_bytes, "files_count": count}


async def _claims(call: "Call") -> dict[str, Any]:  # noqa: ARG001 - the same whoever asks
    import dataclasses

    from app.engine.observe import claims

    rows = claims.judged(*claims.load())
    return {"claims": [dataclasses.asdict(row) for row in rows], "count": len(rows)}


ROWS: tuple[Command, ...] = (
    Command(
        "support.bundle", "Make a support bundle",
        "Writes versions, settings, counts, the newest jobs and activity, and the log into one zip file, without keys, codes, "
        "tokens, or the names of your folders. Read it before you hand it on.",
        _bundle, (Arg("file", Path, "Where to write the bundle."),),
        role=Role.OBSERVER, danger=Danger.READ, returns="{file, size_bytes, files_count}",
    ),
    Command(
        "support.claims", "Show claims",
        "Lists what Outpost promises with what was measured; what is not met is said to be unmet.",
        _claims, role=Role.OBSERVER, danger=Danger.READ,
        returns="{claims: [{id, promise, target, kind, value, unit, peer, verdict, date}], count}",
    ),
)  # fmt: skip
