"""A short real trial of every part that an installation can break."""

import time
from typing import TYPE_CHECKING, Any

from app.engine.base.contracts import Report, Stop

if TYPE_CHECKING:
    from app.engine.jobs.service import Jobs
    from app.engine.store.store import Store

LIBRARIES = (
    "numpy",
    "numba",
    "scipy",
    "onnx",
    "onnxruntime",
    "qiskit",
    "qiskit_aer",
    "dimod",
    "dwave.samplers",
    "cryptography",
)


def try_import(spec: dict[str, Any], _seed: int, _report: Report, _stop: Stop) -> dict[str, Any]:
    """Import one library in a worker; returns its version."""
    import importlib

    module = importlib.import_module(spec["library"])
    return {"version": str(getattr(module, "__version__", "present"))}


async def run_checks(store: "Store", jobs: "Jobs", *, actor: str, cause: str) -> list[dict[str, Any]]:
    """Return one {name, pass, detail, wall_s} per part."""
    started_s = time.monotonic()
    found = await store.check()
    checks = [
        {"name": "store", "pass": not found, "detail": "; ".join(found) or "sound", "wall_s": time.monotonic() - started_s}
    ]
    for library in LIBRARIES:
        started_s = time.monotonic()
        try:
            answer = await jobs.run(
                "selftest", "app.engine.flows.selftest:try_import", {"library": library},
                title=f"import {library}", actor=actor, cause=cause, transient=True,
            )  # fmt: skip
            good, detail = True, answer["version"]
        except Exception as error:  # noqa: BLE001 - a broken library is what this looks for
            good, detail = False, str(error)
        checks.append({"name": library, "pass": good, "detail": detail, "wall_s": time.monotonic() - started_s})
    return checks
