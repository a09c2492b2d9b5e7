"""The inner part of the bank, compiled: the turn of every controller as a few passes over columns, nothing allocated.

The arithmetic is that of `physics`, `choose`, `limits` and `envelope` without the search for periods, which costs more than
all the rest; a test holds both equal. Arrays have shape (figures, controllers); the figures are named here. Each pass is a
loop of its own: what calls a part with arrays in it counts references in every turn, and that took most of the time.
"""

import math
from typing import Any, Final

from numba import njit

# What is seen of each resource at a turn: `sight.Sight` and when it was measured.
OK, AT, DEMAND, SERVICE, BUSY, QUEUE, SIZE, RTT, DONE = range(9)
SEEN: Final = 9
# What each controller remembers: a Kalman track, a spring, sums of the slowdown, a choice and moments of demand.
X, V, PXX, PXV, PVV, KNOWN, CAPACITY, SHARP, PLACE, SPEED, MOVED = range(11)
SW, SX, SY, SXX, SXY, SYY, MOST, INFLIGHT, SWW, CHOICE, CHOSEN_S, MEAN, SQUARE = range(11, 24)
MEMORY: Final = 24
# Settings of the law; the names are those of `choose.Auto` and `physics.Optomechanical`.
KIND, Q, BETA, DRAIN, LEAD, BAND, FALL_S, MARGIN, FORESEE, PUSH, OMEGA, FALL, ZETA, COLD, PUSH_MOST = range(15)
SHARE, SPAN, RISE, ADMISSION, DELAY = range(15, 20)
SETTINGS: Final = 20
COHERENT, OPTOMECHANICAL, AUTO = 0.0, 1.0, 2.0
FITTED: Final = 3.0
# The envelope, and where it stands.
LOW, HIGH, SAFE, UP, DOWN, STALE, LOST, COOL, CANARY = range(9)
ENVELOPE: Final = 9
LEVEL, FRESH, LAST, ACTED, GAIN, WANTED, MODE, SWING, FLIPS = range(9)
STANDING: Final = 14  # the last six are the times of large changes of direction
_OBSERVE, _RECOMMEND = 0.0, 1.0
# What one pass hands to the next.
AGE, ACTIVE, V_BEFORE, WAITING, CALM, PUSHED, BEST, FITS, SURE, ASKED = range(10)
WORK: Final = 10
# Reasons by number; `bank.REASONS` has their words.
R_FREE, R_LOW, R_HIGH, R_RATE, R_BAD, R_STALE, R_SAFE, R_COOL, R_RINGS, R_OBSERVED, R_RECOMMENDED = range(11)
_LEAST_DRAIN: Final = 4 / math.pi
_DWELL_S, _SURE_T, _SURE_SLOWER, _SURE_TASKS, _BURSTY, _QUICK, _FIT_T, _FIT_TASKS = 5.0, 6.0, 1.5, 600.0, 5.0, 1.5, 3.0, 100.0
_OF_TURNS, _FIT_MEANS = 0.65, 10.0
_LEAST_PARTS, _PART_S, _MOST_S = 4, 0.025, 10.0
_LARGE, _WITHIN_S, _CALM_S, _LEAST_GAIN = 0.25, 3.0, 10.0, 0.125
_pass = njit(cache=True, nogil=True, error_model="numpy")


# The fields of `contracts.ResourceState`, in order.
_AT, _POSITION, _, _, _SIZE, _QUEUE, _WAIT, _RAW, _SERVICE, _BUSY, _LATENCY, _RTT, _DONE = range(13)
_NO_SERVICE_S: Final = 1e-3


