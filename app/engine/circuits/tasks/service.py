"""The verbs of guided tasks: list, run and keep, show, compare; kept in the tables of tasks, executions and optimisations."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from app.engine.base.errors import BadInput, Missing
from app.engine.base.ids import new_id
from app.engine.base.records import Records
from app.engine.jobs.base import Base
from app.engine.jobs.runs import Run, RunBook
from app.engine.store import rows

_KIND: Final = "circuits"
_WORK: Final = "app.engine.circuits.tasks.work:run"


class Tasks:
    """The guided tasks of one home; used on the loop only."""

    def __init__(self, base_: Base) -> None:
        self._base = base_
        self._book = RunBook(base_, "task_runs")

    async def start(self) -> None:
        """Load the runs of this home."""
        await self._book.load()

    async def refresh(self) -> None:
        """Take over what other consoles wrote."""
        await self._book.refresh()

    @property
    def records(self) -> Records[Run]:
        """Return the observable runs, the newest last."""
        return self._book.records

    def list(self) -> dict[str, Any]:
        """Return the tasks there are, and the runs that are kept, the newest first."""
        from app.engine.circuits.tasks import registry

        runs = [{**_about(run), "state": run.state} for run in reversed(list(self.records))]
        return {"tasks": [task.to_json() for task in registry.TASKS.values()], "runs": runs}

    def show(self, run_id: str) -> dict[str, Any]:
        """Return one run with its result; raises `Missing`."""
        return dataclasses.asdict(self._book.records.need(run_id))

    def compare(self, first: str = "", second: str = "") -> dict[str, Any]:
        """Return {first, second, rows, text} of two runs side by side, as `comparing.compare` does.

        Unnamed, the second is the newest run, and the first the newest before it of the same task. Raises `Missing`.
        """
        from app.engine.circuits.tasks import comparing

        done = [run for run in self.records if run.result]
        newest = [run for run in reversed(done) if run.id != first]
        later = self._book.records.need(second) if second else next(iter(newest), None)
        alike = [run for run in newest if later is not None and run.id != later.id and run.source == later.source]
        earlier = self._book.records.need(first) if first else next(iter(alike), None)
        if earlier is None or later is None:
            raise Missing("There are no two runs of one task to compare", hint="Run the task twice.")
        for run in (earlier, later):
            if not run.result:
                raise BadInput("The run {id} has no outcome", id=run.id, field="first")
        rows_ = comparing.compare(earlier.result or {}, later.result or {})
        told = {"first": _about(earlier), "second": _about(later), "rows": rows_}
        return {**told, "text": comparing.text_of(told)}

    async def run(
        self, *, name: str, options: Mapping[str, Any], seed: int, data: Mapping[str, Any] | None = None, actor: str,
        cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Run a task in a worker, keep what came of it, and return {id, …the result document}.

        `data` is what the task works on beyond its options.
        """
        from app.engine.circuits.tasks import registry

        task, run_id = registry.need(name), new_id()
        task.admit(data)
        spec = {"task": name, "options": task.take(options), **({"data": dict(data)} if data else {})}
        result = await self._book.execute(
            _KIND, _WORK, spec, title=task.title, source=name, seed=seed, actor=actor, cause=cause, keep=kept, run_id=run_id
        )
        await self._keep(run_id, result, actor, cause)
        return {"id": run_id, **result}

    async def _keep(self, run_id: str, result: Mapping[str, Any], actor: str, cause: str) -> None:
        now_us = self._base.clock.now_us()
        made = rows_of(run_id, result, now_us)

        def write(conn: rows.Conn) -> None:
            for table, row in made:
                rows.put(conn, table, row, actor=actor, cause=cause, now_us=now_us)

        await self._base.store.write(write)


def _about(run: Run) -> dict[str, Any]:
    return {"id": run.id, "task": run.source, "created_us": run.created_us}


def kept(result: dict[str, Any]) -> dict[str, Any]:
    """Return what the run's row keeps: all but the text, which is written anew."""
    return {key: value for key, value in result.items() if key != "text"}


def rows_of(run_id: str, result: Mapping[str, Any], now_us: int) -> list[tuple[str, dict[str, Any]]]:
    """Return (table, row) for the task, its one execution and its outcome; the advantage is null while undecided."""
    from app.engine.circuits.tasks import base

    ran, task_id = result["execution"], new_id()
    size = {name: ran[name] for name in ("qubits", "depth", "operations", "gates")}
    task = {
        "id": task_id, "run_id": run_id, "task_type": result["task_type"], "problem_formulation": ran["options"],
        "quantum_provider": ran["provider"], "quantum_circuit": size, "resource_requirements": {"shots": ran["shots"], **size},
        "status": "completed", "created_at": now_us,
    }  # fmt: skip
    execution = {
        "id": new_id(), "task_id": task_id, "provider": ran["provider"], "quantum_processor": ran["simulator"],
        "execution_time_ms": 1000 * ran["wall_s"], "quantum_volume": None, "error_rate": result["error_rate"],
        "result": {"solution": result["solution"], "confidence": result["confidence"]}, "cost_estimate": 0.0,
        "executed_at": now_us,
    }  # fmt: skip
    outcome = {
        "id": new_id(), "task_id": task_id, "classical_baseline": result["classical_baseline"],
        "quantum_solution": result["solution"], "improvement_factor": None, "problem_size": ran["qubits"],
        "quantum_advantage": {base.YES: 1, base.NO: 0}.get(result["quantum_advantage"]), "validation_status": result["why"],
        "created_at": now_us,
    }  # fmt: skip
    return [("quantum_tasks", task), ("quantum_executions", execution), ("quantum_optimizations", outcome)]
