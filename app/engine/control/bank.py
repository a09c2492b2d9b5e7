"""Many controllers as one: their figures are columns, a turn of all of them is one compiled pass.

`Columns` steers what is handed to it as numbers, a thousand rows in less than a tenth of a millisecond. `ControllerBank`
steers real resources: it measures each, lets `Columns` decide, and touches only those whose size changes. Models are the
library's; a bank looks for no periods, so `parametric` is refused and `auto` picks among the others.
"""

import importlib
import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Resource, ResourceState
from app.engine.base.errors import BadInput
from app.engine.control import records as reason
from app.engine.control.abreast import abreast
from app.engine.control.choose import Auto
from app.engine.control.envelope import LOST_TURNS, STALE_TURNS, Envelope, need_within
from app.engine.control.laws import suited
from app.engine.control.limits import Fitted
from app.engine.control.physics import Coherent, Optomechanical
from app.engine.control.records import Action
from app.engine.control.touch import Touch, tell
from app.engine.control.turns import LAST_TURN_S, Turns, need_tick

Floats = NDArray[np.float64]
BankLaw = Auto | Coherent | Optomechanical | Fitted
MODELS: Final[dict[str, BankLaw]] = {"auto": Auto(), "coherent": Coherent(), "optomechanical": Optomechanical()}
# Why a size is what it is, by the kernel's numbers.
REASONS: Final = (
    reason.FREE, reason.LOW, reason.HIGH, reason.RATE, reason.BAD, reason.STALE, reason.SAFE, reason.COOL, reason.RINGS,
    reason.OBSERVED, reason.RECOMMENDED,
)  # fmt: skip
_KINDS: Final = {"coherent": 0.0, "optomechanical": 1.0, "auto": 2.0}
_SETTINGS: Final = (
    "q", "beta", "drain_s", "lead", "band", "fall_s", "margin", "foresee", "push", "omega", "fall", "zeta", "cold", "push_most",
)  # fmt: skip
_KEPT_ACTIONS: Final = 10_000
_NOTHING: Final = (math.nan,) * len(ResourceState._fields)
_WHOLE: Final = 0.5 + 1e-9
# For those who are at their safe size by a kill: the end of the turns only leaves them as found.
LEFT: Final = ""


def law_row(law: BankLaw, delay_s: float) -> list[float]:
    """Return the settings of `law` in the kernel's order; what a law lacks has the spring's default.

    A limit alone stands for the automatic model of a plant where nothing follows demand.
    """
    spring = Optomechanical()
    row = [_KINDS[law.name], *(float(getattr(law, name, getattr(spring, name, 0.0))) for name in _SETTINGS)]
    limit = law if isinstance(law, Fitted) else law.fitted if isinstance(law, Auto) else Auto().fitted
    return [*row, float(limit.share), float(limit.span_s), float(limit.rise), float(limit is law), delay_s]


def _columns(rows: Sequence[Sequence[float]]) -> Floats:
    return np.ascontiguousarray(np.array(rows, float).T)


@cache
def _compiled() -> Any:
    """Return the kernel, compiled: a first turn would else hold up all controllers of this process for seconds.

    What is compiled depends on the kinds of the arguments, which are those of `Columns.see` and `Columns.tick`.
    """
    k: Any = importlib.import_module("app.engine.control.bank_kernel")
    figures = [np.zeros((count, 1)) for count in (k.SEEN, k.MEMORY, k.SETTINGS, k.ENVELOPE, k.STANDING, k.WORK)]
    k.look(np.full((1, len(_NOTHING)), math.nan), figures[0])
    k.decide(0.0, 0.0, *figures, np.zeros(1), np.zeros(1, np.int8))
    return k