@_pass
def look(told: Any, seen: Any) -> None:
    """Take states (controllers, fields of a state); as `envelope.is_sane` and `controller.sight_of`."""
    for i in range(len(told)):
        state = told[i]
        finite = True
        for value in state:
            finite = finite and math.isfinite(value)
        fit = finite and state[_POSITION] >= 0 and state[_SIZE] >= 0 and state[_QUEUE] >= 0 and state[_WAIT] >= 0
        fit = fit and state[_SERVICE] >= 0 and state[_LATENCY] >= 0 and state[_RTT] >= 0 and state[_DONE] >= 0
        seen[OK, i] = 1.0 if fit else 0.0
        if not fit:
            continue
        service = state[_SERVICE] if state[_SERVICE] > 0 else _NO_SERVICE_S
        seen[AT, i], seen[QUEUE, i], seen[SIZE, i], seen[DONE, i] = state[_AT], state[_QUEUE], state[_SIZE], state[_DONE]
        seen[DEMAND, i] = state[_POSITION] if state[_RAW] < 0 else state[_RAW]
        seen[BUSY, i] = min(state[_POSITION], state[_SIZE]) if state[_BUSY] < 0 else state[_BUSY]
        seen[SERVICE, i], seen[RTT, i] = service, state[_RTT] if state[_RTT] > 0 else service


@_pass
def forget(i: int, m: Any, s: Any) -> None:
    """Make the memory of one controller that of who has seen nothing."""
    for k in range(MEMORY):
        m[k, i] = 0.0
    m[PXX, i] = m[PVV, i] = 100.0
    m[CHOICE, i] = FITTED if s[ADMISSION, i] > 0 else COHERENT
    m[CHOSEN_S, i] = _DWELL_S


@_pass
def _take(now: float, dt: float, seen: Any, m: Any, s: Any, e: Any, t: Any, work: Any) -> None:  # noqa: PLR0917
    """Note how fresh each reading is, and which laws have their turn."""
    for i in range(seen.shape[1]):
        if seen[OK, i] > 0:
            if seen[AT, i] > t[LAST, i]:
                t[FRESH, i], t[LAST, i] = min(seen[AT, i], now), seen[AT, i]
            if t[MODE, i] <= _RECOMMEND:
                t[LEVEL, i] = seen[SIZE, i]
            seen[SIZE, i] = t[LEVEL, i]
        else:
            forget(i, m, s)
        work[AGE, i] = now - t[FRESH, i]
        work[ACTIVE, i] = 1.0 if seen[OK, i] > 0 and dt > 0 and work[AGE, i] <= e[STALE, i] else 0.0
        work[V_BEFORE, i] = m[V, i]


@_pass
def _track(dt: float, seen: Any, m: Any, s: Any, work: Any) -> None:
    """Take one more measurement into the Kalman tracks, and foresee the queues."""
    for i in range(seen.shape[1]):
        if work[ACTIVE, i] < 1:
            continue
        fresh, q, size = m[KNOWN, i] < 1, s[Q, i], seen[SIZE, i]
        x = seen[DEMAND, i] if fresh else m[X, i] + m[V, i] * dt
        pxx = m[PXX, i] + 2 * m[PXV, i] * dt + m[PVV, i] * dt * dt + q * dt * dt * dt / 3
        pxv = m[PXV, i] + m[PVV, i] * dt + q * dt * dt / 2
        pvv = m[PVV, i] + q * dt
        noise = max(x, 0.5) * max(seen[SERVICE, i], 1e-6) / dt
        gain_x, gain_v = pxx / (pxx + noise), pxv / (pxx + noise)
        error = seen[DEMAND, i] - x
        share = dt / (s[DELAY, i] / 2 + dt)
        capacity = size if fresh else m[CAPACITY, i] + share * (size - m[CAPACITY, i])
        x = max(x + gain_x * error, 0.0)
        m[X, i], m[V, i], m[CAPACITY, i] = x, m[V, i] + gain_v * error, capacity
        m[PXX, i], m[PXV, i], m[PVV, i] = pxx * (1 - gain_x), pxv * (1 - gain_x), pvv - gain_v * pxv
        m[KNOWN, i] += 1
        coming = s[DELAY, i] * (x - capacity) / max(seen[SERVICE, i], 1e-6)
        queue = seen[QUEUE, i] + s[FORESEE, i] * (max(seen[QUEUE, i] + coming, 0.0) - seen[QUEUE, i])
        work[WAITING, i] = queue * seen[SERVICE, i] / max(s[DRAIN, i], _LEAST_DRAIN * s[DELAY, i])


