"""Runs an agent on a leash: it ends when the console that started it is gone, however that console ended.

The console holds the other end of this process's standard input and writes nothing into it; the system closes it with the
console, even after a SIGKILL. Agents on real nodes have no leash and serve on with nobody connected.
"""

import os
import runpy
import threading

from app.engine.base.platform import kill_hard


def watch() -> None:
    """Wait until nobody holds the other end, then end at once; an agent is safe to end at any moment."""
    while os.read(0, 4096):
        continue
    kill_hard(os.getpid())


def main() -> None:
    """Run the agent with the words given, watched by a thread."""
    threading.Thread(target=watch, name="leash", daemon=True).start()
    runpy.run_module("app.agent", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
