from types import SimpleNamespace
from typing import Any

import pytest

from app.commands.job import ROWS
from app.engine.base.command import CommandTable
from app.engine.base.errors import Cancelled, Limit, Missing
from app.engine.base.records import Records
from app.engine.jobs.records import Job

TABLE = CommandTable(ROWS)


class Jobs:
    """Jobs as the handlers see them: records, cancel, result."""

    def __init__(self, *jobs: Job, error: Exception | None = None) -> None:
        self.records: Records[Job] = Records(lambda job: job.id, "job")
        self.records.put(*jobs)
        self.error = error
        self.asked: list[str] = []

    async def cancel(self, job_id: str) -> None:
        self.records.need(job_id)
        self.asked.append(job_id)

    async def result(self, _job_id: str) -> dict[str, Any]:
        if self.error:
            raise self.error
        return {}


def call(jobs: Jobs) -> Any:
    return SimpleNamespace(engine=SimpleNamespace(jobs=jobs))


async def test_job_list_shows_the_newest_first_and_filters_by_state() -> None:
    jobs = Jobs(*(Job(str(number), "k", "t", state="done" if number % 2 else "failed") for number in range(6)))
    row = TABLE.need("job.list")
    told = await row.run(call(jobs), **row.take({"state": "done", "limit": 2}))
    assert ([job["id"] for job in told["jobs"]], told["count"]) == (["5", "3"], 3)
    assert len((await row.run(call(jobs), **row.take({})))["jobs"]) == 6


async def test_job_show_tells_everything_of_one_job() -> None:
    jobs = Jobs(Job("1", "k", "t", result={"x": 1}))
    told = await TABLE.need("job.show").run(call(jobs), id="1")
    assert (told["id"], told["result"]) == ("1", {"x": 1})
    with pytest.raises(Missing, match="no job 2"):
        await TABLE.need("job.show").run(call(jobs), id="2")


@pytest.mark.parametrize(
    ("state", "error", "told"),
    [
        ("cancelled", Cancelled("Cancelled"), {"id": "1", "state": "cancelled"}),
        ("done", None, {"id": "1", "state": "done"}),
        ("failed", Limit("too much"), {"id": "1", "state": "failed", "reason": "too much"}),
    ],
)
async def test_job_cancel_waits_for_the_end_and_tells_it(state: str, error: Exception | None, told: dict[str, str]) -> None:
    jobs = Jobs(Job("1", "k", "t", state=state), error=error)
    assert await TABLE.need("job.cancel").run(call(jobs), id="1") == told
    assert jobs.asked == ["1"]