@_pass
def _calm(dt: float, seen: Any, m: Any, s: Any, work: Any) -> None:
    """The coherent law: a led estimate and a dead-band."""
    for i in range(seen.shape[1]):
        if work[ACTIVE, i] < 1 or s[KIND, i] == OPTOMECHANICAL:
            continue
        x, size = max(m[X, i] + m[V, i] * s[LEAD, i] * s[DELAY, i], 0.0), seen[SIZE, i]
        target = x * (1 + s[MARGIN, i]) + s[BETA, i] * math.sqrt(x) + work[WAITING, i]
        wanted = size
        if target > size + s[BAND, i] / 2:
            wanted = target
        elif target < size - 2 * s[BAND, i] and seen[QUEUE, i] * seen[SERVICE, i] <= size * s[DELAY, i]:
            wanted = size + dt / (max(s[FALL_S, i], 0.0) + dt) * (target - size)
        work[CALM, i] = work[ASKED, i] = wanted


@_pass
def _spring(dt: float, seen: Any, m: Any, s: Any, e: Any, work: Any) -> None:  # noqa: PLR0917
    """The optomechanical law: a damped spring, cold damping and a bounded push; in parts as `physics.parts_of` has them."""
    span = min(dt, _MOST_S)
    parts = max(_LEAST_PARTS, math.ceil(span / _PART_S - 1e-9))
    part = span / parts
    for i in range(seen.shape[1]):
        slack = s[KIND, i] == AUTO and (s[DELAY, i] > _QUICK * dt or s[ADMISSION, i] > 0)  # it would never be picked
        if work[ACTIVE, i] < 1 or s[KIND, i] == COHERENT or slack:
            continue
        x, v = m[X, i], m[V, i]
        m[SHARP, i] += 0.3 * ((v - work[V_BEFORE, i]) / dt - m[SHARP, i])
        rise = max(v, 0.0)
        force = min(s[PUSH, i] * rise * rise * (1 + min(max(m[SHARP, i] / 5.0, -1.0), 2.0)), s[PUSH_MOST, i])
        target = x * (1 + s[MARGIN, i]) + s[BETA, i] * math.sqrt(x) + work[WAITING, i] + force
        moved = m[MOVED, i] < 1 or abs(seen[SIZE, i] - m[PLACE, i]) > 0.51
        size, speed = (seen[SIZE, i], 0.0) if moved else (m[PLACE, i], m[SPEED, i])
        omega = s[OMEGA, i] if target > size else s[OMEGA, i] * s[FALL, i]
        stiff, damp = omega * omega, 2 * s[ZETA, i] * omega
        for _ in range(parts):
            speed += part * (stiff * (target - size) - damp * (speed - s[COLD, i] * v))
            size += part * speed
        size = min(max(size, e[LOW, i]), e[HIGH, i])
        m[PLACE, i], m[SPEED, i], m[MOVED, i] = size, speed, 1.0
        work[PUSHED, i] = work[ASKED, i] = size


