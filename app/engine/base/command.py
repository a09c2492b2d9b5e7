"""A command is a row: everything a person, a script or a peer can do, declared once.

Menus, palette, shortcuts, the command line, the manual and the audit trail are read from these rows.
"""

import enum
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.engine.base.errors import BadInput, Missing


class Role(enum.IntEnum):
    """Who may: each role may do all that those before it may."""

    OBSERVER = 0
    OPERATOR = 1
    ADMIN = 2


class Danger(enum.Enum):
    """What a command does to the world: READ leaves no audit entry, CHANGE and DESTRUCTIVE do."""

    READ = "read"
    CHANGE = "change"
    DESTRUCTIVE = "destructive"


class Place(enum.Enum):
    """Where a command runs, and what its handler is given first.

    ENGINE: in the engine that owns the home, given a `Call`. PROCESS: in the process it was typed in, given the home's
    path. CONSOLE: in that process with a window of its own, given the stage that opens and closes it.
    """

    ENGINE = "engine"
    PROCESS = "process"
    CONSOLE = "console"


REQUIRED: Final = object()


@dataclass(frozen=True)
class Arg:
    """One argument: its type (str, int, float, bool or Path), unit, range, choices, default and help.

    `words` are what a Path may be besides: they name things that are no files, wherever the command is given. `blank` says
    what a default stands for that reads as something else; a form shows it in an empty field.
    """

    name: str
    type: type
    help: str
    default: Any = REQUIRED
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    positional: bool = False
    secret: bool = False
    words: tuple[str, ...] = ()
    blank: str = ""

    @property
    def required(self) -> bool:
        """Tell whether the argument has no default."""
        return self.default is REQUIRED

    def whole(self, taken: Any) -> Any:
        """Return what was taken, a path as one that means the same in any folder."""
        return taken.resolve() if isinstance(taken, Path) and str(taken) not in self.words else taken

    def take(self, value: Any) -> Any:
        """Return `value` as this argument's type, or raise `BadInput` that names the argument and its range."""
        if value is None and not self.required:
            return self.default
        try:
            taken = self._convert(value)
        except (TypeError, ValueError, OverflowError):
            raise BadInput(
                "{name} must be {kind}, not {value}",
                field=self.name, name=self.name, kind=_KINDS.get(self.type, self.type.__name__), value=repr(value),
            ) from None  # fmt: skip
        if self.choices and taken not in self.choices:
            raise BadInput(
                "{name} must be one of {choices}, not {value}",
                field=self.name, name=self.name, choices=", ".join(self.choices), value=repr(taken),
            )  # fmt: skip
        self._check_range(taken)
        return taken

    def _convert(self, value: Any) -> Any:
        if self.type is bool and not isinstance(value, bool):
            return {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}[str(value).lower()] \
                if str(value).lower() in {"true", "false", "1", "0", "yes", "no"} else int("not a flag")  # fmt: skip
        if self.type in (int, float) and isinstance(value, bool):
            raise TypeError
        taken = self.type(value)
        if self.type is int and isinstance(value, float) and taken != value:
            raise ValueError
        if isinstance(taken, float) and not math.isfinite(taken):
            raise ValueError
        return taken

    def _check_range(self, value: Any) -> None:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            raise BadInput(
                "{name} must be between {low} and {high}, not {value}",
                field=self.name, name=self.name, value=value,
                low="any" if self.low is None else self.low, high="any" if self.high is None else self.high,
            )  # fmt: skip


_KINDS: Mapping[type, str] = {int: "a whole number", float: "a number", bool: "true or false", Path: "a file", str: "text"}

Handler = Callable[..., Awaitable[Any]]


@dataclass(frozen=True)
class Command:
    """One row: `id` is noun.verb, never renamed; `run` is `async def (call, **args)`, see `Place`, and returns plain JSON.

    `leaves` marks a change that reaches other machines: the window holds it for a few seconds, so that it can be taken back.
    `words` turns a result into lines for a person, where its fields one below the other would not be readable.
    """

    id: str
    title: str
    help: str
    run: Handler
    args: tuple[Arg, ...] = ()
    role: Role = Role.OPERATOR
    danger: Danger = Danger.CHANGE
    place: Place = Place.ENGINE
    keys: str = ""
    returns: str = ""
    leaves: bool = False
    aliases: tuple[str, ...] = field(default=())
    words: Callable[[Any], str] | None = None

    @property
    def noun(self) -> str:
        """Return what the command is about."""
        return self.id.partition(".")[0]

    @property
    def verb(self) -> str:
        """Return what is done to it; the noun itself when the command is one word."""
        return self.id.partition(".")[2]

    def take(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return all arguments, checked and with defaults; an unknown or missing one raises `BadInput`."""
        known = {arg.name for arg in self.args}
        for name in given:
            if name not in known:
                raise BadInput("{command} has no argument {name}", field=name, command=self.id, name=name)
        taken: dict[str, Any] = {}
        for arg in self.args:
            if arg.name in given:
                taken[arg.name] = arg.take(given[arg.name])
            elif arg.required:
                raise BadInput("{command} needs {name}", field=arg.name, command=self.id, name=arg.name)
            else:
                taken[arg.name] = arg.default
        return taken


class CommandTable:
    """All commands by id; an id or alias given twice fails at start-up."""

    def __init__(self, rows: Iterable[Command]) -> None:
        self._rows: dict[str, Command] = {}
        self._named: dict[str, Command] = {}
        for row in rows:
            for name in (row.id, *row.aliases):
                if name in self._named:
                    raise ValueError(f"command {name} is declared twice")
                self._named[name] = row
            self._rows[row.id] = row

    def __iter__(self) -> Iterator[Command]:
        return iter(self._rows.values())

    def need(self, name: str) -> Command:
        """Return the command called `name` (or aliased so); raise `Missing`."""
        try:
            return self._named[name]
        except KeyError:
            raise Missing("There is no command {name}", name=name, hint="See: outpost --help") from None
