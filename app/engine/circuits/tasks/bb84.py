"""BB84 key exchange, simulated bit by bit: sifting, error rate, reconciliation, privacy amplification, finite-key rate.

Bennett and Brassard (1984). An eavesdropper measures in a random basis and sends on what she saw (25 % errors on what she
touched). Reconciliation is Cascade (Brassard and Salvail, 1993), executed with the parities counted as leaked.
Privacy amplification is a random Toeplitz matrix (Krawczyk, 1994); the length follows the finite-key bound of Tomamichel, Lim,
Gisin and Renner (2012): l <= n (1 - h(Q + mu)) - leak - log2(2 / (eps_sec^2 eps_cor)),
mu = sqrt((n+k)(k+1) ln(4/eps_sec) / (n k^2)).
Asymptotically the secret fraction is 1 - 2 h(Q), which is 0 at Q = 11 % (Shor and Preskill, 2000): there the exchange ends.
"""

import math
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Report, Stop
from app.engine.base.errors import Cancelled
from app.engine.circuits.measures import binary_entropy
from app.engine.circuits.tasks.base import NO, Finding, Param, Task, wilson

Bits: TypeAlias = NDArray[np.uint8]
ABORT_RATIO: Final = 0.11
EPS_SECRET: Final = 1e-10
EPS_CORRECT: Final = 1e-15
_PASSES: Final = 6
_HASH_BITS: Final = 50  # of the check that both keys are equal: 2^-50 < EPS_CORRECT


def transmit(count: int, noise: float, eavesdropped: float, rng: np.random.Generator) -> tuple[Bits, Bits, Bits, Bits]:
    """Return (sent bits, sender's bases, received bits, receiver's bases) of `count` photons."""
    bits, bases, other = (rng.integers(0, 2, count, dtype=np.uint8) for _ in range(3))
    state, state_basis = bits.copy(), bases.copy()
    touched = rng.random(count) < eavesdropped
    eve = rng.integers(0, 2, count, dtype=np.uint8)
    seen = np.where(eve == state_basis, state, rng.integers(0, 2, count, dtype=np.uint8))
    state, state_basis = np.where(touched, seen, state), np.where(touched, eve, state_basis)
    got = np.where(other == state_basis, state, rng.integers(0, 2, count, dtype=np.uint8))
    flipped = rng.random(count) < noise
    return bits, bases, (got ^ flipped).astype(np.uint8), other


