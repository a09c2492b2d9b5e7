"""The command line: a parser built from the command table, one engine, and the same events as the window."""

import argparse
import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from app import __version__
from app.engine.base.clock import iso_of
from app.engine.base.command import Arg, Command, CommandTable, Place
from app.engine.base.errors import BadInput, OutpostError
from app.engine.base.funnel import Fate, as_outpost_error, exit_code_of, fate_of
from app.engine.base.lines import aligned
from app.engine.base.platform import interrupt, on_terminate
from app.engine.base.text import tr

if TYPE_CHECKING:
    from app.engine.home import Home

_HIDDEN = argparse.SUPPRESS
ROW_ID = "row id"  # no argument of a command can be called so
_MOST_LINES = 40
_PATIENCE_S = 60.0  # several first starts in line before this one, on a slow laptop that has other work


def run(words: Sequence[str]) -> int:
    """Run the command `words` spell and return the exit status; no command opens the console."""
    if asked := _window_only(words):
        return _in_window(asked)
    from app.commands.table import command_table

    table = command_table()
    try:
        asked = vars(build_parser(table, nouns_in(words)).parse_args(words))
    except BadInput as error:
        return _tell(error, as_json="--json" in words, verbose=False)
    if ROW_ID not in asked:
        return _in_window(asked)
    home = _prepared(asked)
    try:
        row = table.need(asked[ROW_ID])
        given = {arg.name: asked[arg.name] for arg in row.args if arg.name in asked}
        result = _run_row(row, given, home, table, time.monotonic() + _PATIENCE_S)
    except BaseException as error:
        if isinstance(error, SystemExit):
            raise
        return _tell(error, as_json=bool(asked.get("json")), verbose=bool(asked.get("verbose")))
    if result is None:  # it has printed what it had to say
        return 0
    try:
        _print(result, as_json=bool(asked.get("json")), words=row.words)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader (head, say) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1 if isinstance(result, dict) and result.get("pass") is False else 0


def _window_only(words: Sequence[str]) -> dict[str, Any] | None:
    """Return the options when the words name no command; the window need not wait for the parser of all of them."""
    parser = _Parser(add_help=False, parents=[_shared()])
    _add_reset(parser)
    parser.set_defaults(window=True)
    try:
        asked, rest = parser.parse_known_args(words)
    except BadInput:
        return None  # told better by the whole parser
    return None if rest else vars(asked)


def _in_window(asked: dict[str, Any]) -> int:
    from app.console import open_console

    home = _prepared(asked)
    try:
        return open_console(home, reset_layout=bool(asked.get("reset_layout")))
    except BaseException as error:
        if isinstance(error, SystemExit):
            raise
        return _tell(error, as_json=bool(asked.get("json")), verbose=bool(asked.get("verbose")))


def _prepared(asked: dict[str, Any]) -> Path:
    """Log and end as asked for, and return the home."""
    level = logging.INFO if asked.get("verbose") else logging.WARNING
    logging.basicConfig(stream=sys.stderr, level=level, format="%(levelname)s %(message)s")
    on_terminate(interrupt)
    home: Path = asked.get("home") or default_home()
    return home


def default_home() -> Path:
    """Return OUTPOST_HOME, or the folder the system keeps user data in."""
    if given := os.environ.get("OUTPOST_HOME"):
        return Path(given)
    import platformdirs

    return Path(platformdirs.user_data_dir("outpost", appauthor=False))


class _Parser(argparse.ArgumentParser):
    """Raises what is wrong with the words as our own error, so that it is told as every other one is."""

    def error(self, message: str) -> NoReturn:
        """Raise `BadInput`."""
        raise BadInput("{message}", message=message, hint="See: {program} --help", program=self.prog)


def _shared() -> _Parser:
    """Return the options every command takes."""
    shared = _Parser(add_help=False)
    options = shared.add_argument_group(tr("everywhere"))
    options.add_argument(
        "--home", type=Path, default=_HIDDEN, metavar="DIR", help=tr("the folder this Outpost keeps its state in")
    )
    options.add_argument("--json", action="store_true", default=_HIDDEN, help=tr("print one JSON object"))
    options.add_argument("--verbose", action="store_true", default=_HIDDEN, help=tr("log more to standard error"))
    return shared


