"""Small jobs that prove the pool: used by the self-test and by the tests, never by a person's work."""

import os
import threading
from pathlib import Path
from typing import Any

from app.engine.base.errors import BadInput
from app.engine.jobs.worker import LEFT_BEHIND


def count(spec: dict[str, Any], seed: int, report: Any, stop: Any) -> dict[str, Any]:
    """Count to `steps` (default 1), `pause_s` apart, reporting every step; tell the worker's process id."""
    steps, pause = int(spec.get("steps", 1)), threading.Event()
    done = 0
    while done < steps and not stop():
        done += 1
        report(done, steps, "steps", partial={"last": done}, samples={"step_count": [(float(done), float(done))]})
        pause.wait(float(spec.get("pause_s", 0)))
    return {"counted": done, "seed": seed, "pid": os.getpid()}


def deaf(spec: dict[str, Any], _seed: int, report: Any, _stop: Any) -> dict[str, Any]:
    """Work for `seconds` without ever asking whether to stop."""
    report(0, 1, partial={"pid": os.getpid()})
    threading.Event().wait(float(spec["seconds"]))
    return {"pid": os.getpid()}


def leave(_spec: dict[str, Any], _seed: int, _report: Any, _stop: Any) -> dict[str, Any]:
    """Leave a thread behind that never ends."""
    threading.Thread(target=threading.Event().wait, name=LEFT_BEHIND, daemon=True).start()
    return {"pid": os.getpid()}


def hold(spec: dict[str, Any], _seed: int, report: Any, stop: Any) -> dict[str, Any]:
    """Hold what stands in `file` until told to stop, telling so all the while, and leave it safe then."""
    file, pause = Path(spec["file"]), threading.Event()
    file.write_text("held", "ascii")
    while not stop():
        report(0, 1, partial={"pid": os.getpid()})
        pause.wait(0.01)
    file.write_text("safe", "ascii")
    return {"pid": os.getpid()}


def fail(spec: dict[str, Any], _seed: int, _report: Any, _stop: Any) -> dict[str, Any]:
    """Fail as `how` says: a told error, a bug, or the sudden end of the process."""
    if spec["how"] == "told":
        raise BadInput("{file}, line {line}: expected two numbers", file="a.txt", line=7, hint="Correct it.", field="file")
    if spec["how"] == "exit":
        os._exit(9)
    raise ZeroDivisionError("nothing to divide")


def big(spec: dict[str, Any], _seed: int, _report: Any, _stop: Any) -> dict[str, Any]:
    """Return a text of `size_bytes`."""
    return {"text": "x" * int(spec["size_bytes"])}


def surroundings(_spec: dict[str, Any], _seed: int, _report: Any, _stop: Any) -> dict[str, Any]:
    """Tell what a worker is given: environment, priority and the modules it has loaded."""
    import sys

    wanted = ("OPENBLAS_NUM_THREADS", "NUMBA_CACHE_DIR")
    return {"env": {name: os.environ.get(name) for name in wanted}, "modules": sorted(sys.modules), "pid": os.getpid()}
