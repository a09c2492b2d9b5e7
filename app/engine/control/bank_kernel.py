"""The inner part of the bank, compiled: every controller's turn in one pass over rows of numbers, nothing allocated.

The arithmetic is that of `physics`, `choose`, `limits` and `envelope` without the search for periods, which costs more than
all the rest; a test holds both equal. Columns are named here, and by `bank`.
"""

import math
from typing import Any, Final

from numba import njit

# What is seen of each resource at a turn: `sight.Sight` and when it was measured.
OK, AT, DEMAND, SERVICE, BUSY, QUEUE, SIZE, RTT, DONE = range(9)
SEEN: Final = 9
# What each controller remembers: a Kalman track, a spring, sums of the slowdown, a choice and moments of demand.
X, V, PXX, PXV, PVV, KNOWN, CAPACITY, SHARP, PLACE, SPEED, MOVED = range(11)
SW, SX, SY, SXX, SXY, SYY, MOST, INFLIGHT, CHOICE, CHOSEN_S, MEAN, SQUARE = range(11, 23)
MEMORY: Final = 23
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
# Reasons by number; `bank.REASONS` has their words.
R_FREE, R_LOW, R_HIGH, R_RATE, R_BAD, R_STALE, R_SAFE, R_COOL, R_RINGS, R_OBSERVED, R_RECOMMENDED = range(11)
_LEAST_DRAIN: Final = 4 / math.pi
_DWELL_S, _SURE_T, _SURE_SLOWER, _SURE_TASKS, _BURSTY, _QUICK, _FIT_T = 5.0, 6.0, 1.5, 600.0, 5.0, 1.5, 3.0
_LARGE, _WITHIN_S, _CALM_S, _LEAST_GAIN = 0.25, 3.0, 10.0, 0.125


@njit(cache=True, nogil=True)
def _track(m: Any, seen: Any, q: float, delay: float, dt: float) -> None:
    """Take one more measurement into the Kalman track."""
    fresh = m[KNOWN] < 1
    x = seen[DEMAND] if fresh else m[X] + m[V] * dt
    pxx = m[PXX] + 2 * m[PXV] * dt + m[PVV] * dt * dt + q * dt**3 / 3
    pxv = m[PXV] + m[PVV] * dt + q * dt * dt / 2
    pvv = m[PVV] + q * dt
    noise = max(x, 0.5) * max(seen[SERVICE], 1e-6) / dt
    gain_x, gain_v = pxx / (pxx + noise), pxv / (pxx + noise)
    error = seen[DEMAND] - x
    m[CAPACITY] = seen[SIZE] if fresh else m[CAPACITY] + dt / (delay / 2 + dt) * (seen[SIZE] - m[CAPACITY])
    m[X], m[V] = max(x + gain_x * error, 0.0), m[V] + gain_v * error
    m[PXX], m[PXV], m[PVV] = pxx * (1 - gain_x), pxv * (1 - gain_x), pvv - gain_v * pxv
    m[KNOWN] += 1


@njit(cache=True, nogil=True)
def _set_point(m: Any, seen: Any, s: Any, demand: float) -> float:
    coming = s[DELAY] * (m[X] - m[CAPACITY]) / max(seen[SERVICE], 1e-6)
    waiting = seen[QUEUE] + s[FORESEE] * (max(seen[QUEUE] + coming, 0.0) - seen[QUEUE])
    x = max(demand, 0.0)
    return float(
        x * (1 + s[MARGIN]) + s[BETA] * math.sqrt(x) + waiting * seen[SERVICE] / max(s[DRAIN], _LEAST_DRAIN * s[DELAY])
    )


@njit(cache=True, nogil=True)
def _coherent(m: Any, seen: Any, s: Any, dt: float) -> float:
    target = _set_point(m, seen, s, m[X] + m[V] * s[LEAD] * s[DELAY])
    size = seen[SIZE]
    if target > size + s[BAND] / 2:
        return target
    if target < size - 2 * s[BAND] and seen[QUEUE] * seen[SERVICE] <= size * s[DELAY]:
        return float(size + dt / (max(s[FALL_S], 0.0) + dt) * (target - size))
    return float(size)