class Columns:
    """The figures of `n` controllers: fill `seen` (9, n), call `tick`, read `sizes` and `reasons` (n,)."""

    def __init__(
        self, laws: Sequence[BankLaw], envelopes: Sequence[Envelope], sizes: Sequence[float], *,
        delays_s: Sequence[float], mode: str = reason.RECOMMEND,
    ) -> None:  # fmt: skip
        if not len(laws) == len(envelopes) == len(sizes) == len(delays_s) > 0:
            raise BadInput("A bank needs a law, an envelope, a size and a delay for each of its controllers", field="laws")
        self._kernel: Any = _compiled()
        k, count = self._kernel, len(laws)
        self.seen: Floats = np.zeros((k.SEEN, count))
        self._settings = _columns([law_row(law, delay) for law, delay in zip(laws, delays_s, strict=True)])
        self._envelopes = _columns(
            [[e.low, e.high, e.safe, e.up_per_s, e.down_per_s, e.stale_s, e.lost_s, e.cool_s, e.canary] for e in envelopes]
        )
        self._memory: Floats = np.zeros((k.MEMORY, count))
        for column in range(count):
            k.forget(column, self._memory, self._settings)
        self._work: Floats = np.zeros((k.WORK, count))
        self.standing: Floats = np.full((k.STANDING, count), -math.inf)
        self.standing[k.LEVEL] = self.standing[k.WANTED] = sizes
        self.standing[k.GAIN], self.standing[k.SWING] = 1.0, 0.0
        self.sizes: Floats = np.array(sizes, float)
        self.reasons: NDArray[np.int8] = np.zeros(count, np.int8)
        self._at_s: float | None = None
        self.set_mode(mode)

    def set_mode(self, mode: str) -> None:
        """Observe, recommend or apply from the next turn on; raises `BadInput`."""
        if mode not in reason.MODES:
            raise BadInput("A mode is observe, recommend or apply, not {mode}", field="mode", mode=mode)
        self.mode = mode
        self.standing[self._kernel.MODE] = reason.MODES.index(mode)

    def see(self, states: Sequence[ResourceState | None]) -> None:
        """Take what was measured of every resource, in order; None is a sensor that failed, one that lies is found out."""
        flat = itertools.chain.from_iterable(state or _NOTHING for state in states)
        self._kernel.look(np.fromiter(flat, float, len(_NOTHING) * len(self.sizes)).reshape(-1, len(_NOTHING)), self.seen)

    def tick(self, now_s: float) -> Floats:
        """Take the turn of all at `now_s`, the clock of the measurements, and return the sizes, shape (n,)."""
        dt_s = 0.0 if self._at_s is None else max(0.0, now_s - self._at_s)
        if self._at_s is None:
            self.standing[self._kernel.FRESH] = now_s
        self._at_s = now_s
        self._kernel.decide(
            now_s,
            dt_s,
            self.seen,
            self._memory,
            self._settings,
            self._envelopes,
            self.standing,
            self._work,
            self.sizes,
            self.reasons,
        )
        return self.sizes

    def overrule(self, row: int, size: float) -> None:
        """Go on from `size`: the resource took another one than it was given."""
        self.standing[self._kernel.LEVEL, row] = size

    def wanted(self, row: int) -> float:
        """Return what the law of a row asked for at the last turn."""
        return float(self.standing[self._kernel.WANTED, row])


