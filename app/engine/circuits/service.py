"""The verbs of the circuits wing: describe and run circuits in workers, keep what came of it."""

from pathlib import Path
from typing import Any

from app.engine.base.errors import BadInput
from app.engine.base.records import Records
from app.engine.circuits.compiling import CircuitCompiler
from app.engine.circuits.files import CircuitFiles
from app.engine.circuits.records import Sample
from app.engine.circuits.samples import bundled
from app.engine.circuits.tasks.service import Tasks
from app.engine.jobs.base import Base
from app.engine.jobs.runs import Run, RunBook

KIND = "circuits"
MOST_KEPT_COUNTS = 4096


class CircuitsService:
    """Circuits: files in, pictures and counts out. `records` are the runs, the newest last."""

    def __init__(self, base: Base) -> None:
        self._jobs = base.jobs
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
        spec, source = _spec(file, text, name)
        spec |= {"shots": shots, "simulator": simulator, "noise": noise, "bond": bond}
        if noise != "none" and "=" not in noise:
            spec["noise_file"] = str(self.compiler.device(noise))
        return await self._book.execute(
            KIND, "app.engine.circuits.work:run", spec,
            title=f"Run {source}", source=source, seed=seed, actor=actor, cause=cause, keep=kept,
        )  # fmt: skip

    async def expect(
        self, *, file: Path, observable: str, seed: int = 0, actor: str, cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Return {value, terms, simulator, why, predicted, memory_bytes, wall_s, qubits} of an observable after a circuit."""
        spec, source = _spec(file, "", "")
        return await self._book.execute(
            KIND, "app.engine.circuits.work:expect", {**spec, "observable": observable},
            title=f"Mean after {source}", source=source, seed=seed, actor=actor, cause=cause,
        )  # fmt: skip

    async def describe(
        self, *, file: Path | None = None, text: str = "", name: str = "", width: int = 120, actor: str, cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Return {picture, text, qubits, depth, size, counts, source} of a circuit; `text` is `width` characters wide."""
        spec, source = _spec(file, text, name)
        return await self._jobs.run(
            KIND, "app.engine.circuits.work:describe", {**spec, "width": width},
            title=f"Draw {source}", actor=actor, cause=cause, transient=True,
        )  # fmt: skip

    async def state(self, *, file: Path, seed: int = 0, actor: str, cause: str = "") -> dict[str, Any]:
        """Return {qubits, vectors, simulator, why, exact}: the Bloch vector of each qubit before the final measurement."""
        spec, source = _spec(file, "", "")
        return await self._jobs.run(
            KIND, "app.engine.circuits.work:state", spec,
            title=f"Bloch vectors of {source}", seed=seed, actor=actor, cause=cause, transient=True,
        )  # fmt: skip

    async def look(
        self, *, file: Path | None, text: str, upto: int, noise: dict[str, float] | None, seed: int, actor: str,
        cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Return what the pictures of the state show after `upto` operations (-1: all); see `look.look`."""
        spec, source = _spec(file, text, "")
        told = {**spec, "upto": None if upto < 0 else upto, "noise": noise}
        return await self._jobs.run(
            KIND, "app.engine.circuits.work:look", told, title=f"States of {source}", seed=seed, actor=actor, cause=cause,
            transient=True,
        )  # fmt: skip

    def samples(self) -> tuple[Sample, ...]:
        """Return the circuits imported into this home, then those that come with the program."""
        return (*self.files.kept(), *bundled())


def kept(result: dict[str, Any]) -> dict[str, Any]:
    """Return what the store keeps of a result: the picture can be drawn again, and rare outcomes are summed up."""
    ordered = sorted(result["counts"].items(), key=lambda item: (-item[1], item[0]))
    rest = sum(shots for _, shots in ordered[MOST_KEPT_COUNTS:])
    short = {key: value for key, value in result.items() if key not in ("picture", "text")}
    return {**short, "counts": dict(ordered[:MOST_KEPT_COUNTS]), "other_shots": result.get("other_shots", 0) + rest}


def _spec(file: Path | None, text: str, name: str) -> tuple[dict[str, Any], str]:
    if text:
        return {"text": text, "name": name or "circuit"}, name or "circuit"
    if file is None:
        raise BadInput("Give a circuit file or its text", field="file")
    return {"file": str(file.expanduser().absolute()), "name": name or str(file)}, name or file.name
