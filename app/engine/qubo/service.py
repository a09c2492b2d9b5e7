"""The verbs of optimisation: solve a problem file, look back at a run, tell which solvers and samples there are."""

import asyncio
import dataclasses
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.engine.base.errors import BadInput, Conflict
from app.engine.base.ids import new_id
from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.jobs.base import Base
from app.engine.jobs.runs import Run, RunBook
from app.engine.qubo.comparisons.service import Comparisons
from app.engine.qubo.records import AUTO, SolverCard

if TYPE_CHECKING:
    from app.engine.qubo.problems.service import Problems

SAMPLES: Final = Path(__file__).parents[3] / "resources" / "samples"
SAMPLE: Final = SAMPLES / "maxcut-800.txt"
_KIND: Final = "qubo"


class QuboService:
    """Solves problems as jobs and keeps the runs; used on the loop only."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._book = RunBook(base, "qubo_runs", apart=("picture",), best_so_far=True)
        self.comparisons = Comparisons(base)

    @cached_property
    def problems(self) -> "Problems":
        """Return the library of problems; most starts of the program ask for none, and its kinds take a while to load."""
        from app.engine.qubo.problems.service import Problems

        return Problems(self._base)

    async def start(self) -> None:
        """Load the runs of this home."""
        await self._book.load()
        await self.comparisons.start()

    async def refresh(self) -> None:
        """Take over what other consoles wrote."""
        await self._book.refresh()
        await self.comparisons.refresh()

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
        self, *, file: Path, seconds: float = 5.0, threads: int = 1, seed: int = 0, solver: str = AUTO,
        sweeps: int = 0, target: float | None = None, kind: str = "auto", route: str = "auto", options: str = "",
        sense: str = "auto", actor: str, cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Solve the problem in `file` within `seconds` on `threads` and return the verified answer; see `problems/work.py`.

        A file of no known kind, an unknown solver or option fails here, before anything is written.
        """
        from app.engine.qubo import solvers

        path, kind = await asyncio.to_thread(self._checked, file, kind)
        chosen = {"sweeps": sweeps} if sweeps else {}
        chosen |= solvers.read_options(solver, options, "options")
        if solver == AUTO and chosen:
            raise BadInput("{name} needs a solver to be named", field="solver", name=next(iter(chosen)))
        if solver != AUTO:
            solvers.make(solver, chosen)
        await self._read_wholly(path, kind, sense, actor, cause)
        spec = {"file": str(path), "solver": solver, "seconds": seconds, "threads": threads, "options": chosen}
        spec |= {"kind": kind, "route": route, "target": target, "sense": sense}
        run_id = new_id()
        result = await self._book.execute(
            _KIND, "app.engine.qubo.problems.work:solve", spec, run_id=run_id,
            title=f"{path.name}, {seconds:g} s", source=path.name, seed=seed, actor=actor, cause=cause,
        )  # fmt: skip
        return {"id": run_id, **result}

    async def _read_wholly(self, path: Path, kind: str, sense: str, actor: str, cause: str) -> None:
        """Read the whole file in a worker, so that a malformed line leaves nothing behind but its message."""
        job = {"title": tr("Read {name}", name=path.name), "actor": actor, "cause": cause, "transient": True}
        spec = {"file": str(path), "kind": kind, "sense": sense}
        await self._base.jobs.run(_KIND, "app.engine.qubo.work:check", spec, **job)

    async def compare(
        self, *, file: Path, solvers: str, seconds: float, runs: int, seed: int, target: float | None = None,
        best_known: float | None = None, gap: float = 0.003, tune: bool = True, kind: str = "auto",
        sense: str = "auto", actor: str, cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Compare solvers on the problem in `file` at equal time and at equal cost; see `comparisons/work.py`."""
        path, kind = await asyncio.to_thread(self._checked, file, kind)
        from app.engine.qubo.comparisons.settings import read_settings

        read_settings(solvers)
        await self._read_wholly(path, kind, sense, actor, cause)
        spec = {
            "file": str(path), "kind": kind, "sense": sense, "solvers": solvers, "seconds": seconds, "runs": runs,
            "target": target, "best_known": best_known, "gap": gap, "tune": tune,
        }  # fmt: skip
        return await self.comparisons.compare(spec, source=path.name, seed=seed, actor=actor, cause=cause)

    async def replay(self, run_id: str, *, actor: str, cause: str = "") -> dict[str, Any]:
        """Make the answer of a run once more from its recipe, and tell whether it is the same to the bit.

        An older run may have left a recipe of its QUBO's sample alone, which was not the answer; `is_answer` tells. What cannot
        be made again is checked as it stands; see `problems/again.py`. Raises `Conflict` when the run has no answer, or the
        problem's file is another one now.
        """
        run = self._book.records.need(run_id)
        told = run.result or {}
        recipe: dict[str, Any] = next(filter(None, (row.get("replay") for row in (told, *(told.get("routes") or ())))), {})
        if not recipe and not told.get("sample") and told.get("answer") is None:
            raise Conflict("{title} has no answer to replay", title=run.title, hint="Only runs that ended have one.")
        spec = {key: run.spec.get(key, "auto") for key in ("kind", "sense")} | {"file": run.spec["file"], "recipe": recipe}
        spec["told"] = {key: told.get(key) for key in ("sample", "energy", "answer", "objective")}
        job = {"title": tr("Replay {title}", title=run.title), "actor": actor, "cause": cause, "transient": True}
        made = await self._base.jobs.run(
            _KIND, "app.engine.qubo.problems.again:replay", spec, seed=int(recipe.get("seed", 0)), **job
        )
        same_version = made["version"] == recipe.get("version")
        return {"id": run_id, "same_version": same_version, "is_answer": bool(told.get("replay")) or not recipe, **made}

    async def warm(self, *, actor: str, cause: str = "") -> dict[str, Any]:
        """Compile the kernels in a worker, so that the first question need not wait."""
        job = {"title": tr("Prepare the solvers"), "actor": actor, "cause": cause, "transient": True}
        return await self._base.jobs.run(_KIND, "app.engine.qubo.work:warm", {}, **job)

    async def picture(
        self, *, file: Path, kind: str = "auto", sense: str = "auto", seed: int = 0, actor: str, cause: str = ""
    ) -> dict[str, Any]:
        """Return the matrix of the problem in `file` in blocks, and its graph with places; see `picture.picture`."""
        path, kind = await asyncio.to_thread(self._checked, file, kind)
        job = {"title": f"Draw {path.name}", "actor": actor, "cause": cause, "transient": True, "seed": seed}
        spec = {"file": str(path), "kind": kind, "sense": sense}
        return await self._base.jobs.run(_KIND, "app.engine.qubo.picture:picture", spec, **job)

    async def embed(
        self, *, file: Path, topology: str, size: int, seconds: float, kind: str, seed: int, actor: str, cause: str = "",
        reads: int = 0, sense: str = "auto",
    ) -> dict[str, Any]:  # fmt: skip
        """Lay the problem in `file` onto the graph of an annealing device; see `embedding.work.embed`."""
        path, kind = await asyncio.to_thread(self._checked, file, kind)
        job = {"title": tr("Embed {name}", name=path.name), "actor": actor, "cause": cause, "transient": True, "seed": seed}
        spec = {"file": str(path), "topology": topology, "size": size, "seconds": seconds, "kind": kind, "reads": reads}
        spec |= {"sense": sense}
        return await self._base.jobs.run(_KIND, "app.engine.qubo.embedding.work:embed", spec, **job)

    async def show(self, run_id: str) -> dict[str, Any]:
        """Return one run with all that was kept of it; raises `Missing`."""
        run = await self._book.whole(run_id)
        return dataclasses.asdict(run) | {"outcome": run.outcome}

    def list_runs(self) -> list[dict[str, Any]]:
        """Return a row per run, the newest first; the objective of a run without an answer that was checked is None."""
        return [
            {"id": run.id, "source": run.source, "solver": told.get("solver") or run.spec.get("solver", ""),
             "objective": told.get("objective") if told.get("verified") else None, "outcome": run.outcome, "state": run.state,
             "created_us": run.created_us, "job_id": run.job_id}
            for run in sorted(self._book.records, key=lambda run: run.created_us, reverse=True)
            for told in (run.result or {},)
        ]  # fmt: skip

    def _checked(self, file: Path, kind: str) -> tuple[Path, str]:
        """Return the absolute path of a file, or of what is kept under that bare name, and its kind where it is kept with one.

        Its first lines are of a known format. A worker may stand in another folder. Not for the loop: it reads the file.
        """
        path = Path(file).expanduser().resolve()
        if not path.suffix and not path.exists() and path.parent.is_dir():
            path = self.problems.named(path.name) or path
        kind = self.problems.kind_of(path, kind)
        from app.engine.qubo.problems import load

        load.check_file(path, kind)
        return path, kind

    def solvers(self) -> tuple[SolverCard, ...]:
        """Return what every solver says of itself."""
        from app.engine.qubo import solvers

        return solvers.cards()

    def sample_path(self) -> Path:
        """Return the graph that comes with the program."""
        return SAMPLE

    def sample(self) -> dict[str, Any]:
        """Return name, title and path of the problem that comes with the program."""
        return {"name": SAMPLE.stem, "title": "Max-Cut on a random graph of 800 nodes", "file": str(SAMPLE)}