class ControllerBank:
    """Steers many resources with one loop; `optimize` is a turn of all, `stop` leaves each at its safe size."""

    def __init__(
        self, resources: Sequence[Resource], physics_model: str = "auto", *, mode: str = reason.RECOMMEND,
        envelopes: Sequence[Envelope] = (), tick_s: float = 0.1, on_action: Callable[[int, Action], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        if physics_model not in MODELS:
            raise BadInput("A bank knows no model {name}; choose from {known}", field="physics_model", name=physics_model,
                           known=", ".join(MODELS))  # fmt: skip
        need_tick(tick_s)
        self.resources, self.tick_s, self._clock, self._on_action = tuple(resources), tick_s, clock, on_action
        self._touches = tuple(Touch(one) for one in self.resources)
        self.applied = [one.measure_state().size for one in self.resources]
        self.envelopes = tuple(envelopes) or tuple(
            Envelope(
                one.low, one.high, min(max(size, one.low), one.high), stale_s=STALE_TURNS * tick_s, lost_s=LOST_TURNS * tick_s
            )
            for one, size in zip(self.resources, self.applied, strict=True)
        )
        for one, envelope in zip(self.resources, self.envelopes, strict=False):
            need_within(envelope, one)
        delays_s = [float(getattr(one, "delay_s", 0.0)) or tick_s for one in self.resources]
        self.columns = Columns(
            [self._law(one, physics_model) for one in self.resources],
            self.envelopes,
            self.applied,
            delays_s=delays_s,
            mode=mode,
        )
        self.actions: deque[tuple[int, Action]] = deque(maxlen=_KEPT_ACTIONS)
        self._asked: Floats = np.array(self.applied, float)
        self._acted, self._ended, self.killed = [False] * len(self.applied), False, False
        # Rows on their way to the safe size: one that hangs there is not asked once more on top.
        self._leaving: set[int] = set()
        self._lock = threading.RLock()
        # No turn is under way that was let go: the next one acts again.
        self._rested = True
        patience_s = 3 * tick_s + max(one.cool_s for one in self.envelopes)
        # One turn that hangs holds the lock: the revert goes past it.
        self._turns = Turns("controller-bank", self._turn, lambda: self._to_safe(reason.DEAD), tick_s=tick_s,
                            patience_s=patience_s, clock=clock, leave=self.stop)  # fmt: skip

    @staticmethod
    def _law(resource: Resource, name: str) -> BankLaw:
        """Return the model; on an admission plant nothing follows demand, so every name there is the automatic one."""
        if getattr(resource, "plant", "sizing") == "admission":
            return Fitted(name="auto")
        law: Any = suited(MODELS[name], resource)
        return law  # type: ignore[no-any-return]

    def set_mode(self, mode: str) -> None:
        """Observe, recommend or apply from the next turn on."""
        # Past the lock: a turn that hangs in a sensor holds it.
        self.columns.set_mode(mode)

    @property
    def troubles(self) -> dict[int, str]:
        """Return what is wrong with a sensor or an actuator, by the number of its resource."""
        return {row: why for row, one in enumerate(self._touches) if (why := one.sensor or one.actuator)}

    def optimize(self) -> Floats:
        """Take one turn of all now and return the sizes decided, shape (n,)."""
        with self._lock:
            if self._rested:
                self._take_up()
            self.columns.see([one.measure() for one in self._touches])
            now_s = self._clock()
            sizes = self.columns.tick(now_s)
            if self.killed:
                self._again()
                return np.array(self.applied, float)
            if self.columns.mode == reason.APPLY:
                for row in np.flatnonzero(np.abs(sizes - self._asked) > 1e-9).tolist():
                    self._apply(row, float(sizes[row]), REASONS[self.columns.reasons[row]], now_s)
            return sizes

    def start(self) -> None:
        """Take turns on a thread until `stop`; raises `Conflict` when it runs already."""
        self._turns.start()
        self._take_up()

    def _take_up(self) -> None:
        self._ended = self._rested = False
        for touch in self._touches:
            touch.take_up()

    def stop(self) -> list[float]:
        """End the turns and leave every resource at its safe size, unless nothing was ever applied; return the sizes.

        The sizes are set past the lock, before the last turn is waited for: it may hang in a sensor. When it comes back later
        than in two seconds it applies nothing.
        """
        self._ended = True
        self._let_go()
        if self._turns.stop() and self._lock.acquire(timeout=LAST_TURN_S):
            try:
                self._let_go()
                self._rested = not self._leaving
            finally:
                self._lock.release()
        return list(self.applied)

    def kill(self) -> list[float]:
        """Use the kill switch: every resource at its safe size at once, whatever a turn hangs in, and no action any more.

        An actuator that hangs holds up no other; it is waited for two seconds.
        """
        self.killed = True
        self._leave(range(len(self.envelopes)), reason.KILLED)
        return list(self.applied)

    def _again(self) -> None:
        """Ask those once more whose actuator did not take the safe size at a kill."""
        safe = (envelope.is_safe(size) for envelope, size in zip(self.envelopes, self.applied, strict=True))
        stuck = [row for row, taken in enumerate(safe) if self._touches[row].actuator or not taken]
        self._leave(stuck, reason.KILLED)

    def _leave(self, rows: Sequence[int], why: str) -> None:
        """Set the safe sizes of `rows`; one that hangs is left behind and holds up no other.

        At the end of the turns one that outlives this program is left as it was found.
        """

        def leave(row: int) -> None:
            try:
                if why != LEFT:
                    self._set(row, self.envelopes[row].safe, why, self._clock())
                if self._ended:
                    self._touches[row].leave()
            finally:
                self._leaving.discard(row)

        asked = [row for row in rows if row not in self._leaving]
        self._leaving.update(asked)
        abreast(leave, asked)

    def _let_go(self) -> None:
        if self.killed:
            self._again()
            self._leave(range(len(self.envelopes)), LEFT)
        else:
            self._to_safe(reason.LET_GO)
            for row, touch in enumerate(self._touches):
                self._acted[row] = self._acted[row] and (bool(touch.actuator) or row in self._leaving)

    def _to_safe(self, why: str) -> None:
        applies = self.columns.mode == reason.APPLY
        self._leave([row for row in range(len(self.envelopes)) if applies or self._acted[row]], why)

    def _turn(self) -> None:
        self.optimize()

    def _apply(self, row: int, size: float, why: str, now_s: float) -> None:
        """Set what was decided; a bank that was killed or stopped meanwhile ends at the safe size."""
        if self._is_over():
            return
        self._acted[row] = True
        self._set(row, size, why, now_s)
        if self._is_over():
            self._set(row, self.envelopes[row].safe, reason.KILLED if self.killed else reason.LET_GO, now_s)
            if self._ended:
                self._touches[row].leave()

    def _is_over(self) -> bool:
        """Tell whether another thread killed or stopped this; asked before and after each size is set."""
        return self.killed or self._ended

    def _set(self, row: int, size: float, why: str, now_s: float) -> None:
        taken = self._touches[row].apply(size)
        applied = self.applied[row] if taken is None else taken
        stuck = taken is None or abs(applied - size) > _WHOLE
        self._asked[row] = applied if stuck else size
        if stuck:
            self.columns.overrule(row, applied)
        before, self.applied[row] = self.applied[row], applied
        if applied != before:
            action = Action(now_s, before, self.columns.wanted(row), applied, why)
            self.actions.append((row, action))
            if self._on_action is not None:
                tell(partial(self._on_action, row, action))