@njit(cache=True, nogil=True)
def _spring(m: Any, seen: Any, s: Any, e: Any, v_before: float, dt: float) -> float:  # noqa: PLR0917
    m[SHARP] += 0.3 * ((m[V] - v_before) / dt - m[SHARP])
    rise = max(m[V], 0.0)
    force = s[PUSH] * rise * rise * (1 + min(max(m[SHARP] / 5.0, -1.0), 2.0))
    target = _set_point(m, seen, s, m[X]) + min(force, s[PUSH_MOST])
    moved = m[MOVED] < 1 or abs(seen[SIZE] - m[PLACE]) > 0.51
    size, speed = (seen[SIZE], 0.0) if moved else (m[PLACE], m[SPEED])
    omega = s[OMEGA] if target > size else s[OMEGA] * s[FALL]
    part = dt / 4
    for _ in range(4):
        speed += part * (omega * omega * (target - size) - 2 * s[ZETA] * omega * (speed - s[COLD] * m[V]))
        size += part * speed
    m[PLACE], m[SPEED], m[MOVED] = min(max(size, e[LOW]), e[HIGH]), speed, 1.0
    return float(m[PLACE])


@njit(cache=True, nogil=True)
def _slowed(m: Any, seen: Any, s: Any, dt: float) -> tuple[float, float, float]:
    """Take one more turn into the regression of service on n(n - 1); return (n*, its t value, slowdown at the most seen)."""
    fade = 1 - dt / (s[SPAN] + dt)
    m[INFLIGHT] += dt / (max(seen[SERVICE], 1e-3) + dt) * (seen[BUSY] - m[INFLIGHT])
    w, x, y = seen[DONE], max(m[INFLIGHT] * (m[INFLIGHT] - 1), 0.0), seen[RTT]
    m[SW], m[SX], m[SY] = fade * m[SW] + w, fade * m[SX] + w * x, fade * m[SY] + w * y
    m[SXX], m[SXY], m[SYY] = fade * m[SXX] + w * x * x, fade * m[SXY] + w * x * y, fade * m[SYY] + w * y * y
    m[MOST] = max(fade * m[MOST], m[INFLIGHT])
    total = max(m[SW], 1e-9)
    mean_x, mean_y = m[SX] / total, m[SY] / total
    sxx = max(m[SXX] / total - mean_x * mean_x, 1e-12)
    sxy = m[SXY] / total - mean_x * mean_y
    syy = max(m[SYY] / total - mean_y * mean_y, 1e-18)
    slope = sxy / sxx
    base = max(mean_y - slope * mean_x, 0.1 * mean_y) + 1e-12
    left = max(syy - slope * sxy, 1e-18)
    t_value = slope / math.sqrt(left / (sxx * max(total / 20.0, 1.0)))
    best = math.sqrt(base / max(slope, 1e-12 * base + 1e-15))
    return best, t_value, 1 + slope * m[MOST] * m[MOST] / base


@njit(cache=True, nogil=True)
def _limit(seen: Any, s: Any, e: Any, best: float, t_value: float, dt: float) -> float:  # noqa: PLR0917
    size = seen[SIZE]
    if t_value > _FIT_T:
        target = min(max(s[SHARE] * best, e[LOW]), e[HIGH])
        return float(size + dt / (0.5 + dt) * (target - size))
    return float(min(size * (1 + s[RISE]) if seen[QUEUE] > 0 else size, e[HIGH]))


@njit(cache=True, nogil=True)
def _auto(m: Any, seen: Any, s: Any, e: Any, v_before: float, dt: float) -> float:  # noqa: PLR0917
    best, t_value, slower = _slowed(m, seen, s, dt)
    contended = t_value > _SURE_T and slower > _SURE_SLOWER and m[SW] > _SURE_TASKS
    calm, pushed = _coherent(m, seen, s, dt), _spring(m, seen, s, e, v_before, dt)
    fade = dt / (10.0 + dt)
    m[MEAN] += fade * (seen[DEMAND] - m[MEAN])
    m[SQUARE] += fade * (seen[DEMAND] * seen[DEMAND] - m[SQUARE])
    idc = (m[SQUARE] - m[MEAN] * m[MEAN]) / max(m[MEAN], 1e-6) * dt / max(seen[SERVICE], 1e-6)
    wish = OPTOMECHANICAL if idc > _BURSTY and s[DELAY] <= _QUICK * dt else COHERENT
    if contended or s[ADMISSION] > 0:
        wish = FITTED
    if wish != m[CHOICE] and (m[CHOSEN_S] >= _DWELL_S or (contended and m[CHOICE] < FITTED)):
        m[CHOICE], m[CHOSEN_S] = wish, 0.0
    m[CHOSEN_S] += dt
    if m[CHOICE] == FITTED:
        return _limit(seen, s, e, best, t_value, dt)
    followed = pushed if m[CHOICE] == OPTOMECHANICAL else calm
    return float(min(followed, best) if contended else followed)


@njit(cache=True, nogil=True)
def _asked(m: Any, seen: Any, s: Any, e: Any, dt: float) -> float:
    """Return the size the law wants."""
    v_before = m[V]
    _track(m, seen, s[Q], s[DELAY], dt)
    if s[KIND] == COHERENT:
        return _coherent(m, seen, s, dt)
    if s[KIND] == OPTOMECHANICAL:
        return _spring(m, seen, s, e, v_before, dt)
    return _auto(m, seen, s, e, v_before, dt)


