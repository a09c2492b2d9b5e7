"""`python -m app.agent run …` on a machine that has the agent alone; imports nothing before it is needed."""


def main() -> int:
    """Run the agent the command line asks for and return the exit status."""
    import asyncio
    import logging
    import sys

    from app.agent.arguments import options_of
    from app.agent.main import fast_loop, serve
    from app.engine.base.funnel import Fate, as_outpost_error, exit_code_of, fate_of

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        options = options_of(sys.argv[1:])
        with asyncio.Runner(loop_factory=fast_loop()) as runner:
            runner.run(serve(options))
    except (Exception, KeyboardInterrupt) as error:  # the program's one seam
        told, fate = as_outpost_error(error), fate_of(error)
        if fate is not Fate.SILENT:
            sys.stderr.write(f"outpost: {told}\n" + (f"         {told.hint}\n" if told.hint else ""))
        if fate is Fate.BUG:
            logging.getLogger(__name__).exception("a bug")
        return exit_code_of(error)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
