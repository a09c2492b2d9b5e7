"""The child of a process pool: reads [id, target, args] as lines of JSON and answers each with a line; ends when told no more.

Orders and answers go over descriptors that no task knows: what a task prints, or what a command it starts prints, goes to
standard error, and what it reads from standard input is nothing.
"""

import importlib
import json
import os
from typing import IO, Any


def answer(line: str) -> str:
    """Return the answer to one line: {"id", "result"} or {"id", "error"}, as JSON."""
    number: Any = None
    try:
        number, target, args = json.loads(line)
        module, _, function = target.partition(":")
        result: Any = getattr(importlib.import_module(module), function)(*args)
        return json.dumps({"id": number, "result": result})
    except Exception as error:  # noqa: BLE001 - whatever a task raises is told to who asked
        return json.dumps({"id": number, "error": f"{type(error).__name__}: {error}"})


def serve(asked: IO[str], told: IO[str]) -> None:
    """Answer every line until there are no more."""
    for line in asked:
        told.write(answer(line) + "\n")
        told.flush()


def main() -> None:
    """Keep the pipes for orders and answers, give tasks others, and serve."""
    asked, told = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    serve(asked, told)


if __name__ == "__main__":
    main()