def cascade(alice: Bits, bob: Bits, error: float, rng: np.random.Generator) -> tuple[Bits, int]:
    """Return Bob's key corrected towards Alice's, and how many parities were told on the way."""
    count, bob = len(alice), bob.copy()
    leaked = 0
    size = max(4, int(0.73 / max(error, 1e-3)))
    passes: list[tuple[NDArray[np.int64], int]] = []
    for number in range(_PASSES):
        order = np.arange(count) if number == 0 else rng.permutation(count)
        passes.append((order, min(count, size << number)))
        width = passes[-1][1]
        starts = range(0, count, width)
        leaked += len(starts)
        wrong = [(number, start // width) for start in starts if _odd(alice, bob, order[start : start + width])]
        leaked += _settle(alice, bob, passes, wrong)
    return bob, leaked


def _settle(alice: Bits, bob: Bits, passes: list[tuple[NDArray[np.int64], int]], wrong: list[tuple[int, int]]) -> int:
    """Correct a bit in every block whose parity is wrong, and in blocks of earlier passes that this makes wrong."""
    places = [np.argsort(order) for order, _ in passes]
    leaked = 0
    while wrong:
        number, block = wrong.pop()
        order, width = passes[number]
        members = order[block * width : (block + 1) * width]
        if not _odd(alice, bob, members):
            continue
        while len(members) > 1:
            half = members[: len(members) // 2]
            leaked += 1
            members = half if _odd(alice, bob, half) else members[len(members) // 2 :]
        at = int(members[0])
        bob[at] ^= 1
        wrong += [(other, int(places[other][at]) // passes[other][1]) for other in range(len(passes))]
    return leaked


def _odd(alice: Bits, bob: Bits, members: NDArray[np.int64]) -> bool:
    return bool((alice[members] ^ bob[members]).sum() & 1)


def key_length(kept: int, tested: int, error: float, leaked: int) -> int:
    """Return how many secret bits `kept` sifted bits give when `tested` others showed `error`; 0 when none."""
    if kept <= 0 or tested <= 0:
        return 0
    slack = math.sqrt((kept + tested) * (tested + 1) * math.log(4 / EPS_SECRET) / (kept * tested * tested))
    bound = min(0.5, error + slack)
    length = kept * (1 - binary_entropy(bound)) - leaked - _HASH_BITS - math.log2(2 / (EPS_SECRET**2 * EPS_CORRECT))
    return max(0, math.floor(length))


def amplify(key: Bits, length: int, seed: Bits) -> Bits:
    """Return `length` bits: the Toeplitz matrix of `seed` (len(key) + length - 1 bits) times `key`, modulo 2."""
    total = len(seed) + len(key) - 1
    size = 1 << max(1, total - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(seed, size) * np.fft.rfft(key, size), size)
    return np.asarray(np.rint(product[len(key) - 1 : len(key) - 1 + length]).astype(np.int64) & 1, np.uint8)


def _hex(bits: Bits, most: int = 128) -> str:
    return np.packbits(bits[:most]).tobytes().hex()


def exchange(count: int, noise: float, eavesdropped: float, rng: np.random.Generator) -> dict[str, Any]:
    """Return what came of one key exchange of `count` photons: figures, and whether both ends hold the same key."""
    sent, bases, got, other = transmit(count, noise, eavesdropped, rng)
    same = np.flatnonzero(bases == other)
    order = rng.permutation(same)
    tested, kept = order[: len(order) // 3], np.sort(order[len(order) // 3 :])
    wrong = int((sent[tested] != got[tested]).sum())
    error = wrong / max(1, len(tested))
    low, high = wilson(wrong, len(tested))
    told: dict[str, Any] = {
        "photons": count, "sifted": len(same), "sifted_ratio": len(same) / count, "tested": len(tested), "qber_ratio": error,
        "qber_low_ratio": low, "qber_high_ratio": high, "aborted": error >= ABORT_RATIO, "key_bits": 0, "leaked_bits": 0,
        "keys_equal": False, "key_rate_ratio": 0.0, "asymptotic_ratio": max(0.0, 1 - 2 * binary_entropy(error)),
    }  # fmt: skip
    if told["aborted"]:
        return told
    alice, raw = sent[kept], got[kept]
    bob, leaked = cascade(alice, raw, max(error, 0.5 / max(1, len(tested))), rng)
    check = rng.integers(0, 2, len(kept) + _HASH_BITS - 1, dtype=np.uint8)
    agreed = bool((amplify(alice, _HASH_BITS, check) == amplify(bob, _HASH_BITS, check)).all())
    length = key_length(len(kept), len(tested), error, leaked) if agreed else 0
    seed = rng.integers(0, 2, len(kept) + max(1, length) - 1, dtype=np.uint8)
    one, two = amplify(alice, length, seed), amplify(bob, length, seed)
    return told | {
        "corrected": int((raw != bob).sum()), "leaked_bits": leaked, "agreed": agreed, "key_bits": length,
        "efficiency": leaked / max(1e-9, len(kept) * binary_entropy(error)) if error else 0.0,
        "keys_equal": length > 0 and bool((one == two).all()), "key_rate_ratio": length / count,
        "key_start": _hex(one), "other_key_start": _hex(two),
    }  # fmt: skip


def work(values: dict[str, Any], rng: np.random.Generator, _report: Report, stop: Stop) -> Finding:
    """Exchange one key."""
    if stop():
        raise Cancelled("Cancelled")
    told = exchange(values["photons"], values["noise"], values["eavesdropped"], rng)
    expected = values["noise"] + (1 - 2 * values["noise"]) * 0.25 * values["eavesdropped"]
    classical = {
        "method": "closed form", "expected_qber_ratio": expected,
        "secret_ratio_at_that": max(0.0, 1 - 2 * binary_entropy(expected)), "aborts_from_ratio": ABORT_RATIO,
    }  # fmt: skip
    why = "a classical channel shows no eavesdropper, but nothing was sent here: this is a simulation of the protocol"
    share = told["qber_ratio"]
    return Finding(told, classical, NO, why, share, 0.95, shots=values["photons"])


TASK = Task(
    "bb84", "Key exchange (BB84)",
    "Two ends make a secret key from single photons, and see by their errors whether somebody listened. A simulation.",
    (
        "Random bits are sent in random bases, and measured in random bases.",
        "Sifting: where both bases are equal the bit is kept; that is half of them.",
        "A third of those is told openly, to measure the share of errors. At 11 % or more the exchange ends.",
        "Cascade finds and corrects the other errors by parities; what it tells is counted as leaked.",
        "A random Toeplitz matrix shortens the key until nothing an eavesdropper may know is left.",
    ),
    (
        Param("photons", "How many are sent.", 100_000, 100, 2_000_000),
        Param("noise", "Share of bits that the channel flips.", 0.02, 0.0, 0.5),
        Param("eavesdropped", "Share of photons that are intercepted and sent on.", 0.0, 0.0, 1.0),
    ),
    work,
    "Share of wrong bits among those told openly (QBER).",
    "Level of the interval told of that share.",
)  # fmt: skip