def _add_reset(parser: _Parser) -> None:
    parser.add_argument(
        "--reset-layout", action="store_true", default=_HIDDEN, help=tr("open the console with the layout as shipped")
    )


def nouns_in(words: Sequence[str]) -> frozenset[str]:
    """Return the words that may be the command; an option's value may be among them, which does no harm."""
    return frozenset(word for word in words if not word.startswith("-"))


def build_parser(table: CommandTable, wanted: Container[str] | None = None) -> argparse.ArgumentParser:
    """Return the parser of all rows; global options may stand before or after the command.

    Verbs and arguments of commands that are not among `wanted` are left out: making all takes as long as the rest of a start.
    """
    shared = _shared()
    parser = _Parser(
        prog="outpost", parents=[shared], description=tr("Operations console for edge sites."),
        epilog=tr("Without a command the console opens."),
    )  # fmt: skip
    _add_reset(parser)
    parser.add_argument("--version", action="version", version=__version__)
    nouns = parser.add_subparsers(metavar="command", dest="row noun")
    groups: dict[str, Any] = {}
    for row in table:
        whole = wanted is None or row.noun in wanted
        if not row.verb:
            place, word = nouns, row.id
        else:
            if row.noun not in groups:
                group = nouns.add_parser(row.noun, parents=[shared] if whole else [], help=_verbs(table, row.noun))
                groups[row.noun] = group.add_subparsers(metavar="verb", dest="row verb", required=True) if whole else None
            if not whole:
                continue
            place, word = groups[row.noun], row.verb
        leaf = place.add_parser(
            word, parents=[shared], help=tr(row.title), description=f"{tr(row.title)}. {tr(row.help)}",
            epilog=tr("Returns: {what}", what=tr(row.returns)) if row.returns else None,
        )  # fmt: skip
        leaf.set_defaults(**{ROW_ID: row.id})
        for arg in row.args:
            _add(leaf, arg)
    return parser


def _verbs(table: CommandTable, noun: str) -> str:
    return " · ".join(row.verb for row in table if row.noun == noun)


def _add(leaf: argparse.ArgumentParser, arg: Arg) -> None:
    unit = f" [{arg.unit}]" if arg.unit else ""
    default = "" if arg.required or arg.default in (None, "") else tr(" (default: {value})", value=arg.default)
    text = (tr(arg.help) + unit + default).replace("%", "%%")
    if arg.positional:
        place = leaf.add_argument(arg.name, help=text, metavar=arg.name.upper())
        if not arg.required:
            place.nargs, place.default, place.required = "?", _HIDDEN, False
        return
    flag = "--" + arg.name.replace("_", "-")
    if arg.type is bool:
        leaf.add_argument(flag, action=argparse.BooleanOptionalAction, default=_HIDDEN, dest=arg.name, help=text)
    else:
        metavar = "{" + ",".join(arg.choices) + "}" if arg.choices else arg.name.upper()
        leaf.add_argument(flag, default=_HIDDEN, dest=arg.name, required=arg.required, help=text, metavar=metavar)


def _run_row(row: Command, given: dict[str, Any], home: Path, table: CommandTable, patient_until_s: float) -> Any:
    args = row.take(given)  # a bad argument is told before anything is opened
    if row.place is Place.PROCESS:
        from app.agent.main import fast_loop

        with asyncio.Runner(loop_factory=fast_loop()) as runner:
            return runner.run(_alone(row, home, args))
    if row.place is Place.CONSOLE:
        from app.console import perform

        return perform(row, args)
    from app.engine.home import Home

    place = Home(home.resolve())
    if place.take():  # and kept until the engine has it: two that start at once must not both let go
        return asyncio.run(_in_engine(row, given, place, table))
    from app.local import NobodyAnswers, ask

    whole = {arg.name: arg.whole(args[arg.name]) for arg in row.args}
    sent = {name: str(whole[name]) if isinstance(args[name], Path) else given[name] for name in given}
    try:
        return ask(home.resolve(), row.id, sent, _progress)
    except NobodyAnswers:  # the owner begins or ends at this moment: it will answer, or leave the home
        if time.monotonic() > patient_until_s:
            raise
    time.sleep(0.1)
    return _run_row(row, given, home, table, patient_until_s)


async def _alone(row: Command, home: Path, args: dict[str, Any]) -> Any:
    return await row.run(home, **args)