@_pass
def _slow(dt: float, seen: Any, m: Any, s: Any, work: Any) -> None:
    """Take one more turn into the regressions of service on n(n - 1): n*, its t value, the slowdown at the most seen."""
    for i in range(seen.shape[1]):
        if work[ACTIVE, i] < 1 or s[KIND, i] != AUTO:
            continue
        fade, n = 1 - dt / (s[SPAN, i] + dt), m[INFLIGHT, i]
        n += dt / (max(seen[SERVICE, i], 1e-3) + dt) * (seen[BUSY, i] - n)
        w, x, y = seen[DONE, i], max(n * (n - 1), 0.0), seen[RTT, i]
        m[INFLIGHT, i], m[MOST, i] = n, max(fade * m[MOST, i], n)
        m[SW, i], m[SX, i], m[SY, i] = fade * m[SW, i] + w, fade * m[SX, i] + w * x, fade * m[SY, i] + w * y
        m[SXX, i], m[SXY, i] = fade * m[SXX, i] + w * x * x, fade * m[SXY, i] + w * x * y
        m[SYY, i], m[SWW, i] = fade * m[SYY, i] + w * y * y, fade * m[SWW, i] + w * w
        each = 1 / max(m[SW, i], 1e-9)
        mean_x, mean_y = m[SX, i] * each, m[SY, i] * each
        sxx = max(m[SXX, i] * each - mean_x * mean_x, 1e-12)
        sxy = m[SXY, i] * each - mean_x * mean_y
        slope = sxy / sxx
        base = max(mean_y - slope * mean_x, 0.1 * mean_y) + 1e-12
        left = max(max(m[SYY, i] * each - mean_y * mean_y, 1e-18) - slope * sxy, 1e-18)
        # t > T and slowdown > R, asked without roots and divisions: most plants show neither.
        means = _OF_TURNS * m[SW, i] * m[SW, i] / max(m[SWW, i], 1e-9)
        t_squared = slope * slope * sxx * max(means, 1.0)
        fits = slope > 0 and t_squared > _FIT_T * _FIT_T * left and m[SW, i] > _FIT_TASKS and means > _FIT_MEANS
        slower = slope * m[MOST, i] * m[MOST, i] > (_SURE_SLOWER - 1) * base
        work[FITS, i] = 1.0 if fits else 0.0
        work[SURE, i] = 1.0 if fits and t_squared > _SURE_T * _SURE_T * left and slower and m[SW, i] > _SURE_TASKS else 0.0
        work[BEST, i] = math.sqrt(base / max(slope, 1e-12 * base + 1e-15)) if fits else math.inf


@_pass
def _choose(dt: float, seen: Any, m: Any, s: Any, e: Any, work: Any) -> None:  # noqa: PLR0917
    """The automatic model: contention first, then burstiness, with dwell time."""
    for i in range(seen.shape[1]):
        if work[ACTIVE, i] < 1 or s[KIND, i] != AUTO:
            continue
        sure = work[SURE, i] > 0
        demand, fade, size = seen[DEMAND, i], dt / (10.0 + dt), seen[SIZE, i]
        m[MEAN, i] += fade * (demand - m[MEAN, i])
        m[SQUARE, i] += fade * (demand * demand - m[SQUARE, i])
        spread = (m[SQUARE, i] - m[MEAN, i] * m[MEAN, i]) * dt
        bursty = spread > _BURSTY * max(m[MEAN, i], 1e-6) * max(seen[SERVICE, i], 1e-6)
        wish = OPTOMECHANICAL if bursty and s[DELAY, i] <= _QUICK * dt else COHERENT
        wish = FITTED if sure or s[ADMISSION, i] > 0 else wish
        if wish != m[CHOICE, i] and (m[CHOSEN_S, i] >= _DWELL_S or (sure and m[CHOICE, i] < FITTED)):
            m[CHOICE, i], m[CHOSEN_S, i] = wish, 0.0
        m[CHOSEN_S, i] += dt
        followed = work[PUSHED, i] if m[CHOICE, i] == OPTOMECHANICAL else work[CALM, i]
        asked = min(followed, work[BEST, i]) if sure else followed
        if m[CHOICE, i] == FITTED:
            fitted = min(max(s[SHARE, i] * work[BEST, i], e[LOW, i]), e[HIGH, i])
            grown = size * (1 + s[RISE, i] * dt / (max(seen[SERVICE, i], 1e-3) + dt))
            probe = min(grown if seen[QUEUE, i] > 0 else size, e[HIGH, i])
            asked = size + dt / (0.5 + dt) * (fitted - size) if work[FITS, i] > 0 else probe
        work[ASKED, i] = asked


@njit(cache=True, nogil=True)
def _paced(low: float, high: float, level: float, wanted: float, rise: float, fall: float) -> float:  # noqa: PLR0917
    return min(max(min(max(wanted, level - fall), level + rise), low), high)


