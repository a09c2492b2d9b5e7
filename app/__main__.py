"""Start Outpost: no arguments open the console, anything else is the command line.

Nothing is imported at module level: worker processes import this module on every start.
"""


def main() -> int:
    """Run what was asked for and return the exit status."""
    import multiprocessing
    import sys

    multiprocessing.freeze_support()
    from app.engine.base.platform import algebra_threads

    algebra_threads(1)
    from app.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
