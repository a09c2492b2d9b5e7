import subprocess
import sys
from pathlib import Path

import psutil

from app.engine.base.platform import kill_hard

ROOT = Path(__file__).parents[4]
CONSOLE = """
import sys, threading
from pathlib import Path
from app.engine.fleet.adapters.processes import launch
agent = launch(Path(sys.argv[1]), "north")
print(agent.process.pid, flush=True)
threading.Event().wait()
"""


def test_a_real_agent_ends_with_a_console_that_was_killed(tmp_path):
    console = subprocess.Popen(
        [sys.executable, "-c", CONSOLE, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, env={"PYTHONPATH": str(ROOT)}
    )
    try:
        agent = psutil.Process(int(console.stdout.readline()))
        assert agent.is_running()
    finally:
        kill_hard(console.pid)
        console.wait()
        console.stdout.close()
    agent.wait(60)