@njit(cache=True, nogil=True)
def _paced(e: Any, level: float, wanted: float, dt: float) -> float:
    rise, fall = (dt * e[UP], dt * e[DOWN]) if dt > 0 else (0.0, 0.0)
    return float(min(max(min(max(wanted, level - fall), level + rise), e[LOW]), e[HIGH]))


@njit(cache=True, nogil=True)
def _guard(e: Any, level: float, wanted: float, dt: float, age: float) -> tuple[float, int]:
    """Return (a size that keeps every promise, why); as `envelope.guard`."""
    if age > e[LOST] or math.isnan(age):
        return _paced(e, level, e[SAFE], dt), R_SAFE
    held = min(max(level, e[LOW]), e[HIGH])
    if age > e[STALE]:
        return held, R_STALE
    if not math.isfinite(wanted):
        return held, R_BAD
    bounded = min(max(wanted, e[LOW]), e[HIGH])
    size = _paced(e, level, bounded, dt)
    if abs(size - bounded) > 1e-9:
        return size, R_RATE
    if bounded != wanted:
        return size, R_LOW if bounded > wanted else R_HIGH
    return size, R_FREE


@njit(cache=True, nogil=True)
def _rings(t: Any, now: float, change: float, size: float) -> None:
    """Note a change of the size; six large changes of direction within three seconds halve the gain, calm doubles it."""
    newest = t[FLIPS + 6 - 1]
    if t[GAIN] < 1 and newest > -math.inf and now - newest > _CALM_S:
        t[GAIN] = min(1.0, 2 * t[GAIN])
        t[FLIPS : FLIPS + 6] = -math.inf
    if abs(change) < max(2.0, _LARGE * size):
        return
    if change * t[SWING] < 0:
        for k in range(5):
            t[FLIPS + k] = t[FLIPS + k + 1]
        t[FLIPS + 5] = now
    t[SWING] = change
    if now - t[FLIPS] <= _WITHIN_S:
        t[GAIN] = max(_LEAST_GAIN, t[GAIN] / 2)
        t[FLIPS : FLIPS + 5] = -math.inf


@njit(cache=True, nogil=True)
def forget(m: Any, s: Any) -> None:
    """Make the memory of one controller that of who has seen nothing."""
    m[:] = 0.0
    m[PXX] = m[PVV] = 100.0
    m[CHOICE], m[CHOSEN_S] = (FITTED if s[ADMISSION] > 0 else COHERENT), _DWELL_S


@njit(cache=True, nogil=True)
def _one(now: float, dt: float, seen: Any, m: Any, s: Any, e: Any, t: Any) -> tuple[float, int]:  # noqa: PLR0917
    """Take one controller's turn; return (size, reason)."""
    acts = t[MODE] > _RECOMMEND
    if seen[OK] > 0:
        if seen[AT] > t[LAST]:
            t[FRESH], t[LAST] = min(seen[AT], now), seen[AT]
        if not acts:
            t[LEVEL] = seen[SIZE]
    age, wanted = now - t[FRESH], math.nan
    if seen[OK] > 0:
        wanted = t[LEVEL]
        if dt > 0 and age <= e[STALE]:
            seen[SIZE] = t[LEVEL]
            t[WANTED] = _asked(m, seen, s, e, dt)
            wanted = t[LEVEL] + t[GAIN] * e[CANARY] * (t[WANTED] - t[LEVEL])
    else:
        forget(m, s)
    size, reason = _guard(e, t[LEVEL], wanted, dt, age)
    if not acts:
        return size, R_OBSERVED if t[MODE] == _OBSERVE else R_RECOMMENDED
    if e[COOL] > 0 and now - t[ACTED] < e[COOL] and abs(size - t[LEVEL]) > 1e-9:
        return float(t[LEVEL]), R_SAFE if reason == R_SAFE else R_COOL
    if t[GAIN] < 1 and reason == R_FREE:
        reason = R_RINGS
    change = round(size) - round(t[LEVEL])
    if change != 0:
        t[ACTED] = now
        _rings(t, now, change, round(size))
    t[LEVEL] = size
    return size, reason


@njit(cache=True, nogil=True)
def decide(now: float, dt: float, seen: Any, memory: Any, settings: Any, envelope: Any, standing: Any, sizes: Any,  # noqa: PLR0917
           reasons: Any) -> None:  # fmt: skip
    """Take every controller's turn; arrays have a row per controller and are changed in place."""
    for i in range(len(sizes)):
        sizes[i], reasons[i] = _one(now, dt, seen[i], memory[i], settings[i], envelope[i], standing[i])
