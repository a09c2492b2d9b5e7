"""The verbs of comparisons: compare solvers on a problem, look back, write the report."""

import asyncio
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from app.engine.base.errors import BadInput, Conflict
from app.engine.base.ids import new_id
from app.engine.base.records import Records
from app.engine.jobs.base import Base
from app.engine.jobs.runs import Run, RunBook
from app.engine.store import rows

_KIND: Final = "qubo"
_WORK: Final = "app.engine.qubo.comparisons.work:run"


class Comparisons:
    """The comparisons of one home; used on the loop only."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._book = RunBook(base, "qubo_comparisons", best_so_far=True)

    async def start(self) -> None:
        """Load the comparisons of this home."""
        await self._book.load()

    async def refresh(self) -> None:
        """Take over what other consoles wrote."""
        await self._book.refresh()

    @property
    def records(self) -> Records[Run]:
        """Return the observable comparisons."""
        return self._book.records

    async def compare(self, spec: Mapping[str, Any], *, source: str, seed: int, actor: str, cause: str = "") -> dict[str, Any]:
        """Compare the solvers of `spec` (see `work`) and keep what came of it in the tables of tasks and executions."""
        from app.engine.qubo.comparisons.settings import read_settings

        settings = read_settings(spec["solvers"])
        run_id = new_id()
        title = f"{source}: {', '.join(one.label for one in settings)}"
        result = await self._book.execute(
            _KIND, _WORK, dict(spec), title=title, source=source, seed=seed, actor=actor, cause=cause, run_id=run_id
        )
        await self._keep(run_id, result, actor, cause)
        return {"id": run_id, **result}

    async def _keep(self, run_id: str, result: Mapping[str, Any], actor: str, cause: str) -> None:
        from app.engine.qubo.comparisons import tables

        now_us = self._base.clock.now_us()
        made = tables.rows_of(run_id, result, now_us)

        def write(conn: rows.Conn) -> None:
            for table, row in made:
                rows.put(conn, table, row, actor=actor, cause=cause, now_us=now_us)

        await self._base.store.write(write)

    def show(self, run_id: str) -> dict[str, Any]:
        """Return one comparison with all that was kept of it; raises `Missing`."""
        return dataclasses.asdict(self._book.records.need(run_id))

    async def report(self, run_id: str, out: Path, *, replace: bool) -> dict[str, Any]:
        """Write a comparison to `out`, as one HTML page or, when the name ends in .png, as a picture.

        Raises `Conflict` when the file exists and is not to be replaced.
        """
        run = self._book.records.need(run_id)
        if not run.result or "rows" not in run.result:
            raise Conflict("The comparison {title} has no result to report", title=run.title)
        path, size = await asyncio.to_thread(_write, out, run, replace=replace)
        return {"file": str(path), "verdict": run.result["verdict"], "size_bytes": size}


def _write(out: Path, run: Run, *, replace: bool) -> tuple[Path, int]:
    from app.engine.qubo.comparisons import report

    path, result = Path(out).expanduser().resolve(), run.result or {}
    drawn = path.suffix.lower() == ".png"
    made = (report.picture if drawn else report.page)(run.title, result, run.created_us)
    try:
        with path.open("wb" if replace else "xb") as file:
            return path, file.write(made if isinstance(made, bytes) else made.encode())
    except FileExistsError:
        raise Conflict("{file} exists already", file=path, hint="Give another name, or replace it.") from None
    except OSError as error:
        raise BadInput("{file} cannot be written: {reason}", field="out", file=path, reason=error.strerror) from None
