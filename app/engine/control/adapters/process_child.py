"""The child of a process pool: reads {target, args} as lines of JSON, runs, and answers with a line; ends when told no more.

What a task prints goes to standard error, so that nothing but answers stands on standard output.
"""

import importlib
import json
import sys
from typing import IO, Any


def answer(line: str) -> str:
    """Return the answer to one line: {"result"} or {"error"}, as JSON."""
    try:
        target, args = json.loads(line)
        module, _, function = target.partition(":")
        result: Any = getattr(importlib.import_module(module), function)(*args)
        return json.dumps({"result": result})
    except Exception as error:  # noqa: BLE001 - whatever a task raises is told to who asked
        return json.dumps({"error": f"{type(error).__name__}: {error}"})


def serve(asked: IO[str], told: IO[str]) -> None:
    """Answer every line until there are no more."""
    for line in asked:
        told.write(answer(line) + "\n")
        told.flush()


if __name__ == "__main__":
    out, sys.stdout = sys.stdout, sys.stderr
    serve(sys.stdin, out)