@_pass
def _guard(dt: float, seen: Any, e: Any, t: Any, work: Any, sizes: Any, reasons: Any) -> None:  # noqa: PLR0917
    """Find for each a size that keeps every promise, and why; as `envelope.guard`."""
    for i in range(seen.shape[1]):
        level, low, high, age = t[LEVEL, i], e[LOW, i], e[HIGH, i], work[AGE, i]
        rise, fall = (dt * e[UP, i], dt * e[DOWN, i]) if dt > 0 else (0.0, 0.0)
        wanted = level if seen[OK, i] > 0 else math.nan
        if work[ACTIVE, i] > 0:
            t[WANTED, i] = work[ASKED, i]
            granted = e[SAFE, i] + e[CANARY, i] * (work[ASKED, i] - e[SAFE, i]) if e[CANARY, i] < 1 else work[ASKED, i]
            wanted = level + t[GAIN, i] * (granted - level)
        bounded = min(max(wanted, low), high)
        size, reason = _paced(low, high, level, bounded, rise, fall), R_FREE
        if age > e[LOST, i]:
            size, reason = _paced(low, high, level, e[SAFE, i], rise, fall), R_SAFE
        elif age > e[STALE, i] or not math.isfinite(wanted):
            size, reason = min(max(level, low), high), R_STALE if age > e[STALE, i] else R_BAD
        elif abs(size - bounded) > 1e-9:
            reason = R_RATE
        elif bounded != wanted:
            reason = R_LOW if bounded > wanted else R_HIGH
        sizes[i], reasons[i] = size, reason


@_pass
def _rings(i: int, t: Any, now: float, change: float, size: float) -> None:
    """Note a change of a size; six large changes of direction within three seconds halve the gain, calm doubles it."""
    newest = t[FLIPS + 5, i]
    if t[GAIN, i] < 1 and newest > -math.inf and now - newest > _CALM_S:
        t[GAIN, i] = min(1.0, 2 * t[GAIN, i])
        for k in range(6):
            t[FLIPS + k, i] = -math.inf
    if abs(change) < max(2.0, _LARGE * size):
        return
    if change * t[SWING, i] < 0:
        for k in range(5):
            t[FLIPS + k, i] = t[FLIPS + k + 1, i]
        t[FLIPS + 5, i] = now
    t[SWING, i] = change
    if now - t[FLIPS, i] <= _WITHIN_S:
        t[GAIN, i] = max(_LEAST_GAIN, t[GAIN, i] / 2)
        for k in range(5):
            t[FLIPS + k, i] = -math.inf


@_pass
def _settle(now: float, e: Any, t: Any, sizes: Any, reasons: Any) -> None:
    """Put the sizes in force where the mode allows, after the cool-down, and watch for swings."""
    for i in range(len(sizes)):
        if t[MODE, i] <= _RECOMMEND:
            reasons[i] = R_OBSERVED if t[MODE, i] == _OBSERVE else R_RECOMMENDED
            continue
        before = t[LEVEL, i]
        if e[COOL, i] > 0 and now - t[ACTED, i] < e[COOL, i] and abs(sizes[i] - before) > 1e-9:
            sizes[i] = before
            reasons[i] = R_SAFE if reasons[i] == R_SAFE else R_COOL
            continue
        if t[GAIN, i] < 1 and reasons[i] == R_FREE:
            reasons[i] = R_RINGS
        size = math.floor(sizes[i] + 0.5)
        change = size - math.floor(before + 0.5)
        t[LEVEL, i] = sizes[i]
        if change != 0:
            t[ACTED, i] = now
            _rings(i, t, now, change, size)


@_pass
def decide(now: float, dt: float, seen: Any, m: Any, s: Any, e: Any, t: Any, work: Any, sizes: Any, reasons: Any) -> None:  # noqa: PLR0917
    """Take every controller's turn; the arrays are changed in place."""
    _take(now, dt, seen, m, s, e, t, work)
    _track(dt, seen, m, s, work)
    _calm(dt, seen, m, s, work)
    _spring(dt, seen, m, s, e, work)
    _slow(dt, seen, m, s, work)
    _choose(dt, seen, m, s, e, work)
    _guard(dt, seen, e, t, work, sizes, reasons)
    _settle(now, e, t, sizes, reasons)
