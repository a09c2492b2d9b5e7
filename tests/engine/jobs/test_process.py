import subprocess
import sys
from pathlib import Path

from app.engine.base.platform import kill_hard

from .conftest import alive

ROOT = Path(__file__).resolve().parents[3]

PARENT = """
import asyncio, pathlib, sys
sys.path.insert(0, {root!r})

async def main(home):
    from tests.engine.jobs.conftest import open_base
    base = await open_base(home)
    job_id = await base.jobs.submit("drill", *{job!r}, title="t", actor="a")
    while not base.jobs.records.need(job_id).partial:
        await asyncio.sleep(0.01)
    print(base.jobs.records.need(job_id).partial["pid"], flush=True)
    await asyncio.Event().wait()

if __name__ == "__main__":
    asyncio.run(main(pathlib.Path(sys.argv[1])))
"""


async def test_no_worker_outlives_a_killed_parent(tmp_path: Path, until) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(root=str(ROOT), job=("app.engine.jobs.drills:deaf", {"seconds": 600})))
    with subprocess.Popen([sys.executable, script, tmp_path], stdout=subprocess.PIPE, text=True) as parent:  # noqa: ASYNC220
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        kill_hard(parent.pid)
    await until(lambda: not alive(pid))


async def test_a_job_that_steers_something_leaves_it_safe_when_its_console_is_killed(tmp_path: Path, until) -> None:
    script, held = tmp_path / "parent.py", tmp_path / "held"
    script.write_text(PARENT.format(root=str(ROOT), job=("app.engine.jobs.drills:hold", {"file": str(held)})))
    with subprocess.Popen([sys.executable, script, tmp_path], stdout=subprocess.PIPE, text=True) as parent:  # noqa: ASYNC220
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert held.read_text("ascii") == "held"
        kill_hard(parent.pid)
    await until(lambda: not alive(pid))
    assert held.read_text("ascii") == "safe"
