"""The one funnel for exceptions: tell the user, stay silent on cancel, or report a bug."""

import asyncio
import enum
import platform
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from app.engine.base.errors import Bug, Cancelled, OutpostError
from app.engine.base.redact import redact
from app.engine.base.text import tr


class Fate(enum.Enum):
    """What becomes of an exception that reached the top."""

    TELL = "tell"
    SILENT = "silent"
    BUG = "bug"


def fate_of(error: BaseException) -> Fate:
    """Return the fate of `error`: cancels are silent, our own errors are told, all else is a bug."""
    if isinstance(error, (Cancelled, asyncio.CancelledError, KeyboardInterrupt)):
        return Fate.SILENT
    if isinstance(error, OutpostError) and not isinstance(error, Bug):
        return Fate.TELL
    return Fate.BUG


def exit_code_of(error: BaseException) -> int:
    """Return the exit status of the command line for `error`."""
    if fate_of(error) is Fate.SILENT:
        return Cancelled.exit_code
    return error.exit_code if isinstance(error, OutpostError) else Bug.exit_code


def as_outpost_error(error: BaseException) -> OutpostError:
    """Return `error` itself if it is ours, else a `Bug` (or `Cancelled`) that carries its name and text."""
    if isinstance(error, OutpostError):
        return error
    if fate_of(error) is Fate.SILENT:
        return Cancelled("Cancelled")
    return Bug("{kind}: {text}", kind=type(error).__name__, text=str(error), hint="Copy the report and send it to us.")


@dataclass(frozen=True)
class Notice:
    """What the user is shown: a line, what to do, and for a bug the report that can be copied."""

    fate: Fate
    text: str
    hint: str = ""
    report: str = ""
    cause: str = ""


def report_of(error: BaseException, cause: str, about: str = "") -> str:
    """Return the report of a bug that can be copied and sent: what ran where and the trace, without secrets."""
    system = f"{platform.system()} {platform.release()} {platform.machine()}, Python {platform.python_version()}"
    trace = "".join(traceback.format_exception(error))
    return redact(f"{about}\n{system}\nduring: {cause or 'unknown'}\n\n{trace}".lstrip())


class Funnel:
    """Takes every exception that reached the top and hands what is to be seen to `show`."""

    def __init__(self, show: Callable[[Notice], None], about: str = "") -> None:
        self._show, self._about = show, about

    def take(self, error: BaseException, cause: str = "") -> Fate:
        """Deal with `error`; `cause` names the command run or the task it came from."""
        fate = fate_of(error)
        if fate is Fate.SILENT:
            return fate
        told = as_outpost_error(error)
        report = report_of(error, cause, self._about) if fate is Fate.BUG else ""
        text = str(told) if fate is Fate.TELL else tr("Something went wrong inside Outpost: {text}", text=str(told))
        self._show(Notice(fate, text, told.hint, report, cause))
        return fate
