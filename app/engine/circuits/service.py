"""The verbs of the circuits wing: describe and run circuits in workers, keep what came of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.engine.base.errors import BadInput, Missing
from app.engine.base.ids import new_id
from app.engine.base.records import Records
from app.engine.circuits import comparing
from app.engine.circuits.compiling import CircuitCompiler
from app.engine.circuits.files import CircuitFiles, given
from app.engine.circuits.records import Sample
from app.engine.circuits.samples import bundled
from app.engine.circuits.tasks.service import Tasks
from app.engine.jobs.base import Base
from app.engine.jobs.runs import Run, RunBook
from app.engine.store.threads import in_thread

KIND = "circuits"
MOST_KEPT_COUNTS = 4096


class CircuitsService:
    """Circuits: files in, pictures and counts out. `records` are the runs, the newest last."""

    def __init__(self, base: Base) -> None:
        self._jobs = base.jobs
        self._looks: dict[tuple[str, str], str] = {}  # (actor, viewer): job
        self.files = CircuitFiles(base)
        self.tasks = Tasks(base)
        self._book = RunBook(base, "circuit_runs", apart=("qasm",))
        self.compiler = CircuitCompiler(base, self._book)

    @property
    def records(self) -> Records[Run]:
        """Return the runs kept in the store."""
        return self._book.records

    async def start(self) -> None:
        """Load the runs of earlier days."""
        await self._book.load()
        await self.tasks.start()

    async def refresh(self) -> None:
        """Take over what other consoles wrote."""
        await self._book.refresh()
        await self.tasks.refresh()

    async def stop(self) -> None:
        """Nothing of ours runs on: jobs end with the jobs service."""

    async def run(
        self, *, file: Path | None = None, text: str = "", name: str = "", shots: int = 1024, seed: int = 0,
        simulator: str = "auto", noise: str = "none", bond: int = 0, actor: str, cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Simulate the circuit of `file`, or OpenQASM `text` called `name`, and return the result document.

        `noise` is none, a device, or figures as `noise.read` takes them; `bond` is the largest of a matrix product state, 0
        for as large as needed. The result holds counts, simulator, why, predicted, alternatives, wall_s, memory_bytes, noise,
        bonds, shots, seed, qubits, depth, picture and note.
        """
        spec, source = given(file, text, name)
        spec |= {"shots": shots, "simulator": simulator, "noise": noise, "bond": bond}
        if noise != "none" and "=" not in noise:
            spec["noise_file"] = str(self.compiler.device(noise))
        run_id = new_id()
        result = await self._book.execute(
            KIND, "app.engine.circuits.work:run", spec,
            title=f"Run {source}", source=source, seed=seed, actor=actor, cause=cause, keep=kept, run_id=run_id,
        )  # fmt: skip
        return {"id": run_id, **result}

    async def compare(self, first: str = "", second: str = "") -> dict[str, Any]:
        """Return two runs side by side, as `comparing.compare` does, with what each was; the newest two unless named."""
        newest = [run.id for run in self.records if (run.result or {}).get("counts")]
        unnamed = iter(newest[::-1])
        chosen = [name or next((one for one in unnamed if one not in (first, second)), "") for name in (second, first)][::-1]
        if not all(chosen):
            raise Missing("There are no two runs with outcomes to compare", hint="Run a circuit twice.")
        runs = [self.records.need(name) for name in chosen]
        results = [run.result or {} for run in runs]
        for run, result in zip(runs, results, strict=True):
            if not result.get("counts"):
                raise BadInput("The run {id} has no outcomes", id=run.id, field="first")
        told = await in_thread(lambda: comparing.compare(results[0], results[1]), "compare")
        about = [_about(run, result) for run, result in zip(runs, results, strict=True)]
        lines = [f"{one['source']}: {one['simulator']}, {one['noise'] or 'ideal'}" for one in about]
        return {"first": about[0], "second": about[1], **told, "text": "\n".join([*lines, comparing.verdict_text(told)])}

    async def expect(
        self, *, file: Path | None = None, text: str = "", observable: str, seed: int = 0, actor: str, cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Return {value, terms, simulator, why, predicted, memory_bytes, wall_s, qubits} of an observable after a circuit."""
        spec, source = given(file, text)
        return await self._book.execute(
            KIND, "app.engine.circuits.work:expect", {**spec, "observable": observable},
            title=f"Mean after {source}", source=source, seed=seed, actor=actor, cause=cause,
        )  # fmt: skip

    async def describe(
        self, *, file: Path | None = None, text: str = "", name: str = "", width: int = 120, actor: str, cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Return {picture, text, qubits, depth, size, counts, source} of a circuit; `text` is `width` characters wide."""
        spec, source = given(file, text, name)
        return await self._jobs.run(
            KIND, "app.engine.circuits.work:describe", {**spec, "width": width},
            title=f"Draw {source}", actor=actor, cause=cause, transient=True,
        )  # fmt: skip

    async def state(
        self, *, file: Path | None = None, text: str = "", seed: int = 0, actor: str, cause: str = ""
    ) -> dict[str, Any]:
        """Return {qubits, vectors, simulator, why, exact}: the Bloch vector of each qubit before the final measurement."""
        spec, source = given(file, text)
        return await self._jobs.run(
            KIND, "app.engine.circuits.work:state", spec,
            title=f"Bloch vectors of {source}", seed=seed, actor=actor, cause=cause, transient=True,
        )  # fmt: skip

    async def look(
        self, *, file: Path | None, text: str, upto: int, noise: dict[str, float] | None, keep: Sequence[int] = (),
        viewer: str = "", seed: int, actor: str, cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Return what the pictures of the state show after `upto` operations (-1: all); see `look.look`.

        A newer look of the same `viewer` ends this one, which then raises `Cancelled`.
        """
        spec, source = given(file, text)
        told = {**spec, "upto": None if upto < 0 else upto, "noise": noise, "keep": list(keep)}
        earlier = self._looks.pop((actor, viewer), "") if viewer else ""
        if earlier in self._jobs.records:
            await self._jobs.cancel(earlier)
        job_id = await self._jobs.submit(
            KIND, "app.engine.circuits.work:look", told, title=f"States of {source}", seed=seed, actor=actor, cause=cause,
            transient=True,
        )  # fmt: skip
        if viewer:
            self._looks[actor, viewer] = job_id
        try:
            return await self._jobs.attend(job_id)
        finally:
            if self._looks.get((actor, viewer)) == job_id:
                del self._looks[actor, viewer]

    def samples(self) -> tuple[Sample, ...]:
        """Return the circuits imported into this home, then those that come with the program."""
        return (*self.files.kept(), *bundled())

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs with outcomes, the newest first: id, source, simulator, shots, noise, created_us."""
        found = [run for run in self.records if (run.result or {}).get("counts")]
        return [_about(run, run.result or {}) for run in reversed(found)]


def kept(result: dict[str, Any]) -> dict[str, Any]:
    """Return what the store keeps of a result: the picture can be drawn again, and rare outcomes are summed up."""
    ordered = sorted(result["counts"].items(), key=lambda item: (-item[1], item[0]))
    rest = sum(shots for _, shots in ordered[MOST_KEPT_COUNTS:])
    short = {key: value for key, value in result.items() if key not in ("picture", "text")}
    return {**short, "counts": dict(ordered[:MOST_KEPT_COUNTS]), "other_shots": result.get("other_shots", 0) + rest}


def _about(run: Run, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a person tells runs apart by."""
    return {
        "id": run.id, "source": run.source, "simulator": result.get("simulator", ""), "shots": result.get("shots", 0),
        "noise": (result.get("noise") or {}).get("title", ""), "created_us": run.created_us,
    }  # fmt: skip
