"""Makes the pictures of the gallery: every sample solved once, the picture of its answer kept in one small file.

Run it after a sample or a picture has changed: python -m app.engine.qubo.problems.gallery
"""

import json
from typing import Any, Final

from app.engine.base.contracts import never, silent
from app.engine.qubo.problems import registry, work

FILE: Final = registry.SAMPLES / "pictures.json"
_SECONDS: Final = 1.0


def pictures(seconds: float = _SECONDS) -> dict[str, Any]:
    """Return the picture of the answer to each kind's sample, by kind."""
    out = {}
    for kind in registry.KINDS:
        spec = {"file": str(registry.sample_of(kind)), "seconds": seconds}
        out[kind] = work.solve(spec, 0, silent, never)["picture"]
    return out


def write() -> None:
    """Write the file."""
    FILE.write_text(json.dumps(pictures(), separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    write()
