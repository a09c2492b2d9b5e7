"""One search by HiGHS (MIT) that tells what it finds and can be ended, in the build that comes with scipy.

`scipy.optimize.milp` can do neither, so the bindings below it are called (they are those of highspy, `_core`). HiGHS asks its
callbacks between steps that may take seconds, so that it searches in a thread of its own, without the interpreter's lock: who
has waited long enough takes what was found last and leaves the thread behind, to end when HiGHS looks up or with its process.
The names are private ones: where they are not what is known here, `BindingError` says so, and `milp` does instead.
"""

import contextlib
import importlib
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Stop, never
from app.engine.jobs.worker import LEFT_BEHIND

Floats = NDArray[np.float64]
Told = Callable[[Floats], None]
OPTIMAL, INFEASIBLE, CUT = "optimal", "infeasible", "cut"
_LOOK_S: Final = 0.02
_GRACE_S: Final = 0.25
_LEAST_S: Final = 0.01


@dataclass(frozen=True, eq=False)
class Ended:
    """How a search ended (`CUT`: by a limit or a stop), the values it holds (None: none), and a proved bound on their cost."""

    how: str
    values: Floats | None
    bound: float


def untold(values: Floats) -> None:
    """Hear nothing of values on the way."""


class BindingError(Exception):
    """The bindings of HiGHS are not those that are known here."""


@contextlib.contextmanager
def _as_known() -> Iterator[None]:
    try:
        yield
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise BindingError(f"{type(error).__name__}: {error}") from error


def load() -> Any:
    """Return the bindings of HiGHS; raises `BindingError`."""
    with _as_known():
        return importlib.import_module("scipy.optimize._highspy._core")


def searched(search: Callable[[], None], stop: Stop, look: Callable[[], None], end: Callable[[], None]) -> bool:
    """Search in a thread, calling `look` on the way, until `stop`; then `end` asks for it. False: it was left behind."""
    thread = threading.Thread(target=search, name="HiGHS", daemon=True)
    thread.start()
    thread.join(_LOOK_S)
    while thread.is_alive():
        look()
        if stop():
            end()
            thread.join(_GRACE_S)
            break
        thread.join(_LOOK_S)
    if thread.is_alive():
        thread.name = LEFT_BEHIND
        return False
    return True


def settle(stop: Stop) -> None:
    """Wait for searches that were left behind, or until `stop`: they would take from the time of what runs next."""
    for thread in threading.enumerate():
        while thread.name == LEFT_BEHIND and thread.is_alive() and not stop():
            thread.join(_LOOK_S)


@dataclass(eq=False)
class _Heard:
    """What the callback hears and says; apart from the search, which it would keep alive for good."""

    values: Floats | None = None
    bound: float = -np.inf
    ending: bool = False


class Search:
    """A search over `columns` (costs, low, high, whole) and `rows` (matrix by columns, least, most) with HiGHS' `options`."""

    def __init__(self, columns: tuple[Any, Any, Any, Any], rows: tuple[Any, Any, Any], options: Mapping[str, Any]) -> None:
        core = load()
        self._heard, self._whole = _Heard(), bool(np.any(columns[3]))
        self._error: Exception | None = None
        self._until = math.inf
        with _as_known():
            self._core, self._highs, self._options = core, core._Highs(), core.HighsOptions()  # noqa: SLF001 - its public name
            for name, value in {"output_flag": False, "log_to_console": False, **options}.items():
                setattr(self._options, name, value)
            self._highs.passOptions(self._options)  # before the model: HiGHS greets on the error stream with the first it gets
            if self._highs.passModel(_model(core, columns, rows)) == core.HighsStatus.kError:
                raise ValueError("HiGHS took no model")

    def run(self, stop: Stop = never, told: Told = untold, until: float = math.inf) -> Ended:
        """Search to the end, `until` a time of the performance counter, or until `stop`.

        `told` gets each better values, unless the next ones come first. Raises `BindingError`.
        """
        self._until = until
        last: Floats | None = None

        def look() -> None:
            nonlocal last
            if self._heard.values is not None and self._heard.values is not last:
                last = self._heard.values
                told(last)

        def end() -> None:
            self._heard.ending = True

        if searched(self._search, lambda: stop() or time.perf_counter() >= until, look, end):
            return self._ended()
        return Ended(CUT, self._heard.values, self._heard.bound)

    def _search(self) -> None:
        kinds, heard = self._core.cb.HighsCallbackType, self._heard
        better = int(kinds.kCallbackMipImprovingSolution)
        mip = {better, int(kinds.kCallbackMipInterrupt)}

        def look(kind: Any, message: str, out: Any, answer: Any, data: Any) -> None:
            del message, data
            if int(kind) in mip:
                heard.bound = max(heard.bound, float(out.mip_dual_bound))
            if int(kind) == better:
                heard.values = np.array(out.mip_solution, np.float64)
            else:
                answer.user_interrupt = heard.ending

        try:
            if self._until < math.inf:
                self._options.time_limit = max(self._until - time.perf_counter(), _LEAST_S)
            self._highs.passOptions(self._options)
            self._highs.setCallback(look, None)
            for kind in ("MipImprovingSolution", "MipInterrupt", "SimplexInterrupt", "IpmInterrupt"):
                self._highs.startCallback(getattr(kinds, f"kCallback{kind}"))
            self._highs.run()
        except Exception as error:  # noqa: BLE001 - raised again by who waits
            self._error = error

    def _ended(self) -> Ended:
        with _as_known():
            if self._error is not None:
                raise self._error
            return self._told()

    def _told(self) -> Ended:
        status, info, known = self._highs.getModelStatus(), self._highs.getInfo(), self._core.HighsModelStatus
        if status == known.kInfeasible:
            return Ended(INFEASIBLE, None, np.inf)
        cut = (known.kTimeLimit, known.kIterationLimit, known.kSolutionLimit, known.kInterrupt)
        how = OPTIMAL if status == known.kOptimal else CUT if status in cut else self._highs.modelStatusToString(status)
        held = how == OPTIMAL or (self._whole and how == CUT and info.objective_function_value < self._core.kHighsInf)
        values = np.array(self._highs.getSolution().col_value) if held else None
        return Ended(how, values, float(info.mip_dual_bound) if self._whole else -np.inf)


def _model(core: Any, columns: tuple[Any, Any, Any, Any], rows: tuple[Any, Any, Any]) -> Any:
    (costs, low, high, whole), (matrix, least, most) = columns, rows
    model = core.HighsLp()
    model.num_col_, model.num_row_ = len(costs), len(least)
    model.a_matrix_.num_col_, model.a_matrix_.num_row_ = len(costs), len(least)
    model.a_matrix_.format_ = core.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr, matrix.indices
    model.a_matrix_.value_ = matrix.data
    model.col_cost_, model.col_lower_, model.col_upper_ = costs, low, high
    model.row_lower_, model.row_upper_ = least, most
    model.integrality_ = [core.HighsVarType(int(one)) for one in whole]
    return model
