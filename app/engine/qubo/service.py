"""The verbs of optimisation: solve a problem file, look back at a run, tell which solvers and samples there are."""

import dataclasses
from pathlib import Path
from typing import Any, Final

from app.engine.base.records import Records
from app.engine.jobs.base import Base
from app.engine.jobs.runs import Run, RunBook
from app.engine.qubo import solvers
from app.engine.qubo.problems import load
from app.engine.qubo.problems.service import Problems
from app.engine.qubo.records import SolverCard

SAMPLES: Final = Path(__file__).parents[3] / "resources" / "samples"
SAMPLE: Final = SAMPLES / "maxcut-800.txt"
_KIND: Final = "qubo"


class QuboService:
    """Solves problems as jobs and keeps the runs; used on the loop only."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._book = RunBook(base, "qubo_runs")
        self.problems = Problems(base)

    async def start(self) -> None:
        """Load the runs of this home."""
        await self._book.load()

    async def stop(self) -> None:
        """Keep nothing open; the jobs end with their pool."""

    @property
    def runs(self) -> Records[Run]:
        """Return the observable runs."""
        return self._book.records

    @property
    def records(self) -> Records[Run]:
        """Return the observable runs, under the name all wings use."""
        return self._book.records

    async def solve(
        self, *, file: Path, seconds: float = 5.0, threads: int = 1, seed: int = 0, solver: str = solvers.AUTO,
        options: dict[str, int] | None = None, kind: str = "auto", route: str = "auto", actor: str, cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Solve the problem in `file` within `seconds` on `threads` and return the verified answer; see `problems/work.py`.

        A file of no known kind, an unknown solver or option fails here, before anything is written.
        """
        path = _checked(file, kind)
        if solver != solvers.AUTO:
            solvers.make(solver, options)
        spec = {"file": str(path), "solver": solver, "seconds": seconds, "threads": threads, "options": options or {}}
        spec |= {"kind": kind, "route": route}
        return await self._book.execute(
            _KIND, "app.engine.qubo.problems.work:solve", spec,
            title=f"{path.name}, {seconds:g} s", source=path.name, seed=seed, actor=actor, cause=cause,
        )  # fmt: skip

    async def warm(self, *, actor: str, cause: str = "") -> dict[str, Any]:
        """Compile the kernels in a worker, so that the first question need not wait."""
        job = {"title": "Prepare the solvers", "actor": actor, "cause": cause, "transient": True}
        return await self._base.jobs.run(_KIND, "app.engine.qubo.work:warm", {}, **job)

    async def picture(self, *, file: Path, seed: int = 0, actor: str, cause: str = "") -> dict[str, Any]:
        """Return the matrix of the problem in `file` in blocks, and its graph with places; see `picture.picture`."""
        path = _checked(file)
        job = {"title": f"Draw {path.name}", "actor": actor, "cause": cause, "transient": True, "seed": seed}
        return await self._base.jobs.run(_KIND, "app.engine.qubo.picture:picture", {"file": str(path)}, **job)

    def show(self, run_id: str) -> dict[str, Any]:
        """Return one run with all that was kept of it; raises `Missing`."""
        return dataclasses.asdict(self._book.records.need(run_id))

    def solvers(self) -> tuple[SolverCard, ...]:
        """Return what every solver says of itself."""
        return solvers.cards()

    def sample_path(self) -> Path:
        """Return the graph that comes with the program."""
        return SAMPLE

    def sample(self) -> dict[str, Any]:
        """Return name, title and path of the problem that comes with the program."""
        return {"name": SAMPLE.stem, "title": "Max-Cut on a random graph of 800 nodes", "file": str(SAMPLE)}


def _checked(file: Path, kind: str) -> Path:
    """Return the absolute path of a file whose first lines are of a known format; a worker may stand elsewhere."""
    path = Path(file).expanduser().resolve()
    load.check_file(path, kind)
    return path