async def _replacement(row: Command, given: dict[str, Any], place: "Home") -> Path | None:
    """Return the file that is about to take the place of a store which may be too damaged to be opened; None for most."""
    args = row.take(given)
    if row.id == "store.salvage":
        from app.engine.store.salvage import prepare

        return await asyncio.to_thread(prepare, place.store, args["file"], args["backup"])
    return args["file"] if row.id in ("store.restore", "hub.restore") else None


async def _in_engine(row: Command, given: dict[str, Any], place: "Home", table: CommandTable) -> Any:
    from app.engine.engine import Engine
    from app.local import LocalDoor

    backup = await _replacement(row, given, place)
    engine = Engine.at(place.folder, place=place)
    await engine.start(table, backup=backup)
    engine.fleet.herd.leashed = False  # a single command is over at once; what it starts serves the next ones
    engine.jobs.records.watch(_progress_of)
    door = LocalDoor(engine)
    try:
        return await _last_out(engine.run(row.id, **given), door.idle)
    finally:
        await door.stop()
        await engine.close()


async def _last_out(own: Awaitable[Any], others: Callable[[], Awaitable[None]]) -> Any:
    """Return what `own` returns once the commands handed in by `others` have ended too; a cancel waits for nobody."""
    try:
        result = await own
    except Exception:
        await others()
        raise
    await others()
    return result


def _progress_of(change: Any) -> None:
    for job in change.changed:
        _progress({"title": job.title, "done": job.done, "total": job.total, "unit": job.unit})


def _progress(told: dict[str, Any]) -> None:
    if sys.stderr.isatty() and told["total"]:
        sys.stderr.write(f"\r\x1b[K{told['title']}  {told['done']:g} / {told['total']:g} {told['unit']}")
        if told["done"] >= told["total"]:
            sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _tell(error: BaseException, *, as_json: bool, verbose: bool) -> int:
    told = as_outpost_error(error)
    if as_json:
        print(json.dumps({"error": told.problem()}))
    if fate_of(error) is not Fate.SILENT:
        print(f"outpost: {told}", *([f"         {told.hint}"] if told.hint else []), sep="\n", file=sys.stderr)
    if fate_of(error) is Fate.BUG and (verbose or not isinstance(error, OutpostError)):
        logging.getLogger(__name__).error("a bug", exc_info=error)
    return exit_code_of(error)


def _print(result: Any, *, as_json: bool, words: Callable[[Any], str] | None = None) -> None:
    if as_json:
        print(json.dumps(result, ensure_ascii=False, allow_nan=False))
    elif words is not None:
        print(words(result))
    elif isinstance(result, dict):
        _print_object(result)


def _print_object(result: dict[str, Any]) -> None:
    """Print for a person: a ready text as it is, plain values as lines, lists of objects as tables below them."""
    if isinstance(text := result.get("text"), str):
        print(text)
        return
    tables = {
        key: value for key, value in result.items() if isinstance(value, list) and (not value or isinstance(value[0], dict))
    }
    plain = {key: value for key, value in result.items() if key not in tables}
    width = max((len(key) for key in plain), default=0)
    if not tables or set(plain) - {"count"}:
        for key, value in plain.items():
            print(f"{key:<{width}}  {_shown(key, value)}")
    for key, rows in tables.items():
        if len(tables) > 1 or set(plain) - {"count"}:
            print(f"{key}:")
        if not rows and plain:
            print(tr("none"))
            continue
        _print_table(rows)


def _print_table(rows: list[Any]) -> None:
    if not rows:
        print(tr("Nothing yet."))
        return
    keys = list(rows[0])
    cells = [keys, *([_shown(key, row.get(key), 120 if key == keys[-1] else 40) for key in keys] for row in rows)]
    print("\n".join(aligned(cells)[: _MOST_LINES + 1]))
    if len(rows) > _MOST_LINES:
        print(tr("… and {count} more; --json prints all", count=len(rows) - _MOST_LINES))


def _shown(key: str, value: Any, most: int = 100) -> str:
    """Return one value as a person reads it: times as ISO text, everything on one line, cut at `most`."""
    if value is None:
        return "–"
    if key.endswith("_us") and isinstance(value, int):
        return iso_of(value) if value else "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.splitlines())
    return text if len(text) <= most else text[: most - 1] + "…"
