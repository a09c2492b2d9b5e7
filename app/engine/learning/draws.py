"""The one place where learning draws random numbers, so that none depends on chunking, order or worker count.

Orders of examples come from the counter-based generator Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random
numbers: as easy as 1, 2, 3", SC 2011): a number is a function of (seed, purpose, round, client, epoch, position) and of
nothing else, so a client gets the same order on its own node as in a simulation of a million. It is written for
arrays because making one numpy generator per client would cost more than training it.
"""

import enum

import numpy as np
from numpy.typing import NDArray

_LOW32 = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10

Words = NDArray[np.uint64]


class Purpose(enum.IntEnum):
    """What a draw is for; each purpose has a stream of its own under one seed."""

    ORDER = 1
    SELECT = 2
    INIT = 3
    PARTITION = 4
    SELF_TEST = 5
    ATTACK = 6
    PACE = 7
    ROUNDING = 8
    DATA = 9
    DROPOUT = 10


def generator(seed: int, purpose: Purpose, *more: int) -> np.random.Generator:
    """Return numpy's generator for `purpose` under `seed` (uint64), and under further numbers such as the round."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(int(purpose), *more))))


def key_of(seed: int, purpose: Purpose) -> tuple[int, int]:
    """Return the two 32-bit key words of `purpose` under `seed` (uint64)."""
    low, high = np.random.SeedSequence(seed, spawn_key=(int(purpose),)).generate_state(2, np.uint32)
    return int(low), int(high)


def philox(counter: tuple[Words, Words, Words, Words], key: tuple[int, int]) -> tuple[Words, Words, Words, Words]:
    """Return four arrays of 32-bit words (held in uint64) for four counter arrays that broadcast together."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        left, right = c0 * _M0, c2 * _M1
        c0, c1, c2, c3 = (
            (right >> _SHIFT) ^ c1 ^ np.uint64(k0),
            right & _LOW32,
            (left >> _SHIFT) ^ c3 ^ np.uint64(k1),
            left & _LOW32,
        )
        k0, k1 = (k0 + _W0) & 0xFFFFFFFF, (k1 + _W1) & 0xFFFFFFFF
    return c0, c1, c2, c3


def uniform(seed: int, purpose: Purpose, round_number: int, clients: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """Return throws between 0 and 1, float32 (clients, count), each a function of its place alone."""
    blocks = np.arange(-(-count // 4), dtype=np.uint64)[None, :]
    zero = np.zeros((len(clients), blocks.shape[1]), np.uint64)
    counter = (zero + blocks, zero, zero + clients.astype(np.uint64)[:, None], zero + np.uint64(round_number))
    words = np.stack(philox(counter, key_of(seed, purpose)), axis=-1).reshape(len(clients), -1)[:, :count]
    return np.asarray((words >> np.uint64(8)).astype(np.float32) * np.float32(2**-24))


def in_place(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each client's examples as they lie: int64 (clients, largest size), read-only."""
    widest = int(sizes.max(initial=0))
    return np.broadcast_to(np.arange(widest), (len(sizes), widest))


def orders(
    seed: int, round_number: int, clients: NDArray[np.int64], epoch: int, sizes: NDArray[np.int64], *, batch: int = 0
) -> NDArray[np.int64]:  # fmt: skip
    """Return each client's order of its examples in one epoch: int64 (clients, largest size).

    Row i holds a permutation of 0..sizes[i]-1 first; what follows is padding (positions >= sizes[i]). Examples that fit one
    `batch` stay as they lie: the order within a batch is nobody's matter.
    """
    widest = int(sizes.max(initial=0))
    blocks = np.arange(-(-widest // 4), dtype=np.uint64)[None, :]
    zero = np.zeros((len(clients), len(blocks[0])), np.uint64)
    words = philox(
        (zero + blocks, zero + np.uint64(epoch), zero + clients.astype(np.uint64)[:, None], zero + np.uint64(round_number)),
        key_of(seed, Purpose.ORDER),
    )
    rank = np.stack(words, axis=-1).reshape(len(clients), -1)[:, :widest]
    place = np.arange(widest)
    rank[place[None, :] >= sizes[:, None]] = np.uint64(1 << 32)
    order = np.argsort(rank, axis=1, kind="stable").astype(np.int64, copy=False)
    order[sizes <= batch] = place
    return order
